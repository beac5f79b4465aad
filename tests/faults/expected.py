"""What hal-auto has to make of every fault, by the rules in docs: the table that the tests read.

R1 silent retry or fallback only while no answer was shown. R2 one deadline over all. R3 a paid call
that may have been accepted is not made again. R4 what must stay local stays, and says so. R6 every
failure is a sentence with cause and remedy. R7 what was shown stays, with a note that it was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.servers.faults import FAULTS, GOOD, HALF, NDJSON, SSE

from .case import Case, Place


class Ends(StrEnum):
    """How a turn ends whose first target has the fault."""

    ANSWERED = "answered"
    """It is an answer all the same."""
    FAILED = "failed"
    """It is none: the next target answers, or a sentence says what broke."""
    CUT = "cut"
    """Part of it was shown, and a note follows; nobody else is asked."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`tries`: how often the target with the fault is asked. `changed`: how the second request
    differs from the first, "" for not at all. `code`: of the error. `says`: words that the user
    reads. `text`: what is shown of the answer. `longest_s`: generous, on a busy machine.
    """

    ends: Ends
    tries: int = 1
    code: str = ""
    says: str = ""
    changed: str = ""
    text: str = ""
    finish: str = "stop"
    thinks: bool = False
    longest_s: float = 6.0

    @property
    def behaviour(self) -> str:
        """For docs/reliability.md, in few words."""
        if self.ends is Ends.ANSWERED:
            return "answer" if self.finish == "stop" else "answer, and its finish"
        if self.ends is Ends.CUT:
            return "kept, with a note"
        again = {"bare": "without parameters, ", "shorter": "with less history, "}
        how = again.get(self.changed, "retry, " if self.tries > 1 else "")
        return f"{how}fallback"


Pair = Mapping[str, Expected]


def _failed(code: str, says: str, **more: object) -> Expected:
    return Expected(Ends.FAILED, code=code, says=says, **more)  # type: ignore[arg-type]


def _both(expected: Expected) -> Pair:
    return {SSE: expected, NDJSON: expected}


def _no_reply(says: str, **more: object) -> Pair:
    """An accepted call that came to nothing: again where that is free, never where it is paid."""
    return {
        SSE: _failed("bad_reply", says, **more),
        NDJSON: _failed("bad_reply", says, tries=2, **more),
    }


def _busy(says_cloud: str, says_local: str) -> Pair:
    return _refused("overloaded", says_cloud, says_local, tries=2)


def _limited(tries: int) -> Pair:
    return _both(_failed("rate_limited", "oo many requests", tries=tries))


def _refused(code: str, says_cloud: str, says_local: str, **more: object) -> Pair:
    return {
        SSE: _failed(code, says_cloud, **more),
        NDJSON: _failed(code, says_local, **more),
    }


def _cut(says: str, **more: object) -> Pair:
    return _both(Expected(Ends.CUT, says=says, text=HALF, **more))  # type: ignore[arg-type]


def _silent(says: str = "no first token within 1 s") -> Pair:
    return _both(_failed("timeout", says, longest_s=8.0))


def _fine(text: str = GOOD, **more: object) -> Pair:
    return _both(Expected(Ends.ANSWERED, text=text, **more))  # type: ignore[arg-type]


BARE = {"changed": "bare", "tries": 2}
SHORTER = {"changed": "shorter", "tries": 2}
BROKE = "upstream connect error"

TABLE: dict[str, Pair] = {
    # a. No retry but for a refused connection; TLS is never downgraded.
    "connection refused": _both(_failed("refused", "does not answer at", tries=2)),
    "name does not resolve": _both(_failed("unreachable", "nowhere.invalid", longest_s=15.0)),
    "https to a plain port": _both(_failed("unreachable", "TLS failed")),
    "self-signed certificate": _both(_failed("unreachable", "TLS failed")),
    "400": _refused("rejected", "malformed conversation", "invalid request", **BARE),
    "400 context": _refused(
        "context_too_long", "maximum prompt length", "exceeds the context", **SHORTER
    ),
    "400 content filter": _both(_failed("content_refused", "usage guidelines")),
    "403 content filter": _both(_failed("content_refused", "usage guidelines")),
    "401": _refused("unauthorized", "does not accept the key", "unauthorized"),
    "400 wrong key": _both(_failed("unauthorized", "does not accept the key")),
    "402": _refused("out_of_credits", "credits are used up", "payment required"),
    "403": _refused("unauthorized", "the key is blocked", "forbidden"),
    "403 no credits": _both(_failed("out_of_credits", "credits are used up")),
    "404 path": {
        SSE: _failed("bad_reply", "status 404"),
        NDJSON: _failed("bad_reply", "is not Ollama"),
    },
    "404 model": _refused("model_missing", "xAI has no model", "Run: ollama pull"),
    "408": _busy("timed out", "request timeout"),
    "409": _busy("Conflict", "conflict"),
    "413": _refused("context_too_long", "too large", "too large", **SHORTER),
    "422": _refused("rejected", "deserialize", "unprocessable", **BARE),
    "429": _limited(2),
    "429 retry-after: 1": _limited(2),
    "429 retry-after: date": _limited(2),
    "429 retry-after-ms: 300": _limited(2),
    "429 retry-after: 3600": _limited(1),
    "429 insufficient_quota": _refused("out_of_credits", "credits are used up", "quota"),
    "500": _busy("Internal error", "runner process has terminated"),
    "502": _busy("status 502", "status 502"),
    "503": _busy("temporarily unavailable", "loading model"),
    "503 busy": _both(_failed("overloaded", "server busy", tries=2)),
    "504": _busy("status 504", "status 504"),
    "529": _busy("Overloaded", "overloaded"),
    "307 to another host": {
        SSE: _failed("rejected", "sent us to another address"),
        NDJSON: _failed("bad_reply", "is not Ollama"),
    },
    "hang before the head": _silent(),
    "hang after the head": _silent(),
    "comments only": _silent(),
    "empty pieces only": _silent(),
    "hang mid-stream": _cut("stopped talking for 1 s", longest_s=8.0),
    "comments mid-stream": _cut("stopped talking for 1 s", longest_s=8.0),
    "trickle": _both(Expected(Ends.CUT, says="longer than 10 s", text="slow slow", longest_s=16.0)),
    "cut before the head": _both(_failed("reset", "closed the connection", tries=2)),
    "reset before the head": _both(_failed("reset", "closed the connection", tries=2)),
    "cut after the head": _no_reply("was cut off"),
    "reset after the head": _no_reply("was cut off"),
    "cut mid-stream": _cut("was cut off"),
    "reset mid-stream": _cut("was cut off"),
    "clean end without a finish": _cut("was cut off"),
    "bad chunks": _no_reply(""),
    "bad chunks mid-stream": _cut("was cut off"),
    "short content-length": _no_reply("was cut off"),
    "short content-length mid-stream": _cut("was cut off"),
    "gzip lie": _no_reply("was cut off"),
    "not HTTP": _no_reply("does not speak HTTP"),
    "HTML": _no_reply("web page"),
    "HTML with the type of an answer": _no_reply(""),
    "JSON when a stream was asked": _fine(),
    "error object": _no_reply(BROKE),
    "error as the first event": _no_reply(BROKE),
    "error mid-stream": _cut(BROKE),
    "event: error": _no_reply(BROKE),
    "finish error": _no_reply("answer failed on"),
    "finish error mid-stream": _cut("answer failed on"),
    "empty body": _no_reply("was empty"),
    "empty stream": _no_reply("was empty"),
    "only the end": {
        SSE: _failed("bad_reply", "was empty"),
        NDJSON: _failed("bad_reply", "ended without an answer", tries=2),
    },
    "reasoning only": _no_reply("ended without an answer", thinks=True),
    "reasoning, then cut": _no_reply("was cut off", thinks=True),
    "empty strings": _no_reply("ended without an answer"),
    "white space only": _no_reply("ended without an answer"),
    "a line of 2 MiB": _no_reply("a line without end"),
    "endless line": _no_reply("a line without end"),
    "array": _no_reply("JSON that is no object"),
    "one malformed piece": _fine(),
    "many malformed pieces": _no_reply("no JSON"),
    "many malformed pieces mid-stream": _cut("no JSON"),
    "invalid UTF-8": _fine(f"{GOOD} \ufffd"),
    "split code points": _fine(),
    "the end twice": _fine(),
    "data after the end": _fine(),
    "no [DONE] after a finish": _fine(),
    "reset after a finish": _fine(),
    "CRLF": _fine(),
    "no space after data:": _fine(),
    "comments between": _fine(),
    "id: and retry: fields": _fine(),
    "multi-line data": _fine(),
    "blank lines between": _fine(),
    "finish length": _fine(finish="length"),
    "finish content_filter": _fine(finish="content_filter"),
    "finish tool_calls": _fine("", finish="tool_calls"),
    "endless repetition": _both(Expected(Ends.CUT, says="repeated itself", text="la la la")),
}


def expected(fault: str, place: Place) -> Expected:
    return TABLE[fault][SSE if place.is_cloud else NDJSON]


def cases() -> list[Case]:
    """Every fault at every place where its dialect is spoken, streamed and not.

    Beside it: with only the first request failing, where there is a second one; and with nothing
    to take out of the request, where the second one would differ.
    """
    found: list[Case] = []
    for fault in FAULTS:
        for place in Place:
            if (SSE if place.is_cloud else NDJSON) not in fault.dialects:
                continue
            found += [Case(fault.name, place, stream) for stream in (True, False)]
            wanted = expected(fault.name, place)
            if wanted.tries > 1:
                found.append(Case(fault.name, place, heals=True))
            if wanted.changed:
                found.append(Case(fault.name, place, bare=True))
    return found
