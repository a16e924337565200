"""The command line: one module a command. It knows all other rooms, and none of them knows it."""
