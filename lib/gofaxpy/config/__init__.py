"""gofax.yaml: its keys, its reader, what a text must be, and the last good one that stays in force."""
