"""Ollama's failures, by status or by the client's exceptions, as ours; the one place for it.

Knows no stream and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx  # what the ollama client raises from beneath; it comes with it
import ollama

from ...errors import (
    BadReply,
    ModelMissing,
    Overloaded,
    ProviderError,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from .stream import Service, unreachable
from .wire import shortened

PROVIDER = "ollama"
# ValueError: a body that is no JSON, or not what pydantic expects. TypeError and AttributeError:
# the client unpacks a reply that is no object.
CLIENT_ERRORS = (
    ollama.ResponseError,
    ConnectionError,
    httpx.HTTPError,
    httpx.InvalidURL,
    ValueError,
    TypeError,
    AttributeError,
)


def service(url: str) -> Service:
    return Service("Ollama", PROVIDER, url, "Start it (ollama serve) or set OLLAMA_BASE_URL.")


def refused(status: int, words: str, model: str, retry_s: float | None = None) -> ProviderError:
    """A reply with this status, or an error within the stream (status 200 or -1).

    `words` are Ollama's own; "" when the body was not Ollama's `{"error": ...}`.
    """
    words = shortened(words)
    known = status if status >= 100 else None
    lowered = words.lower()
    # Go's own 404: the path is not there, so this is another server, or a very old Ollama.
    if status == 404 and (not model or lowered in ("", "404 page not found")):
        return _not_ollama(status)
    if status == 404 or (status < 300 and "not found" in lowered and "model" in lowered):
        return missing(model, known)
    message = f"Ollama: {words}" if words else f"Ollama answered with status {status}."
    if status in (401, 403):
        remedy = "Check what stands before Ollama at OLLAMA_BASE_URL."
        return Unauthorized(message, remedy, provider=PROVIDER, status=known)
    if status in (408, 409, 429) or status >= 500 or "server busy" in lowered:
        return Overloaded(message, provider=PROVIDER, status=known, retry_after_s=retry_s)
    if 300 <= status < 400:
        return _not_ollama(status)
    if status >= 400:
        return Rejected(message, provider=PROVIDER, status=known)
    return BadReply(message, provider=PROVIDER, status=known)


def missing(model: str, status: int | None = 404) -> ModelMissing:
    return ModelMissing(
        f"The model {model} is not on this machine.",
        f"Run: ollama pull {model}",
        provider=PROVIDER,
        status=status,
    )


def _not_ollama(status: int) -> BadReply:
    return BadReply(
        f"What listens there is not Ollama (status {status}).",
        "Check OLLAMA_BASE_URL.",
        provider=PROVIDER,
        status=status,
    )


@contextmanager
def translated(url: str, model: str) -> Iterator[None]:
    """Raise our errors for whatever the client raises."""
    try:
        yield
    except CLIENT_ERRORS as error:
        raise translate(error, url, model) from error


def translate(error: Exception, url: str, model: str) -> ProviderError:
    """One of the client's exceptions (CLIENT_ERRORS) as one of ours."""
    match error:
        case ollama.ResponseError():
            # The client puts the whole body there when it is not Ollama's: a web page says nothing.
            words = "" if error.error.lstrip().startswith("<") else error.error
            return refused(error.status_code, words, model)
        case ConnectionError() | httpx.ConnectError() | httpx.ConnectTimeout() | httpx.InvalidURL():
            return unreachable(service(url))
        case httpx.TimeoutException():
            return Timeout(f"Ollama at {url} did not answer in time.", provider=PROVIDER)
        case httpx.HTTPError():
            return Unreachable(f"The connection to Ollama at {url} broke.", provider=PROVIDER)
        case _:
            return BadReply(
                f"What {url} answered is not Ollama's.",
                "Check OLLAMA_BASE_URL.",
                provider=PROVIDER,
            )
