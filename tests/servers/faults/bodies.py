"""Replies with a fine status that are no answer, or not the one that was asked for."""

from __future__ import annotations

import json

from ..script import Begin, Cut, End, Raw, Say, Sleep, Stall, Status, Steps
from .fault import GOOD, HALF, SSE, Fault, Voice

_PAGE = "<!doctype html><html><title>Sign in</title><body><h1>Sign in</h1></body></html>"
_BROKE = "upstream connect error or disconnect"


def _page_with_the_wrong_type(voice: Voice) -> Steps:
    return [Status(200, _PAGE.encode(), {"content-type": voice.content_type})]


def _whole(voice: Voice) -> Steps:
    return [Status(200, voice.whole(Say(GOOD)))]


def _error_event(voice: Voice) -> Steps:
    """OpenAI's Responses API and several gateways name the event."""
    data = json.dumps({"message": _BROKE, "code": "server_error"})
    return [Raw(f"event: error\ndata: {data}\n\n".encode()), End()]


def _finish_error(voice: Voice, *said: bytes) -> Steps:
    """OpenRouter's way to end a stream that failed."""
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    return [*map(Raw, said), Raw(voice.line({"id": "x", "choices": [choice]})), End()]


def _only_the_end(voice: Voice) -> Steps:
    if voice.is_sse:
        return [Raw(b"data: [DONE]\n\n"), End()]
    return [Raw(voice.finish()), End()]


def _reasoning_only(voice: Voice) -> Steps:
    thoughts = (voice.think("The user asks about swifts. "), voice.think("Let me think."))
    return [*map(Raw, thoughts), Raw(voice.end()), End()]


def _thought_and_cut(voice: Voice) -> Steps:
    return [Raw(voice.think("Hm. ")), Sleep(0.2), Cut(reset=True)]


def _said(voice: Voice, *texts: str) -> Steps:
    return [*[Raw(voice.say(text)) for text in texts], Raw(voice.end()), End()]


def _long_line(voice: Voice) -> Steps:
    """One valid piece of an answer, longer than any real one."""
    return [Raw(voice.say("x" * (2 * 1024 * 1024 + 1))), Raw(voice.end()), End()]


def _endless_line(voice: Voice) -> Steps:
    start = b"data: " if voice.is_sse else b'{"message": {"content": "'
    return [Raw(start), *[Raw(b"x" * 262_144)] * 40, Stall()]


BODIES = (
    Fault("HTML", lambda voice: [Status(200, _PAGE)]),
    Fault("HTML with the type of an answer", _page_with_the_wrong_type),
    Fault("JSON when a stream was asked", _whole),
    Fault("error object", lambda voice: [Status(200, voice.error(_BROKE))]),
    Fault("error as the first event", lambda voice: [Raw(voice.line(voice.error(_BROKE))), End()]),
    Fault(
        "error mid-stream",
        lambda voice: [Say(HALF), Raw(voice.line(voice.error(_BROKE))), End()],
    ),
    Fault("event: error", _error_event, dialects=(SSE,)),
    Fault("finish error", _finish_error, dialects=(SSE,)),
    Fault(
        "finish error mid-stream",
        lambda voice: _finish_error(voice, voice.say(HALF)),
        dialects=(SSE,),
    ),
    Fault("empty body", lambda voice: [Status(200, b"", {"content-type": voice.content_type})]),
    Fault("empty stream", lambda voice: [Begin(), End()]),
    Fault("only the end", _only_the_end),
    Fault("reasoning only", _reasoning_only),
    Fault(
        "reasoning, then cut", lambda voice: [Raw(voice.think("Hm. ")), Sleep(0.2), Cut(reset=True)]
    ),
    Fault("empty strings", lambda voice: _said(voice, "", "", "")),
    Fault("white space only", lambda voice: _said(voice, " ", "\n", "\t ")),
    Fault("a line of 2 MiB", _long_line),
    Fault("endless line", _endless_line),
    Fault("array", lambda voice: [Status(200, b"[1, 2]", {"content-type": "application/json"})]),
)
