"""Ollama's requests as data: what comes in, and what llama.cpp is asked for it.

It does not know sockets, workers or replies; everything here is a pure function or a value.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import BadRequest
from .prompt import Prompt
from .schema import as_llama_schema, check_format
from .upstream import Event

_MAX_TOP_LOGPROBS = 20


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")  # Ollama ignores fields that it does not know


_T = TypeVar("_T", bound=_Body)


class Options(_Body):
    """The sampling options that llama.cpp shares with Ollama; Ollama's defaults but for one."""

    # Ollama has 0.8, which suits models that are sure. At 0.8 the 0.5B one took Porto for the
    # capital of Portugal 4 times of 24, at 0.4 once.
    temperature: float = 0.4
    top_k: int = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    seed: int = -1
    num_predict: int = -1
    repeat_last_n: int = 64
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: list[str] | str | None = None

    def for_llama(self) -> Event:
        """Return the same under llama.cpp's names."""
        limit = self.num_predict if self.num_predict > 0 else -1  # to Ollama, 0 is no limit either
        renamed = {"n_predict": limit, "stop": _as_list(self.stop)}
        same = self.model_dump(exclude={"num_predict", "stop", "typical_p", "seed"})
        seed = {"seed": self.seed} if self.seed >= 0 else {}
        return {**same, **seed, **renamed, "typ_p": self.typical_p}


class InMessage(_Body):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    images: list[Any] | None = None


class Generation(_Body):
    """What `/api/chat` and `/api/generate` have in common."""

    model: str = ""
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: Options | None = None
    keep_alive: float | str | None = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int = 0
    truncate: bool | None = None

    @property
    def sampling(self) -> Options:
        """Return the options, or Ollama's defaults."""
        return self.options or Options()

    def check(self) -> None:
        """Refuse what these models cannot do, in Ollama's words; raises BadRequest."""
        if not self.model:
            raise BadRequest("model is required")
        if self.think not in (None, False, "", "false"):
            raise BadRequest(f'"{self.model}" does not support thinking')
        if not 0 <= self.top_logprobs <= _MAX_TOP_LOGPROBS:
            raise BadRequest(f"top_logprobs must be between 0 and {_MAX_TOP_LOGPROBS}")
        check_format(self.format)

    def for_llama(self, prompt: Prompt) -> Event:
        """Return the body for llama.cpp's `/completion`."""
        body: Event = {**self.sampling.for_llama(), "prompt": prompt, "cache_prompt": True}
        if self.format:
            body["json_schema"] = as_llama_schema(self.format)
        if self.logprobs:
            body["n_probs"] = max(1, self.top_logprobs)  # 0 would turn all of them off
        return body


class ChatRequest(Generation):
    """The body of `POST /api/chat`."""

    messages: list[InMessage] = Field(default_factory=list)
    tools: list[Any] | None = None

    def check(self) -> None:
        """Refuse images and tools, too."""
        super().check()
        if self.tools:
            raise BadRequest(f'"{self.model}" does not support tools')
        if any(message.images for message in self.messages):
            raise BadRequest("this model is missing data required for image input")


class GenerateRequest(Generation):
    """The body of `POST /api/generate`."""

    prompt: str = ""
    system: str = ""
    raw: bool = False
    images: list[Any] | None = None

    def check(self) -> None:
        """Refuse images, too."""
        super().check()
        if self.images:
            raise BadRequest("this model is missing data required for image input")


class EmbedRequest(_Body):
    """The body of `POST /api/embed`."""

    model: str = ""
    input: str | list[str] = Field(default_factory=list)
    dimensions: int | None = None
    truncate: bool = True
    keep_alive: float | str | None = None


class ModelRequest(_Body):
    """The body of `POST /api/show` and `/api/pull`; `name` is the older spelling."""

    model: str = ""
    name: str = ""
    stream: bool = True

    @property
    def wanted(self) -> str:
        """Return the name; raises BadRequest without one."""
        if not (self.model or self.name):
            raise BadRequest("model is required")
        return self.model or self.name


def parse(kind: type[_T], raw: bytes) -> _T:
    """Read a request body; raises BadRequest."""
    try:
        return kind.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadRequest(
            f"invalid request: {where}: {first['msg']}".replace(": : ", ": ")
        ) from None


def _as_list(value: list[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
