"""What is remembered of a number, in either direction."""
