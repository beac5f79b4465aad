"""Makes prompts better from the log of this machine, and never lets a worse one through."""
