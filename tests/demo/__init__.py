"""`make demo`: a fax goes all the way, step by step, before the eyes of whoever wants to see it."""
