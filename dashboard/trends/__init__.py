"""What /trends/ counts, and its panels."""
