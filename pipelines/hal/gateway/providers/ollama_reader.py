"""What /api/chat streams, bytes in and chunks out.

Sans I/O: knows no connection and no timer; what Ollama says wrong becomes a ProviderError.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import BadReply, ProviderError
from ...types import Finish, ProviderChunk, Text, Thinking, ToolCall, ToolCalls, Usage
from ..lines import NdjsonDecoder
from .ollama_errors import PROVIDER, refused
from .service import Service
from .wire import (
    count,
    error_text,
    fills_window,
    items,
    new_call_id,
    obj,
    retry_after_s,
    said,
    text,
)


class ChatReader:
    """A `Reader` (see stream.py) of one reply. `window_tokens` is what the model was told to hold,
    prompt and answer."""

    def __init__(self, model: str, window_tokens: int, host: Service) -> None:
        self._model = model
        self._window_tokens = window_tokens
        self._host = host
        self._decoder = NdjsonDecoder()
        self._calls: list[ToolCall] = []
        self.pieces = 0
        self.complete = False
        self.ended = False

    @property
    def malformed(self) -> int:
        return self._decoder.objects.malformed

    def feed(self, data: bytes) -> Iterator[ProviderChunk]:
        """The chunks in these bytes."""
        for line in self._decoder.feed(data):
            yield from self._line(line)

    def end(self) -> Iterator[ProviderChunk]:
        """The body is over: fine only when a last line without newline says `done`."""
        for line in self._decoder.flush():
            yield from self._line(line)
        if self.ended:
            return
        if self._decoder.objects.problem is not None and not self.pieces:
            raise self._decoder.objects.problem
        how = "was cut off" if self.pieces else "was empty"
        raise BadReply(f"The answer of {self._model} {how}.", provider=PROVIDER)

    def refusal(self, status: int, headers: Mapping[str, str], body: str) -> ProviderError:
        """The error for a status that is none of 2xx."""
        wait_s = retry_after_s(headers, time.time())
        return refused(status, error_text(body), self._model, self._host, wait_s)

    def _line(self, line: Mapping[str, Any]) -> Iterator[ProviderChunk]:
        if self.ended:
            return
        if line.get("error"):
            words = said(line) or "an error without words"
            raise refused(200, words, self._model, self._host)
        yield from self._message(obj(line.get("message")))
        if line.get("done") is True:
            yield from self._done(line)

    def _message(self, message: Mapping[str, Any]) -> Iterator[ProviderChunk]:
        if thought := text(message.get("thinking")):
            self.pieces += 1
            yield Thinking(thought)
        if words := text(message.get("content")):
            self.pieces += 1
            yield Text(words)
        for call in items(message.get("tool_calls")):
            self.pieces += 1
            self._calls.append(_tool_call(obj(call)))

    def _done(self, line: Mapping[str, Any]) -> Iterator[ProviderChunk]:
        self.complete = self.ended = True
        if self._calls:
            yield ToolCalls(tuple(self._calls))
        # Counters that are zero are absent.
        prompt_tokens = count(line.get("prompt_eval_count"))
        yield Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=count(line.get("eval_count")),
            cost_usd=0.0,
            fills_window=fills_window(prompt_tokens, self._window_tokens),
        )
        yield Finish(self._reason(text(line.get("done_reason"))))

    def _reason(self, reason: str) -> str:
        if reason == "length":
            return reason
        return "tool_calls" if self._calls else "stop"


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    function = obj(call.get("function"))
    arguments = json.dumps(obj(function.get("arguments")), ensure_ascii=False)
    return ToolCall(text(call.get("id")) or new_call_id(), text(function.get("name")), arguments)
