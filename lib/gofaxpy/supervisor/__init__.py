"""What runs as long as FreeSWITCH does."""
