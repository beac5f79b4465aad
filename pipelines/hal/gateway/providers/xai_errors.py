"""xAI's failures, by status or from within a stream, as ours; the one place for it.

Knows no stream. No sentence here holds the key, or anything that was asked.
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import (
    BadReply,
    ModelMissing,
    Overloaded,
    ProviderError,
    Rejected,
    Unauthorized,
)
from .stream import Service
from .wire import obj, shortened, text

PROVIDER = "xai"
CHECK_KEY = "Check XAI_API_KEY."
ADD_CREDITS = "Add credits in xAI's console, or stay local with /local."
CHECK_MODEL = "Set CLOUD_MODEL to a model that your xAI team may use."
# A server may quote a header back at us.
_KEYS = re.compile(r"\b(?:xai|sk)-[\w*.-]+|Bearer\s+\S+", re.IGNORECASE)
_OUT_OF_CREDITS = ("credit", "insufficient_quota", "spending limit")


def service(url: str) -> Service:
    return Service("xAI", PROVIDER, url, "Check the network and XAI_API_BASE_URL.")


def refused(
    status: int, words: str, model: str, retry_after_s: float | None = None
) -> ProviderError:
    """A reply with this status; `words` are the server's own, "" when there were none."""
    words = quotable(words)
    if (account := _account(status, words)) is not None:
        return account
    said = f": {words}" if words else f" (status {status})."
    if status == 404:
        return ModelMissing(
            f"xAI has no model {model}.", CHECK_MODEL, provider=PROVIDER, status=status
        )
    if status in (408, 409, 429) or status >= 500:
        return Overloaded(
            f"xAI is busy{said}", provider=PROVIDER, status=status, retry_after_s=retry_after_s
        )
    if 300 <= status < 400:
        return Rejected(
            f"xAI sent us to another address (status {status}), which is not followed.",
            "Check XAI_API_BASE_URL.",
            provider=PROVIDER,
            status=status,
        )
    return Rejected(f"xAI refused the request{said}", provider=PROVIDER, status=status)


def broken(error: object, model: str) -> ProviderError:
    """An error object in a reply whose status was fine."""
    inner = obj(error)
    words = quotable(text(error) or text(inner.get("message")))
    status = inner.get("code")
    if isinstance(status, int) and 400 <= status < 600:
        return refused(status, words, model)
    return BadReply(f"xAI's answer failed: {words or 'no cause given'}", provider=PROVIDER)


def bad(what: str) -> BadReply:
    return BadReply(f"xAI's answer {what}.", provider=PROVIDER)


def key_missing() -> Unauthorized:
    return Unauthorized("There is no usable xAI key.", "Set XAI_API_KEY.", provider=PROVIDER)


def quotable(words: str) -> str:
    """The server's words, shortened, without anything that looks like a key."""
    return shortened(_KEYS.sub("[key]", words))


def words_of(reply: Any) -> str:
    """What an error body says, in any of the three shapes that were seen."""
    error = obj(reply).get("error")
    return text(error) or text(obj(error).get("message")) or text(obj(reply).get("message"))


def _account(status: int, words: str) -> Unauthorized | None:
    """The key or the credits. The server's words may quote part of the key: left out."""
    lowered = words.lower()
    broke = any(sign in lowered for sign in _OUT_OF_CREDITS)
    if status == 402 or (status in (403, 429) and broke):
        message, remedy = "xAI does not answer: the credits are used up.", ADD_CREDITS
    elif status == 401 or (status == 400 and "api key" in lowered):
        message, remedy = "xAI does not accept the key.", CHECK_KEY
    elif status == 403:
        message = "xAI does not allow this: no access, or the key is blocked."
        remedy = CHECK_KEY
    else:
        return None
    return Unauthorized(message, remedy, provider=PROVIDER, status=status)
