"""What Open WebUI makes of the Pipelines server's answer: an incremental SSE reader.

Does no I/O: bytes in by `feed`, in any pieces; what they meant is in the attributes.
"""

from __future__ import annotations

import codecs
import json
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """One answer as received so far.

    `chunks`: every JSON payload in order. `events`: the Open WebUI events among them.
    `finish_reasons` has one entry for each finish seen, so that doubles show. `dones` counts
    [DONE]. `first_token_s`: from `started` to the first visible text or reasoning.
    `broken`: `data:` lines that were not JSON. `completion`: the object, when not streamed.
    """

    started: float = field(default_factory=time.monotonic)
    status: int | None = None
    text: str = ""
    reasoning: str = ""
    chunks: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    tool_calls: list[Json] = field(default_factory=list)
    usage: Json | None = None
    error: Any = None
    finish_reasons: list[str] = field(default_factory=list)
    dones: int = 0
    broken: list[str] = field(default_factory=list)
    raw: bytes = b""
    first_token_s: float | None = None
    completion: Json | None = None
    cut: bool = False
    _line: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=codecs.getincrementaldecoder("utf-8")
    )

    @property
    def done(self) -> bool:
        """Whether [DONE] was seen."""
        return self.dones > 0

    @property
    def statuses(self) -> list[str]:
        """The descriptions of the status lines, in order."""
        return [data.get("description", "") for data in self.of_type("status")]

    @property
    def sources(self) -> list[Json]:
        """The citations."""
        return self.of_type("source") + self.of_type("citation")

    def of_type(self, kind: str) -> list[Json]:
        """The data of all events of one type."""
        return [event["data"] for event in self.events if event.get("type") == kind]

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self.raw += data
        *lines, self._line = (self._line + self._decoder.decode(data)).split("\n")
        for line in lines:
            self._take_line(line.rstrip("\r"))

    def finish(self) -> None:
        """The body has ended: the server sends its [DONE] without a line end."""
        self._take_line(self._line)
        self._line = ""

    def take_completion(self, body: Json) -> None:
        """Take an answer that was not streamed."""
        self.completion = body
        self.usage, self.error = body.get("usage"), body.get("error")
        for choice in body.get("choices", []):
            self._take_delta(choice.get("message") or {})
            self.finish_reasons.append(choice.get("finish_reason"))

    def _take_line(self, line: str) -> None:
        if not line.startswith("data:"):
            return
        payload = line.removeprefix("data:").strip()
        if payload == "[DONE]":
            self.dones += 1
            return
        try:
            self._take_chunk(json.loads(payload))
        except ValueError:
            self.broken.append(payload)

    def _take_chunk(self, chunk: Json) -> None:
        self.chunks.append(chunk)
        if "event" in chunk:
            self.events.append(chunk["event"])
        self.error = chunk.get("error") or self.error
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or []:
            self._take_delta(choice.get("delta") or {})
            if choice.get("finish_reason"):
                self.finish_reasons.append(choice["finish_reason"])

    def _take_delta(self, delta: Json) -> None:
        text, reasoning = delta.get("content") or "", delta.get("reasoning_content") or ""
        self.text += text
        self.reasoning += reasoning
        self.tool_calls += delta.get("tool_calls") or []
        if (text or reasoning) and self.first_token_s is None:
            self.first_token_s = time.monotonic() - self.started
