"""The virtual modems, and what HylaFAX is told of them."""
