"""How Ollama's model names compare, and which of them do not run on this machine.

Pure. Knows no server.
"""

from __future__ import annotations

# Names that Ollama forwards to its own cloud; what answers as local must not be one of them.
CLOUD_ENDINGS = ("-cloud", ":cloud")


def full_name(name: str) -> str:
    """As Ollama compares: without case, and with the tag that it implies."""
    name = name.strip().lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def runs_in_cloud(name: str) -> bool:
    return name.strip().lower().endswith(CLOUD_ENDINGS)
