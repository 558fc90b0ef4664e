"""What mod_db remembers of a station or destination by its number."""
