"""What a fault is, and the voice in which a script can say things in its server's dialect.

Knows the bytes of both dialects; knows no fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..ollama_ndjson import ChatFacts, Ndjson
from ..script import Body, Content, Finish, Say, Script, Steps, Think
from ..xai_sse import Sse, XaiModel

SSE, NDJSON = "sse", "ndjson"
BOTH = (SSE, NDJSON)
# What a good answer says, and what is out of one that breaks off.
GOOD = "Swifts sleep on the wing, one half of the brain at a time. 🙂"
HALF = "Swifts sleep on the wi"


class Where(StrEnum):
    """What stands at the address that hal-auto is given."""

    SERVER = "server"
    NOBODY = "nobody"
    NO_NAME = "no name"
    NO_TLS = "no tls"
    SELF_SIGNED = "self signed"


@dataclass(frozen=True, slots=True)
class Voice:
    """One reply of a server in its dialect, as bytes for `Raw` and `Wire`.

    `elsewhere`: the address of another host, which nobody may be sent to.
    """

    dialect: str
    body: Body
    elsewhere: str = ""

    @property
    def content_type(self) -> str:
        return self._speech.content_type

    @property
    def is_sse(self) -> bool:
        return self.dialect == SSE

    def say(self, text: str) -> bytes:
        """One piece of text."""
        return self._speech.frame(Say(text))

    def think(self, text: str) -> bytes:
        """One piece of reasoning, whether it was asked for or not."""
        return self._speech.frame(Think(text))

    def finish(self, reason: str = "stop") -> bytes:
        """The end of an answer, without [DONE]."""
        if self.is_sse:
            return self._speech.frame(Finish(reason))
        return self.line({"model": "m", "message": {"content": ""}, "done": True} | _why(reason))

    def end(self) -> bytes:
        """Everything that ends an answer."""
        return self._speech.closing()

    def line(self, payload: Mapping[str, Any] | str) -> bytes:
        """One event or line that holds this JSON, or this text."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return f"data: {text}\n\n".encode() if self.is_sse else f"{text}\n".encode()

    def error(self, text: str, code: int = 500) -> dict[str, Any]:
        """An error object as this server makes it."""
        return {"error": text} | ({"code": str(code)} if self.is_sse else {})

    def whole(self, *steps: Content) -> dict[str, Any]:
        """The answer as one object, as if no stream had been asked for."""
        body = self._speech.whole(steps).body
        assert isinstance(body, dict)
        return body

    def head(self, *lines: str, length: int | None = None) -> bytes:
        """The head of a good reply, chunked unless it has a length, for `Wire`."""
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        head = ("HTTP/1.1 200 OK", f"content-type: {self.content_type}", framing, *lines)
        return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"

    @property
    def _speech(self) -> Sse | Ndjson:
        if self.is_sse:
            return Sse(self.body, XaiModel(str(self.body.get("model"))), self.error)
        return Ndjson(ChatFacts(self.body, True, False, 32_768))


def _why(reason: str) -> dict[str, str]:
    return {"done_reason": reason}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `steps` is what the server plays, unless `where` says that none is there.

    `waits`: it goes on until a timer of the client ends it.
    """

    name: str
    steps: Callable[[Voice], Steps] = lambda voice: ()
    where: Where = Where.SERVER
    dialects: tuple[str, ...] = BOTH
    waits: bool = False

    def script(self, dialect: str, elsewhere: str = "") -> Script:
        """For the server's playbook."""
        return lambda body: self.steps(Voice(dialect, body, elsewhere))
