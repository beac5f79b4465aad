"""The models a scripted Ollama has installed, and their JSON as Ollama's endpoints give it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .script import Body, content_text

_MODIFIED = "2026-11-01T12:00:00.000000000+01:00"


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """One installed model.

    `load_s`: how long a cold start, or a changed `num_ctx`, takes. `switches`: a message that
    contains "/think" or "/no_think" overrides the request's `think`, as Nemotron 3's renderer does.
    """

    name: str
    context_tokens: int = 8192
    capabilities: tuple[str, ...] = ("completion", "tools")
    family: str = "llama"
    parameter_size: str = "4B"
    size_bytes: int = 2_700_000_000
    load_s: float = 0.0
    switches: bool = False
    version: int = 1

    @property
    def digest(self) -> str:
        """Differs by name and `version`: raise the version to simulate a new pull of the tag."""
        return hashlib.sha256(f"{self.name}@{self.version}".encode()).hexdigest()

    @property
    def is_cloud(self) -> bool:
        """True for models that run on somebody else's machine."""
        return self.name.endswith("-cloud")

    @property
    def can_think(self) -> bool:
        """True for models with a thinking mode, which is on unless `think` is false."""
        return "thinking" in self.capabilities

    def thinks(self, body: Body) -> bool:
        """Whether this request makes the model think."""
        if not self.can_think:
            return False
        texts = [
            content_text(message.get("content"))
            for message in body.get("messages") or []
            if message.get("role") in ("system", "user")
        ]
        if self.switches and any("/no_think" in text for text in texts):
            return False
        if self.switches and any("/think" in text for text in texts):
            return True
        return body.get("think") is not False

    def listing(self) -> dict[str, Any]:
        """The entry in /api/tags."""
        entry: dict[str, Any] = {
            "name": self.name,
            "model": self.name,
            "modified_at": _MODIFIED,
            "size": 384 if self.is_cloud else self.size_bytes,
            "digest": self.digest,
            "details": self._details(),
        }
        if self.is_cloud:
            entry |= {"remote_model": self.name.removesuffix("-cloud")}
            entry |= {"remote_host": "https://ollama.com:443"}
        return entry

    def shown(self) -> dict[str, Any]:
        """The answer of /api/show."""
        info = {
            "general.architecture": self.family,
            "general.parameter_count": 4_000_000_000,
            f"{self.family}.context_length": self.context_tokens,
            f"{self.family}.embedding_length": 3072,
        }
        return {
            "modelfile": f"FROM {self.name}\n",
            "parameters": "temperature 0.6",
            "template": "{{ .Prompt }}",
            "details": self._details(),
            "model_info": info,
            "capabilities": list(self.capabilities),
            "modified_at": _MODIFIED,
        }

    def running(self, num_ctx: int) -> dict[str, Any]:
        """The entry in /api/ps while loaded with this context."""
        entry = self.listing()
        del entry["modified_at"]
        vram = {"size_vram": self.size_bytes, "context_length": num_ctx}
        return entry | {"expires_at": "2126-11-01T12:05:00.000000000+01:00"} | vram

    def _details(self) -> dict[str, Any]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": self.parameter_size,
            "quantization_level": "Q4_K_M",
        }


MODELS = (
    OllamaModel("nemotron-mini:4b", context_tokens=4096, family="nemotron"),
    OllamaModel(
        "nemotron-3-nano:30b",
        context_tokens=1_048_576,
        capabilities=("completion", "tools", "thinking"),
        family="nemotron_h_moe",
        parameter_size="31.6B",
        size_bytes=24_000_000_000,
        switches=True,
    ),
)


def full_name(name: str) -> str:
    """Ollama's reading of a name: without a tag it means ":latest"."""
    return name if ":" in name else f"{name}:latest"
