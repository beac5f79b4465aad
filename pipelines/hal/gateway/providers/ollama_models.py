"""What is installed and loaded in Ollama, and its small non-streamed calls, by its own client.

Knows no turn and no policy. Raises ProviderErrors alone; the caller owns the deadlines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import ollama

from ...errors import BadReply
from ...model_names import full_name, runs_in_cloud
from ...types import Message
from ..lines import NotJson, json_object
from .ollama_errors import PROVIDER, missing, service, translated
from .ollama_request import keep_alive as duration
from .ollama_request import messages as shaped
from .wire import count, items, obj, text

# Ollama's own maximum; a larger one is refused.
MAX_TOP_LOGPROBS = 20
# A label and a few words of reason; a small model that rambles is stopped here.
STRUCTURED_TOKENS = 200

TokenProbabilities = Mapping[str, float]
"""Text of a token -> its log-probability, at the first generated position; at most 21 tokens."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model can do. `context_tokens` is what it was trained for, None when unsaid."""

    name: str
    digest: str
    context_tokens: int | None
    can_answer: bool
    can_see: bool
    can_think: bool
    has_tools: bool


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on the machine itself."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One step of a pull; `completed` and `total` are bytes, None when the step has no size."""

    status: str
    completed: int | None = None
    total: int | None = None


class LocalModels:
    """Ollama's models. The client belongs to the caller, who also gives it its timeouts."""

    def __init__(self, client: ollama.AsyncClient) -> None:
        self._client = client
        # The client keeps its address to itself; ours is for the words of an error.
        self._url = str(client._client.base_url).rstrip("/")
        self._shown: dict[tuple[str, str], ModelInfo] = {}

    async def list(self) -> Mapping[str, Installed]:
        """What is on the machine itself, by full name; what runs in Ollama's cloud is left out."""
        with translated(self._url, ""):
            # The client's own method drops the field that tells them apart: a cloud model can be
            # copied to any name.
            reply = await self._client._request_raw(  # type: ignore[no-untyped-call]
                "GET", "/api/tags"
            )
            listed = obj(reply.json())
            if "models" not in listed:
                raise ValueError("no list of models")
        return dict(_installed(obj(entry)) for entry in items(listed["models"]) if _is_here(entry))

    async def installed(self) -> Mapping[str, int]:
        """The installed models: full name -> bytes."""
        return {name: model.size_bytes for name, model in (await self.list()).items()}

    async def show(self, model: str) -> ModelInfo:
        """What this model can do; asked once per digest. Raises ModelMissing."""
        name = full_name(model)
        installed = await self.list()
        if name not in installed:
            raise missing(model, service(self._url))
        key = (name, installed[name].digest)
        if key not in self._shown:
            with translated(self._url, model):
                self._shown[key] = _info(*key, await self._client.show(model))
        return self._shown[key]

    async def loaded(self) -> frozenset[str]:
        """Full names of the models that are in memory now."""
        with translated(self._url, ""):
            answer = await self._client.ps()
        return frozenset(full_name(m.model) for m in answer.models if m.model)

    async def version(self) -> str:
        """Ollama's version; the client has no method for it, only the means."""
        with translated(self._url, ""):
            reply = await self._client._request_raw(  # type: ignore[no-untyped-call]
                "GET", "/api/version"
            )
            return str(reply.json()["version"])

    async def embed(
        self, model: str, texts: Sequence[str], keep_alive: str = "5m"
    ) -> tuple[tuple[float, ...], ...]:
        """One vector per text, in order."""
        with translated(self._url, model):
            answer = await self._client.embed(model, [*texts], keep_alive=duration(keep_alive))
        vectors = tuple(tuple(vector) for vector in answer.embeddings)
        if len(vectors) != len(texts):
            raise BadReply("Ollama sent too few embeddings.", provider=PROVIDER)
        return vectors

    async def pull(self, model: str) -> AsyncIterator[PullProgress]:
        """Fetch a model; ends after "success". Closing this stops the download."""
        with translated(self._url, model):
            steps = cast(Any, await self._client.pull(model, stream=True))
            async with aclosing(steps):
                async for step in steps:
                    yield PullProgress(step.status or "", step.completed, step.total)

    async def first_token(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        num_ctx: int,
        keep_alive: str,
        top: int = MAX_TOP_LOGPROBS,
    ) -> TokenProbabilities | None:
        """How likely each token is as the first of the answer; None when Ollama does not tell."""
        with translated(self._url, model):
            answer = await self._client.chat(
                model,
                shaped(messages),
                think=False,
                logprobs=True,
                top_logprobs=min(top, MAX_TOP_LOGPROBS),
                options={"num_ctx": num_ctx, "num_predict": 1, "temperature": 0},
                keep_alive=duration(keep_alive),
            )
        return _first(answer.logprobs)

    async def structured(  # noqa: PLR0913 - one call, its two limits and its model's two constants
        self,
        model: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        *,
        num_ctx: int,
        keep_alive: str,
        max_tokens: int = STRUCTURED_TOKENS,
    ) -> dict[str, Any]:
        """The answer as an object of this JSON schema. Raises BadReply when it is none."""
        with translated(self._url, model):
            answer = await self._client.chat(
                model,
                shaped(messages),
                think=False,
                format=dict(schema),
                options={"num_ctx": num_ctx, "num_predict": max_tokens, "temperature": 0},
                keep_alive=duration(keep_alive),
            )
        return _object(model, answer.message.content or "")


def _is_here(entry: object) -> bool:
    name = text(obj(entry).get("model"))
    return bool(name) and not runs_in_cloud(name) and not obj(entry).get("remote_host")


def _installed(entry: Mapping[str, Any]) -> tuple[str, Installed]:
    model = Installed(text(entry.get("digest")), count(entry.get("size")))
    return full_name(text(entry.get("model"))), model


def _info(name: str, digest: str, shown: ollama.ShowResponse) -> ModelInfo:
    abilities = shown.capabilities or ()
    return ModelInfo(
        name=name,
        digest=digest,
        context_tokens=_context(shown.modelinfo or {}),
        can_answer="completion" in abilities,
        can_see="vision" in abilities,
        can_think="thinking" in abilities,
        has_tools="tools" in abilities,
    )


def _context(facts: Mapping[str, Any]) -> int | None:
    """`<architecture>.context_length`; a vision part may have one of its own."""
    value = facts.get(f"{facts.get('general.architecture')}.context_length")
    return value if isinstance(value, int) else None


def _first(positions: Sequence[Any] | None) -> TokenProbabilities | None:
    if not positions:
        return None
    first = positions[0]
    found: dict[str, float] = {}
    for token in (*(first.top_logprobs or ()), first):
        # Two tokens may read alike (bytes of a character): the likelier one speaks for both.
        found[token.token] = max(token.logprob, found.get(token.token, token.logprob))
    return found


def _object(model: str, content: str) -> dict[str, Any]:
    try:
        return json_object(content)
    except NotJson:
        raise BadReply(f"{model} did not keep to the schema.", provider=PROVIDER) from None
