"""The live view of turns that have ended: a line, spans and metrics. Never a word of their text."""
