"""The channels of the stand-in switch and what runs in them."""
