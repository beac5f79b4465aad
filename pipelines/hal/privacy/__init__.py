"""What in a turn is private, and what follows from it."""
