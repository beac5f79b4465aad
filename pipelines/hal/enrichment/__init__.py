"""What is looked up before the answer."""
