"""Chunks as Open WebUI and OpenAI clients read them: SSE `data:` lines and completion objects.

Pure. Knows the shapes that the Pipelines server passes on; knows no queue and no thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .explain import FAILED_LINE
from .source_events import source_events, source_list
from .types import (
    Chunk,
    Decided,
    Failure,
    Finish,
    Sources,
    Status,
    Summary,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
    Usage,
)

# `json.dumps` makes a new encoder for each call that is not all defaults.
_UNESCAPED = json.JSONEncoder(ensure_ascii=False)
_HERE = "-"


class Wire:
    """Encodes the chunks of one turn. `show_events`: the caller draws status lines.

    `has_finished`: a finish reason has been encoded; there must not be a second one.
    """

    def __init__(self, turn_id: str, model: str, created_s: int, *, show_events: bool) -> None:
        self._base = {
            "id": f"chatcmpl-{turn_id}",
            "object": "chat.completion.chunk",
            "created": created_s,
            "model": model,
        }
        self._show_events = show_events
        self._is_busy = False  # the status line that is shown says that something is being done
        self.has_finished = False
        # What differs from one piece of text to the next is the text: the rest is made once.
        self._text, self._thinking = self._around("content"), self._around("reasoning_content")

    def encode(self, chunk: Chunk) -> str | None:
        """`data:` lines without the last blank line; None for what this caller does not get."""
        if isinstance(chunk, Sources):
            return self.sources(chunk)
        payload = self._payload(chunk)
        settled = self._settled(chunk)
        return None if payload is None else f"{settled}{_line(payload)}"

    def sources(self, chunk: Sources) -> str | None:
        """An event for each, in the order of their numbers; who draws none gets the addresses in
        the shape that Perplexity's API has for them, and what came of the search in a word."""
        if not self._show_events:
            urls = [source.url for source in chunk.sources]
            told = {"citations": urls, "hal": {"search": chunk.word}}
            return _line({**self._delta({"content": ""}), **told})
        return "\n\n".join(_line(event) for event in source_events(chunk.sources)) or None

    def text(self, text: str) -> str:
        return f"{self._text[0]}{_json(text)}{self._text[1]}"

    def thinking(self, text: str) -> str:
        return f"{self._thinking[0]}{_json(text)}{self._thinking[1]}"

    def end(self) -> str:
        """What ends every stream: a finish, unless one was told, and the end mark."""
        finish = "" if self.has_finished else f"{_line(self._delta({}, 'stop'))}\n\n"
        return f"{finish}data: [DONE]\n\n"

    def _settled(self, chunk: Chunk) -> str:
        """A line in the place of one that would go on saying "Trying again" above the error."""
        is_over = isinstance(chunk, Failure) and self._is_busy
        if isinstance(chunk, Status):
            self._is_busy = self._show_events and not chunk.done
        return f"{_line(_event(Status(FAILED_LINE, done=True)))}\n\n" if is_over else ""

    def _around(self, kind: str) -> tuple[str, str]:
        before, after = _line(self._delta({kind: _HERE})).rsplit(_json(_HERE), 1)
        return before, after

    def _payload(self, chunk: Chunk) -> dict[str, Any] | None:
        match chunk:
            case Status():
                return _event(chunk) if self._show_events else None
            case Sources():
                return None  # several lines: see `sources`
            case Decided():
                # A client without status lines still learns what was decided, in its first chunk.
                return None if self._show_events else self._decided(chunk)
            case Text(text):
                return self._delta({"content": text})
            case Thinking(text):
                return self._delta({"reasoning_content": text})
            case ToolCalls(calls):
                return self._delta({"tool_calls": [tool_call(c, i) for i, c in enumerate(calls)]})
            case Finish(reason):
                self.has_finished = True
                return self._delta({}, reason)
            case Summary():
                return {**self._base, "choices": [], "usage": usage_of(chunk)}
            case Failure():
                return error_of(chunk)

    def _decided(self, chunk: Decided) -> dict[str, Any]:
        return {**self._delta({"role": "assistant", "content": ""}), "hal": decision_of(chunk)}

    def _delta(self, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._base, "choices": [choice]}


