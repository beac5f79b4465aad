"""The wire dialects: Ollama's own API, and chat completions of xAI and of local servers."""
