"""The embedded engine: a small Ollama-speaking server over llama.cpp, for a machine without Ollama.

It does not know the router: `hal` reaches it over HTTP as it would reach any Ollama host.

Read in this order: `catalogue` (the models as data), `fetch` and `sources` (how a model file comes
here), `worker` and `engine` (how it runs), `protocol` and `server` (how it is spoken to), `launch`
(how `hal serve` starts it).
"""