class Completion(BaseModel):
    """A whole answer, for `stream: false`. Its repr is silent, because the server logs it."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    id: str
    object: str = "chat.completion"
    created: int
    model: str
    choices: list[dict[str, Any]] = Field(repr=False)
    usage: dict[str, Any] = Field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Completion(id={self.id!r})"

    __str__ = __repr__


def completion(
    chunks: list[Chunk], turn_id: str, model: str, created_s: int, *, lists_sources: bool = True
) -> BaseModel:
    """All chunks of a turn as one completion, or as the error that ended it. `lists_sources`: under
    the answer as well, for people; programs find the addresses in `citations`."""
    failure = next((chunk for chunk in chunks if isinstance(chunk, Failure)), None)
    text = _whole("".join(chunk.text for chunk in chunks if isinstance(chunk, Text)))
    if failure is not None and not text.strip():
        return ErrorReply(**error_of(failure))
    sources = [one for c in chunks if isinstance(c, Sources) for one in c.sources]
    if sources and lists_sources:
        text = f"{text}\n\n{source_list(sources)}"
    finish = next((c.reason for c in chunks if isinstance(c, Finish)), "stop")
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thinking := "".join(chunk.text for chunk in chunks if isinstance(chunk, Thinking)):
        message["reasoning_content"] = _whole(thinking)
    if calls := [call for c in chunks if isinstance(c, ToolCalls) for call in c.calls]:
        message["tool_calls"] = [tool_call(call) for call in calls]
    if failure is not None:
        message["content"] += f"\n\n[{failure.message}]"
        finish = "error"
    summary = next((chunk for chunk in chunks if isinstance(chunk, Summary)), None)
    return Completion(
        id=f"chatcmpl-{turn_id}",
        created=created_s,
        model=model,
        choices=[{"index": 0, "message": message, "finish_reason": finish}],
        usage=usage_of(summary) if summary else {},
        **({"citations": [source.url for source in sources]} if sources else {}),
    )


class ErrorReply(BaseModel):
    """`{"error": {...}}`: what a client without a stream gets for a failure."""

    error: dict[str, Any]


def error_of(failure: Failure) -> dict[str, Any]:
    return {"error": {"message": failure.message, "code": failure.code}}


def usage_of(summary: Summary) -> dict[str, Any]:
    """Token counts in OpenAI's names, and ours beside them: all of it shows in the (i) popover."""
    usage: Usage = summary.usage
    counts: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "hal_route": summary.route,
        "hal_confidence": round(summary.confidence, 3),
        "hal_reason": summary.reason,
        "hal_model": summary.model,
        "hal_cost_usd": usage.cost_usd,
        "hal_classify_ms": round(summary.classify_ms),
        "hal_first_token_ms": round(summary.first_token_ms or 0),
        "hal_total_ms": round(summary.total_ms),
    }
    if summary.cache:
        counts["hal_cache"] = summary.cache
    if summary.search:
        counts["hal_search"] = summary.search
    if usage.cached_tokens:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counts


def decision_of(decided: Decided) -> dict[str, Any]:
    decision, plan = decided.decision, decided.plan
    return {
        "route": decision.route,
        "confidence": round(decision.confidence, 3),
        "source": decision.source,
        "reason": decision.reason,
        "target": plan.targets[0].label,
        "notes": list(plan.notes),
        "degraded": decision.degraded,
    }


def tool_call(call: ToolCall, index: int | None = None) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    named = {"id": call.id, "type": "function", "function": function}
    return named if index is None else {"index": index, **named}


def _line(payload: Mapping[str, Any]) -> str:
    return f"data: {_json(payload)}"


def _json(value: object) -> str:
    encoded = _UNESCAPED.encode(value)
    try:
        encoded.encode()
    except UnicodeEncodeError:
        # Half an emoji: escaped, the reader can still put it together with the half that follows.
        return json.dumps(value)
    return encoded


def _whole(text: str) -> str:
    """Emoji that came in two halves put together; a half alone has no UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _event(status: Status) -> dict[str, Any]:
    data: dict[str, Any] = {"description": status.text, "done": status.done}
    if status.queries:
        data |= {"action": "web_search_queries_generated", "queries": list(status.queries)}
    if status.urls:
        data |= {"action": "web_search", "urls": list(status.urls)}
    return {"event": {"type": "status", "data": data}}
