"""Many faxes: at once, and one after the other."""
