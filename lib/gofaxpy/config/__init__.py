"""gofax.yaml: its keys, its reader, the rules for its texts, and the last good file, which stays in force."""
