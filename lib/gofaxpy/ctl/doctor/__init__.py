"""gofaxctl doctor: one function for each check."""
