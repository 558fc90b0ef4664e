"""What runs as long as FreeSWITCH does: the virtual modems, the events, and the clearing away after dead processes."""
