"""xAI's answers on the wire: server-sent events, or one chat.completion object.

Knows one request and one model; what is said, and when, is the script's business.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

TICKS_PER_USD = 10_000_000_000


@dataclass(frozen=True, slots=True)
class XaiModel:
    """One model; prices in USD per million tokens (input, cached input, output)."""

    id: str
    context_tokens: int = 1_000_000
    reasoning: bool = True
    prices: tuple[float, float, float] = (1.25, 0.20, 2.50)

    def cost_usd(self, usage: Usage) -> float:
        """What this usage costs; reasoning is billed as output, beside completion_tokens."""
        fresh, cached, out = self.prices
        output = usage.completion_tokens + usage.reasoning_tokens
        input_usd = (usage.prompt_tokens - usage.cached_tokens) * fresh
        return (input_usd + usage.cached_tokens * cached + output * out) / 1e6


class Sse:
    """One answer as server-sent events, or as a chat.completion object."""

    content_type = "text/event-stream"

    def __init__(self, body: Body, model: XaiModel, error: Callable[[str], dict[str, Any]]) -> None:
        self._body = body
        self._model = model
        self._error = error
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._calls = 0
        self._said = ""
        self._thought = ""

    def opening(self) -> bytes:
        return self._event(self._choice({"role": "assistant", "content": ""}))

    def frame(self, step: Content) -> bytes:
        match step:
            case Usage():
                self._usage = step
                return b""
            case Finish(reason):
                self._finish = reason
                return self._event(self._choice({}, reason))
            case ErrorLine(text):
                return _data(self._error(text))
            case _:
                return self._event(self._choice(self._delta(step)))

    def closing(self) -> bytes:
        tail = b"" if self._finish else self._event(self._choice({}, self._reason()))
        if (self._body.get("stream_options") or {}).get("include_usage"):
            tail += self._event({"choices": [], "usage": self._usage_json()})
        return tail + b"data: [DONE]\n\n"

    def whole(self, steps: Sequence[Content]) -> Status:
        calls: list[dict[str, Any]] = []
        for step in steps:
            if isinstance(step, ErrorLine):
                return Status(500, self._error(step.text))
            self.frame(step)
            if isinstance(step, ToolCall):
                calls.append(_call(step))
        message: dict[str, Any] = {"role": "assistant", "content": self._said, "refusal": None}
        message |= {"reasoning_content": self._thought} if self._thought else {}
        message |= {"tool_calls": calls} if calls else {}
        choice = {"index": 0, "message": message, "finish_reason": self._reason()}
        answer = self._envelope("chat.completion")
        return Status(200, answer | {"choices": [choice], "usage": self._usage_json()})

    def _delta(self, step: Content) -> dict[str, Any]:
        match step:
            case Think(text):
                self._thought += text
                return {"reasoning_content": text}
            case ToolCall():
                self._calls += 1
                return {"tool_calls": [{"index": self._calls - 1} | _call(step)]}
            case Label(probabilities):
                text = max(probabilities, key=lambda name: probabilities[name])
            case Say(text):
                pass
            case _:
                raise TypeError(f"not a delta: {step}")
        self._said += text
        return {"content": text}

    def _reason(self) -> str:
        return self._finish or ("tool_calls" if self._calls else "stop")

    def _usage_json(self) -> dict[str, Any]:
        usage = self._usage or Usage(
            prompt_tokens(self._body), rough_tokens(self._said), 0, rough_tokens(self._thought)
        )
        cost = self._model.cost_usd(usage) if usage.cost_usd is None else usage.cost_usd
        total = usage.prompt_tokens + usage.completion_tokens + usage.reasoning_tokens
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": total,
            "prompt_tokens_details": {
                "text_tokens": usage.prompt_tokens,
                "cached_tokens": usage.cached_tokens,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "num_sources_used": 0,
            "cost_in_usd_ticks": round(cost * TICKS_PER_USD),
        }

    def _choice(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    def _event(self, fields: dict[str, Any]) -> bytes:
        return _data(self._envelope("chat.completion.chunk") | fields)

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-test",
            "object": kind,
            "created": int(time.time()),
            "model": self._model.id,
            "system_fingerprint": "fp_test",
        }


def _call(step: ToolCall) -> dict[str, Any]:
    function = {"name": step.name, "arguments": json.dumps(dict(step.arguments))}
    return {"id": step.id, "type": "function", "function": function}


def _data(payload: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()
