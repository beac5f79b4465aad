"""Fits the learned router from outcomes, and says how good it is."""
