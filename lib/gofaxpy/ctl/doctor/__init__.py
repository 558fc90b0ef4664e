"""gofaxctl doctor: one function for each check, in modules by what they examine; ``checks.py`` has their order."""
