"""Bytes in, lines, server-sent events and JSON objects out; any chunking gives the same result.

Sans I/O: knows no socket, no provider and no meaning. Every `feed` is a generator that has to be
read to its end, so that what came before an error in the same bytes is not lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A megabyte of tool arguments or an inlined picture still fits; an endless line must not fill the
# memory of a machine that serves many turns.
MAX_LINE_BYTES = 2 * 1024 * 1024
# A slip of a proxy or of a server's template now and then costs a token, not the answer; with more
# of them nobody knows what is missing.
MAX_MALFORMED = 3
DONE = "[DONE]"
_BOM = "\ufeff"


class WireError(ValueError):
    """The bytes are not what the format promises."""


class LineTooLong(WireError):
    """A line, an event or a body without end."""


class NotJson(WireError):
    """A line that should have been a JSON object."""


class LineDecoder:
    """Splits bytes at LF or CRLF; a lone CR ends no line, as no server of ours sends it.

    Whole lines are decoded, so a character split between two chunks is none of our business;
    what is no UTF-8 becomes U+FFFD, because one bad byte must not end an answer.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that these bytes complete, without their ends."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._take()
        self._keep(rest)

    def flush(self) -> Iterator[str]:
        """The last line, when the bytes did not end with a newline."""
        if self._buffer:
            yield self._take()

    def _keep(self, data: bytes) -> None:
        if len(self._buffer) + len(data) > self._max_bytes:
            raise LineTooLong(f"a line of more than {self._max_bytes} bytes")
        self._buffer += data

    def _take(self) -> str:
        line = self._buffer.removesuffix(b"\r").decode("utf-8", "replace")
        self._buffer.clear()
        first, self._begun = not self._begun, True
        return line.removeprefix(_BOM) if first else line


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One server-sent event: its data lines joined by LF, and its name."""

    data: str
    name: str = "message"

    @property
    def is_done(self) -> bool:
        """OpenAI's end mark."""
        return self.data.strip() == DONE


class SseDecoder:
    """Server-sent events as the HTML standard has them; `id:`, `retry:` and comments are ignored.

    One difference: an event that the end of the stream cuts off before its blank line still
    counts, because several servers end with `data: [DONE]` and no blank line.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(max_bytes)
        self._max_chars = max_bytes
        self._data: list[str] = []
        self._chars = 0
        self._name = ""

    def feed(self, data: bytes) -> Iterator[SseEvent]:
        """The events that these bytes complete."""
        for line in self._lines.feed(data):
            if line:
                self._field(line)
            else:
                yield from self._dispatch()

    def flush(self) -> Iterator[SseEvent]:
        """The event that the end of the stream left open, if any."""
        for line in self._lines.flush():
            self._field(line)
        yield from self._dispatch()

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._chars += len(value) + 1
            if self._chars > self._max_chars:
                raise LineTooLong(f"an event of more than {self._max_chars} characters")
            self._data.append(value)
        elif name == "event":
            self._name = value

    def _dispatch(self) -> Iterator[SseEvent]:
        data, name = self._data, self._name
        self._data, self._name, self._chars = [], "", 0
        if data:
            yield SseEvent("\n".join(data), name or "message")


class Objects:
    """JSON objects out of single texts, some of which may be broken: those are counted.

    `problem` is what was wrong with the last of them, None while all were fine.
    """

    def __init__(self) -> None:
        self.malformed = 0
        self.problem: NotJson | None = None

    def read(self, text: str) -> Iterator[dict[str, Any]]:
        """The object, or nothing; raises NotJson from the fourth broken one on."""
        try:
            found = json_object(text)
        except NotJson as problem:
            self.malformed += 1
            self.problem = problem
            if self.malformed > MAX_MALFORMED:
                raise
        else:
            yield found


class NdjsonDecoder:
    """One JSON object per line; blank lines are ignored, and so are few broken ones."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineDecoder(max_bytes)
        self.objects = Objects()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The objects that these bytes complete."""
        for line in self._lines.feed(data):
            if line and not line.isspace():
                yield from self.objects.read(line)

    def flush(self) -> Iterator[dict[str, Any]]:
        """The last object, when the bytes did not end with a newline."""
        for line in self._lines.flush():
            if not line.isspace():
                yield from self.objects.read(line)


def json_object(text: str) -> dict[str, Any]:
    """The text as a JSON object; raises NotJson, which never quotes the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NotJson("a line that is no JSON") from None
    if not isinstance(value, dict):
        raise NotJson("JSON that is no object")
    return value
