"""The wire dialects: Ollama's own API, and xAI's chat completions."""
