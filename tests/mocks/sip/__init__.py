"""Calls of the stand-in switch: where they go and what meets them."""
