"""How a request reaches a target: attempts, fallback, egress."""
