"""What chat completions stream, bytes in and chunks out; a whole JSON reply is read, too.

Sans I/O: knows no connection, no timer and no price; what the server says wrong becomes a
ProviderError.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ProviderError
from ...types import Finish, ProviderChunk, Text, Thinking, ToolCall, ToolCalls, Usage
from ..lines import MAX_LINE_BYTES, LineTooLong, Objects, SseDecoder, SseEvent
from .completions_errors import Complaints
from .wire import count, items, new_call_id, obj, parsed, retry_after_s, text

Bill = Callable[[Mapping[str, Any]], Usage]
"""A `usage` object as ours, with what it costs there."""


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
    """A `Reader` (see stream.py) of one reply."""

    def __init__(self, complaints: Complaints, bill: Bill) -> None:
        self._complaints = complaints
        self._bill = bill
        self._sse = SseDecoder()
        self._objects = Objects()
        self._head = b""
        self._whole: bytearray | None = None
        self._calls: dict[int, _Call] = {}
        self._usage: Mapping[str, Any] = {}
        self._finish = ""
        self._has_text = False
        self._refusal = ""
        self.pieces = 0
        self.ended = False

    @property
    def malformed(self) -> int:
        return self._objects.malformed

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
        wait_s = retry_after_s(headers, time.time())
        return self._complaints.refused(status, parsed(body), wait_s)

    def _event(self, event: SseEvent) -> Iterator[ProviderChunk]:
        if self.ended:
            return
        if event.is_done:
            yield from self._last()
        elif event.name == "error":
            reply = parsed(event.data)
            raise self._complaints.broken(obj(reply).get("error") or reply or event.data)
        else:
            for reply in self._objects.read(event.data):
                yield from self._object(reply, "delta")

    def _completion(self, body: str) -> Iterator[ProviderChunk]:
        if self._head == b"<":
            raise self._complaints.bad("was a web page")
        for reply in self._objects.read(body):
            yield from self._object(reply, "message")

    def _object(self, reply: Mapping[str, Any], part: str) -> Iterator[ProviderChunk]:
        self._usage = obj(reply.get("usage")) or self._usage
        if reply.get("error"):
            raise self._complaints.broken(reply["error"])
        for choice in items(reply.get("choices"))[:1]:
            yield from self._said(obj(obj(choice).get(part)))
            self._finish = self._finish or text(obj(choice).get("finish_reason"))
        if self._finish == "error":
            yield from self._billed()
            raise self._complaints.failed_there()

    def _said(self, said: Mapping[str, Any]) -> Iterator[ProviderChunk]:
        # vLLM renamed the first to the second; a proxy may send both.
        if thought := text(said.get("reasoning_content")) or text(said.get("reasoning")):
            self.pieces += 1
            yield Thinking(thought)
        if words := text(said.get("content")):
            self.pieces += 1
            self._has_text = True
            yield Text(words)
        self._refusal += text(said.get("refusal"))
        for position, delta in enumerate(items(said.get("tool_calls"))):
            self.pieces += 1
            index = obj(delta).get("index")
            key = index if isinstance(index, int) else position
            self._calls.setdefault(key, _Call()).add(obj(delta))

    def _last(self) -> Iterator[ProviderChunk]:
        if self.ended:
            return
        if not self._finish:
            raise self._unfinished()
        self.ended = True
        if self._calls:
            yield ToolCalls(tuple(call.made() for _, call in sorted(self._calls.items())))
        yield from self._billed()
        if self._was_withheld:
            raise self._complaints.withheld(self._refusal)
        yield Finish(self._reason())

    def _billed(self) -> Iterator[ProviderChunk]:
        """Also what was not answered in the end has been counted, and may cost."""
        if self._usage:
            yield self._bill(self._usage)

    @property
    def _was_withheld(self) -> bool:
        filtered = self._finish == "content_filter" or bool(self._refusal)
        return filtered and not self._has_text and not self._calls

    def _unfinished(self) -> Exception:
        if self._objects.problem is not None and not self.pieces:
            return self._objects.problem
        return self._complaints.bad("was cut off" if self.pieces else "was empty")

    def _reason(self) -> str:
        # Some servers that speak this dialect say "stop" after a tool call.
        return "tool_calls" if self._calls and self._finish == "stop" else self._finish


def counted(said: Mapping[str, Any]) -> Usage:
    """The server's own count, without a price."""
    return Usage(
        prompt_tokens=count(said.get("prompt_tokens")),
        completion_tokens=count(said.get("completion_tokens")),
        cached_tokens=count(obj(said.get("prompt_tokens_details")).get("cached_tokens")),
        reasoning_tokens=count(obj(said.get("completion_tokens_details")).get("reasoning_tokens")),
    )
