"""What chat completions stream, bytes in and chunks out; a whole JSON reply is read, too.

Sans I/O: knows no connection and no timer; what the server says wrong becomes a ProviderError.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import ProviderError
from ...types import Finish, ProviderChunk, Text, Thinking, ToolCall, ToolCalls, Usage
from ..lines import MAX_LINE_BYTES, LineTooLong, SseDecoder, SseEvent, json_object
from .cloud_models import CloudModel, cost_usd
from .wire import count, items, new_call_id, obj, retry_after_s, text
from .xai_errors import bad, broken, refused, words_of

TICKS_PER_USD = 1e10


@dataclass(slots=True)
class _Call:
    """A tool call that arrives in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, delta: Mapping[str, Any]) -> None:
        function = obj(delta.get("function"))
        self.id = self.id or text(delta.get("id"))
        self.name = self.name or text(function.get("name"))
        self.arguments += text(function.get("arguments"))

    def made(self) -> ToolCall:
        return ToolCall(self.id or new_call_id(), self.name, self.arguments or "{}")


class CompletionReader:
    """A `Reader` (see stream.py) of one reply. `name` is what was asked for, `model` its entry."""

    def __init__(self, name: str, model: CloudModel) -> None:
        self._name = name
        self._model = model
        self._sse = SseDecoder()
        self._head = b""
        self._whole: bytearray | None = None
        self._calls: dict[int, _Call] = {}
        self._usage: Mapping[str, Any] = {}
        self._finish = ""
        self.pieces = 0
        self.ended = False

    @property
    def complete(self) -> bool:
        return bool(self._finish)

    def feed(self, data: bytes) -> Iterator[ProviderChunk]:
        """The chunks in these bytes. What begins as JSON or HTML does, whatever its header says,
        is kept until the end."""
        if self._whole is None and not self._head:
            data = data.lstrip()
            self._head = data[:1]
            if self._head in (b"{", b"[", b"<"):
                self._whole = bytearray()
        if self._whole is None:
            for event in self._sse.feed(data):
                yield from self._event(event)
            return
        self._whole += data
        if len(self._whole) > MAX_LINE_BYTES:
            raise LineTooLong("a reply without end")

    def end(self) -> Iterator[ProviderChunk]:
        """The body is over; BadReply when no finish was seen."""
        if self._whole is not None:
            yield from self._completion(self._whole.decode("utf-8", "replace"))
        for event in self._sse.flush():
            yield from self._event(event)
        yield from self._last()

    def refusal(self, status: int, headers: Mapping[str, str], body: str) -> ProviderError:
        """The error for a status that is none of 2xx."""
        try:
            words = words_of(json.loads(body))
        except (ValueError, RecursionError):
            words = ""
        return refused(status, words, self._name, retry_after_s(headers, time.time()))

    def _event(self, event: SseEvent) -> Iterator[ProviderChunk]:
        if self.ended:
            return
        if event.is_done:
            yield from self._last()
        else:
            yield from self._object(json_object(event.data), "delta")

    def _completion(self, body: str) -> Iterator[ProviderChunk]:
        if self._head == b"<":
            raise bad("was a web page")
        yield from self._object(json_object(body), "message")

    def _object(self, reply: Mapping[str, Any], part: str) -> Iterator[ProviderChunk]:
        if reply.get("error"):
            raise broken(reply["error"], self._name)
        self._usage = obj(reply.get("usage")) or self._usage
        for choice in items(reply.get("choices"))[:1]:
            yield from self._said(obj(obj(choice).get(part)))
            self._finish = self._finish or text(obj(choice).get("finish_reason"))
        if self._finish == "error":
            raise bad("failed on xAI's side")

    def _said(self, said: Mapping[str, Any]) -> Iterator[ProviderChunk]:
        if thought := text(said.get("reasoning_content")):
            self.pieces += 1
            yield Thinking(thought)
        if words := text(said.get("content")):
            self.pieces += 1
            yield Text(words)
        for position, delta in enumerate(items(said.get("tool_calls"))):
            self.pieces += 1
            index = obj(delta).get("index")
            key = index if isinstance(index, int) else position
            self._calls.setdefault(key, _Call()).add(obj(delta))

    def _last(self) -> Iterator[ProviderChunk]:
        if self.ended:
            return
        if not self._finish:
            raise bad("was cut off" if self.pieces else "was empty")
        self.ended = True
        if self._calls:
            yield ToolCalls(tuple(call.made() for _, call in sorted(self._calls.items())))
        if self._usage:
            yield usage_of(self._usage, self._model)
        yield Finish(self._reason())

    def _reason(self) -> str:
        # Some servers that speak this dialect say "stop" after a tool call.
        return "tool_calls" if self._calls and self._finish == "stop" else self._finish


def usage_of(said: Mapping[str, Any], model: CloudModel) -> Usage:
    """The server's own count, and its own price where it gives one."""
    usage = Usage(
        prompt_tokens=count(said.get("prompt_tokens")),
        completion_tokens=count(said.get("completion_tokens")),
        cached_tokens=count(obj(said.get("prompt_tokens_details")).get("cached_tokens")),
        reasoning_tokens=count(obj(said.get("completion_tokens_details")).get("reasoning_tokens")),
    )
    ticks = said.get("cost_in_usd_ticks")
    known = isinstance(ticks, int | float) and not isinstance(ticks, bool)
    cost = count(ticks) / TICKS_PER_USD if known else cost_usd(model, usage)
    return replace(usage, cost_usd=cost)
