"""What the API of the stand-in switch answers."""
