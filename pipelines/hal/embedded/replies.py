"""Ollama's replies as data: the lines of an answer, and what models are said to be.

It does not know sockets, workers or requests; everything here is a pure function or a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .library import Served
from .upstream import Event

VERSION = "0.13.5-embedded"
"""Clients compare it: log-probabilities came with 0.12.11, Nemotron 3 Nano with 0.13.4."""

_NO_LOGPROB = -9999.0  # what OpenAI sends for "practically never"; JSON has no infinity


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request's lines look; `text_key` tells chat from generate."""

    model: str
    text_key: Literal["message", "response"]
    top_logprobs: int | None

    def piece(self, event: Event) -> Event:
        """Return the line for some generated text."""
        line = self.line(str(event.get("content", "")), done=False)
        return {**line, **self._logprobs([event])}

    def whole(self, events: list[Event], closing: Event) -> Event:
        """Return the one object of a reply that is not streamed."""
        text = "".join(str(event.get("content", "")) for event in events)
        ordered = {**self.line(text, done=True), **closing}
        return {**ordered, **self._logprobs(events)}

    def line(self, text: str, *, done: bool) -> Event:
        """Return the fields that every line has."""
        body: Any = {"role": "assistant", "content": text} if self.text_key == "message" else text
        return {"model": self.model, "created_at": now(), self.text_key: body, "done": done}

    def _logprobs(self, events: list[Event]) -> Event:
        if self.top_logprobs is None:
            return {}
        tokens = [
            token
            for event in events
            for token in event.get("completion_probabilities", [])
            if token["token"] or token.get("bytes")  # the end mark has no text; Ollama omits it
        ]
        return {"logprobs": [_token(item, self.top_logprobs) for item in tokens]} if tokens else {}


def closing(final: Mapping[str, Any], *, total_ns: int, load_ns: int) -> Event:
    """Return the last line's reason and counters; like Ollama, leaves out those that are zero."""
    timings = final.get("timings", {})
    counters = {
        "total_duration": total_ns,
        "load_duration": load_ns,
        "prompt_eval_count": int(final.get("tokens_evaluated", 0)),
        "prompt_eval_duration": _ms_to_ns(timings.get("prompt_ms", 0.0)),
        "eval_count": int(final.get("tokens_predicted", 0)),
        "eval_duration": _ms_to_ns(timings.get("predicted_ms", 0.0)),
    }
    reason = "length" if final.get("stop_type") == "limit" else "stop"
    return {"done_reason": reason, **{key: value for key, value in counters.items() if value > 0}}


def details(served: Served) -> Event:
    """Return the `details` object of a model."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": served.model.family,
        "families": [served.model.family],
        "parameter_size": served.model.parameter_size,
        "quantization_level": served.model.quantisation,
    }


def listed(served: Served) -> Event:
    """Return the entry of a model in `/api/tags`; `/api/ps` has the same and more."""
    return {
        "name": served.name,
        "model": served.name,
        "modified_at": timestamp(served.modified_at),
        "size": served.model.size_bytes,
        "digest": served.model.sha256,
        "details": details(served),
    }


def shown(served: Served) -> Event:
    """Return the answer of `/api/show`."""
    family = served.model.family
    return {
        "license": served.model.licence,
        "modelfile": f"FROM {served.model.file_name}",
        "parameters": "",
        "template": "",  # llama.cpp takes the one inside the file
        "details": details(served),
        "model_info": {
            "general.architecture": family,
            "general.parameter_count": served.model.parameter_count,
            f"{family}.context_length": served.model.context_length,
            f"{family}.embedding_length": served.model.embedding_length,
        },
        "capabilities": ["embedding" if served.model.only_embeds else "completion"],
        "modified_at": timestamp(served.modified_at),
    }


def encode(value: Event) -> bytes:
    """Return one object as a line of NDJSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def now() -> str:
    """Return the time as Ollama writes it."""
    return timestamp(datetime.now(UTC))


def timestamp(moment: datetime) -> str:
    """Return a UTC time in RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _token(item: Mapping[str, Any], top: int) -> Event:
    own = _scored(item)
    if top:
        own["top_logprobs"] = [_scored(other) for other in item.get("top_logprobs", [])[:top]]
    return own


def _scored(item: Mapping[str, Any]) -> Event:
    logprob = item.get("logprob")
    value = _NO_LOGPROB if logprob is None else max(float(logprob), _NO_LOGPROB)
    return {"token": item["token"], "logprob": value, "bytes": item.get("bytes", [])}


def _ms_to_ns(value_ms: float) -> int:
    return int(value_ms * 1_000_000)
