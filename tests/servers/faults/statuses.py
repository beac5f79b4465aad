"""Replies with a status that is no success, in the words of the real servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate

from ..ollama import BUSY
from ..script import Status, Steps
from .fault import BOTH, NDJSON, SSE, Fault, Voice

_PAGE = "<!doctype html><title>{0}</title><h1>{0}</h1><p>nginx</p>"


def _refused(
    name: str,
    code: int,
    sse: str,
    ndjson: str | None = None,
    headers: Callable[[], Mapping[str, str]] = dict,
    dialects: tuple[str, ...] = BOTH,
) -> Fault:
    def steps(voice: Voice) -> Steps:
        words = sse if voice.is_sse or ndjson is None else ndjson
        return [Status(code, voice.error(words, code), headers())]

    return Fault(name, steps, dialects=dialects)


def _page(name: str, code: int) -> Fault:
    return Fault(name, lambda voice: [Status(code, _PAGE.format(name))])


def _limited(name: str, headers: Callable[[], Mapping[str, str]]) -> Fault:
    return _refused(name, 429, "Too many requests for team 42.", "too many requests", headers)


def _in_two_seconds() -> dict[str, str]:
    """HTTP dates have whole seconds: this is between one and two seconds from now."""
    return {"retry-after": formatdate(int(time.time()) + 2, usegmt=True)}


def _quota(voice: Voice) -> Steps:
    error = {
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
    return [Status(429, {"error": error})]


def _moved(voice: Voice) -> Steps:
    path = "/v1/chat/completions" if voice.is_sse else "/api/chat"
    return [Status(307, b"", {"location": f"{voice.elsewhere}{path}"})]


_KEY_WRONG = (
    "Incorrect API key provided: xai-test-key. You can obtain an API key from https://console.x.ai."
)
_QUOTES_THE_KEY = "The service is temporarily unavailable (Authorization: Bearer xai-test-key)."
_NO_CREDITS = "Your team 42 has used all available credits or reached its monthly spending limit."
_TOO_LONG = "This model's maximum prompt length is 131072 but the request contains 140337 tokens."
_NO_MODEL = "The model grok-4.3 does not exist or your team 42 does not have access to it."
_REFUSED = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"

STATUSES = (
    _refused("400", 400, "Invalid request content: malformed conversation.", "invalid request"),
    _refused(
        "400 context", 400, _TOO_LONG, "the input length exceeds the context length of the model"
    ),
    _refused("400 content filter", 400, _REFUSED, dialects=(SSE,)),
    _refused("403 content filter", 403, _REFUSED, dialects=(SSE,)),
    _refused("401", 401, _KEY_WRONG, "unauthorized"),
    _refused("400 wrong key", 400, _KEY_WRONG, dialects=(SSE,)),
    _refused("402", 402, _NO_CREDITS, "payment required"),
    _refused("403", 403, "The caller does not have permission.", "forbidden"),
    _refused("403 no credits", 403, _NO_CREDITS, dialects=(SSE,)),
    Fault(
        "404 path",
        lambda voice: [Status(404, b"404 page not found", {"content-type": "text/plain"})],
    ),
    _refused("404 model", 404, _NO_MODEL, "model 'nemotron-3-nano:30b' not found"),
    _refused("408", 408, "Request timed out.", "request timeout"),
    _refused("409", 409, "Conflict.", "conflict"),
    _refused("413", 413, "Request body too large.", "request too large"),
    _refused("422", 422, "Failed to deserialize the JSON body.", "unprocessable"),
    _limited("429", dict),
    _limited("429 retry-after: 1", lambda: {"retry-after": "1"}),
    _limited("429 retry-after: date", _in_two_seconds),
    _limited("429 retry-after-ms: 300", lambda: {"retry-after-ms": "300"}),
    _limited("429 retry-after: 3600", lambda: {"retry-after": "3600"}),
    Fault("429 insufficient_quota", _quota),
    _refused("500", 500, "Internal error.", "llama runner process has terminated"),
    _page("502", 502),
    _refused("503", 503, _QUOTES_THE_KEY, "loading model"),
    Fault("503 busy", lambda voice: [BUSY], dialects=(NDJSON,)),
    _page("504", 504),
    _refused("529", 529, "Overloaded.", "overloaded"),
    Fault("307 to another host", _moved),
)
