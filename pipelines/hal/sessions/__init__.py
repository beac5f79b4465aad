"""The session log: what the router did, and what came of it."""
