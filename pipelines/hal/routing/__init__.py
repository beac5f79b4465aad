"""Which route a turn takes, and which targets may answer it."""
