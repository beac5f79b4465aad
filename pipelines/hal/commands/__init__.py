"""The commands of the terminal: one module each, with `run(args)` that returns the exit code."""
