"""The virtual modems, and the messages to HylaFAX about them."""
