"""Ways to a better prompt, cheapest first. None decides whether it is one: the gate does."""
