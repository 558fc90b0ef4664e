"""The event socket of the stand-in switch."""
