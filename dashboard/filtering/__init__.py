"""The query string: what may stand in it, how it is read, and links that change it."""
