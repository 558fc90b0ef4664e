"""Hostile input for everything that reads what others have written; see :mod:`fuzz.targets`."""
