"""The calls of this process and the events about them."""
