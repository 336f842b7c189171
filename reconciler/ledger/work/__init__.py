"""What people and the program do about failed orders: verdicts, states, owners, notes, events."""
