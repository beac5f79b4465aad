"""The learned router: features of a prompt, weights from a JSON file, a prediction."""
