"""`hal report`: what the router did, as figures, in the terminal and as a page."""
