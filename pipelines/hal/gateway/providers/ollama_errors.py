"""Ollama's failures, by status or by the client's exceptions, as ours; the one place for it.

Knows no stream and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx  # what the ollama client raises from beneath; it comes with it
import ollama

from ...addresses import without_user
from ...errors import (
    BadReply,
    ContextTooLong,
    ModelMissing,
    OutOfCredits,
    ProviderError,
    Timeout,
    Unauthorized,
)
from .refusals import IN_ANSWER, kind_of
from .service import Service, closed_early, nobody_listens, unreachable
from .wire import shortened

PROVIDER = "ollama"
MAIN_SETTING = "OLLAMA_BASE_URL"
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


def service(url: str, place: str = "", setting: str = MAIN_SETTING) -> Service:
    remedy = f"Start it (ollama serve) or set {setting}."
    return Service("Ollama", PROVIDER, without_user(url), setting, remedy, place)


def refused(
    status: int, words: str, model: str, host: Service, retry_s: float | None = None
) -> ProviderError:
    """A reply with this status, or an error within the stream (status 200 or -1).

    `words` are Ollama's own; "" when the body was not Ollama's `{"error": ...}`.
    """
    words = shortened(words)
    lowered = words.lower()
    known = status if status >= 100 else None
    # Go's own 404: the path is not there, so this is another server, or a very old Ollama.
    if status == 404 and (not model or lowered in ("", "404 page not found")):
        return _not_ollama(status, host)
    if status == 404 or (status < 300 and "not found" in lowered and "model" in lowered):
        return missing(model, host, known)
    if 300 <= status < 400:
        return _not_ollama(status, host)
    kind = kind_of(status if status >= 300 else IN_ANSWER, words)
    return kind(
        f"Ollama: {words}" if words else f"Ollama answered with status {status}.",
        _remedy(kind, host),
        provider=PROVIDER,
        status=known,
        retry_after_s=retry_s,
    )


def missing(model: str, host: Service, status: int | None = 404) -> ModelMissing:
    return ModelMissing(
        f"The model {model} is not on {host.place or 'this machine'}.",
        f"Run: ollama pull {model}",
        provider=PROVIDER,
        status=status,
    )


def _remedy(kind: type[ProviderError], host: Service) -> str:
    if kind in (Unauthorized, OutOfCredits):
        return f"Check what stands before Ollama at {host.setting}."
    if kind is ContextTooLong:
        return "Shorten it, or raise LOCAL_CONTEXT_TOKENS."
    return ""


def _not_ollama(status: int, host: Service) -> BadReply:
    return BadReply(
        f"What listens there is not Ollama (status {status}).",
        f"Check {host.setting}.",
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
    host = service(url)
    match error:
        case ollama.ResponseError():
            # The client puts the whole body there when it is not Ollama's: a web page says nothing.
            words = "" if error.error.lstrip().startswith("<") else error.error
            return refused(error.status_code, words, model, host)
        case ConnectionError() | httpx.ConnectError() | httpx.ConnectTimeout() | httpx.InvalidURL():
            return nobody_listens(host) if _was_refused(error) else unreachable(host)
        case httpx.TimeoutException():
            return Timeout(f"Ollama at {host.url} did not answer in time.", provider=PROVIDER)
        case httpx.HTTPError():
            return closed_early(host)
        case _:
            return BadReply(
                f"What {host.url} answered is not Ollama's.",
                f"Check {host.setting}.",
                provider=PROVIDER,
            )


def _was_refused(error: BaseException | None) -> bool:
    """Whether a refused connection is what it all began with; the client's words do not say."""
    while error is not None:
        inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        if isinstance(error, ConnectionRefusedError) or any(map(_was_refused, inner)):
            return True
        error = error.__cause__ or error.__context__
    return False
