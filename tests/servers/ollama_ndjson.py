"""Ollama's chat answers on the wire: one JSON object per line, or a single one.

Knows one request, one model and what the server's version can do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .script import (
    Body,
    Content,
    ErrorLine,
    Finish,
    Label,
    Say,
    Status,
    Think,
    ToolCall,
    Usage,
    prompt_tokens,
    rough_tokens,
)

_CREATED = "2026-11-01T12:00:00.000000Z"
_SURE = -0.01  # log-probability of a token that was never in doubt
Token = tuple[str, float, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class ChatFacts:
    """What the answer to one chat request depends on besides the script."""

    body: Body
    thinks: bool
    logprobs: bool
    num_ctx: int
    load_s: float = 0.0


@dataclass(slots=True)
class Ndjson:
    """One answer as lines of JSON, or as one object."""

    facts: ChatFacts
    content_type: str = "application/x-ndjson"
    _reason: str = "stop"
    _usage: Usage | None = None
    _output: str = ""
    _calls: list[dict[str, Any]] = field(default_factory=list)

    def opening(self) -> bytes:
        """Ollama starts with the first token."""
        return b""

    def frame(self, step: Content) -> bytes:
        """The lines of one step. Thinking is swallowed when the request switched it off."""
        match step:
            case Usage():
                self._usage = step
            case Finish(reason):
                self._reason = reason
            case ErrorLine(text):
                return _line({"error": text})
            case _:
                return b"".join(_line(self._envelope(part)) for part in self._parts(step))
        return b""

    def closing(self) -> bytes:
        """The final line, with the counters."""
        return _line(self._final({"role": "assistant", "content": ""}))

    def whole(self, steps: Sequence[Content]) -> Status:
        """The answer to `stream: false`; an error there is a status, not a line."""
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        logprobs: list[dict[str, Any]] = []
        for step in steps:
            if isinstance(step, ErrorLine):
                return Status(500, {"error": step.text})
            if isinstance(step, Usage | Finish):
                self.frame(step)
                continue
            for part in self._parts(step):
                _merge(message, part["message"])
                logprobs += part.get("logprobs", [])
        return Status(200, self._final(message) | ({"logprobs": logprobs} if logprobs else {}))

    def _parts(self, step: Content) -> list[dict[str, Any]]:
        match step:
            case Think(text):
                if not self.facts.thinks:
                    return []
                self._output += text
                return [_message(thinking=text)]
            case ToolCall(name, arguments):
                call = {"function": {"name": name, "arguments": dict(arguments)}}
                return [_message(tool_calls=[call])]
            case Label():
                return [self._token(*token) for token in label_tokens(step, self._schema)]
            case Say(text):
                return [self._token(*_certain(text))]
        raise TypeError(f"not content: {step}")

    @property
    def _schema(self) -> Any:
        return self.facts.body.get("format")

    def _token(self, text: str, logprob: float, top: Mapping[str, float]) -> dict[str, Any]:
        self._output += text
        part = _message(content=text)
        if self.facts.logprobs:
            count = int(self.facts.body.get("top_logprobs") or 0)
            part["logprobs"] = [_logprob(text, logprob, top, count)]
        return part

    def _envelope(self, part: dict[str, Any]) -> dict[str, Any]:
        return {"model": self.facts.body["model"], "created_at": _CREATED} | part | {"done": False}

    def _final(self, message: dict[str, Any]) -> dict[str, Any]:
        final = self._envelope({"message": message}) | {"done": True, "done_reason": self._reason}
        return final | self._counters()

    def _counters(self) -> dict[str, int]:
        prompt = min(prompt_tokens(self.facts.body), self.facts.num_ctx)
        usage = self._usage or Usage(prompt, rough_tokens(self._output))
        counters = {
            "total_duration": 50_000_000 + int(self.facts.load_s * 1e9),
            "load_duration": int(self.facts.load_s * 1e9),
            "prompt_eval_count": usage.prompt_tokens,
            "prompt_eval_duration": usage.prompt_tokens * 100_000,
            "eval_count": usage.completion_tokens + usage.reasoning_tokens,
            "eval_duration": (usage.completion_tokens + usage.reasoning_tokens) * 10_000_000,
        }
        return {name: value for name, value in counters.items() if value}  # Go's omitempty


def label_tokens(step: Label, schema: object) -> list[Token]:
    """The tokens of a label answer: (text, logprob, alternatives with their logprobs).

    With a JSON schema, the label becomes the value of the first property that allows it.
    """
    best = max(step.probabilities, key=lambda name: step.probabilities[name])
    before, after = _around(best, schema)
    cut = step.first_chars or max(map(len, step.probabilities))
    pieces: dict[str, float] = {}
    for label, probability in step.probabilities.items():
        pieces[label[:cut]] = pieces.get(label[:cut], 0.0) + probability
    top = {piece: math.log(p) for piece, p in pieces.items() if p > 0}
    tokens = [_certain(before), (best[:cut], top[best[:cut]], top)]
    tokens += [_certain(best[cut:]), _certain(after)]
    return [token for token in tokens if token[0]]


def _certain(text: str) -> Token:
    return text, _SURE, {text: _SURE}


def instance(schema: object, label: str | None = None) -> Any:
    """The simplest value that a JSON schema allows; `label` wherever an enum allows it."""
    if not isinstance(schema, dict):
        return {}
    if "enum" in schema:
        return label if label in schema["enum"] else schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            return {k: instance(v, label) for k, v in schema.get("properties", {}).items()}
        case "array":
            return [instance(schema.get("items"), label)] * int(schema.get("minItems", 0))
        case kind:
            return {"string": label or "", "number": 0.5, "integer": 1, "boolean": True}.get(
                str(kind)
            )


def _around(label: str, schema: object) -> tuple[str, str]:
    if not schema:
        return "", ""
    text = json.dumps(instance(schema, label))
    before, found, after = text.partition(label)
    return (before, after) if found else ('{"label": "', '"}')


def _message(**fields: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": ""} | fields}


def _merge(message: dict[str, Any], part: dict[str, Any]) -> None:
    for name in ("content", "thinking", "tool_calls"):
        if part.get(name):
            message[name] = message[name] + part[name] if name in message else part[name]


def _logprob(text: str, logprob: float, top: Mapping[str, float], count: int) -> dict[str, Any]:
    best = sorted(top.items(), key=lambda item: -item[1])[:count]
    entry = _scored(text, logprob)
    return entry | ({"top_logprobs": [_scored(*item) for item in best]} if best else {})


def _scored(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _line(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode() + b"\n"
