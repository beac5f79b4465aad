"""Who is called, and what the transport's exceptions mean as errors of ours.

Knows no dialect and no stream. `from None` throughout: aiohttp's exceptions carry the request's
headers, and so the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from ...errors import BadReply, ConnectionRefused, ConnectionReset, Unreachable

# What breaks a reply: the connection, its framing or its compression.
BREAKS = (aiohttp.ClientError, HttpProcessingError, OSError)


@dataclass(frozen=True, slots=True)
class Service:
    """Who is called, for the sentences in errors.

    `url` is for people, without a password; `setting` holds it. `remedy`: what to do when nobody
    answers. `place`: what people call the machine, "" where there is one only.
    """

    name: str
    provider: str
    url: str
    setting: str
    remedy: str
    place: str = ""


@contextmanager
def connecting(service: Service) -> Iterator[None]:
    """Until the head of the reply is there."""
    try:
        yield
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL):
        raise _not_http(service) from None
    except aiohttp.ClientSSLError:
        raise _no_tls(service) from None
    except aiohttp.ClientConnectorError as error:
        nobody = isinstance(error.os_error, ConnectionRefusedError)
        raise (nobody_listens if nobody else unreachable)(service) from None
    except aiohttp.ServerTimeoutError:  # the connection alone has such a timer
        raise unreachable(service) from None
    except (aiohttp.ClientError, OSError):
        raise closed_early(service) from None


@contextmanager
def reading(service: Service) -> Iterator[None]:
    """From the head of the reply to its end."""
    try:
        yield
    except TimeoutError:
        raise
    except BREAKS:
        raise cut_off(service) from None


def nobody_listens(service: Service) -> ConnectionRefused:
    return ConnectionRefused(_no_reply(service), service.remedy, provider=service.provider)


def unreachable(service: Service) -> Unreachable:
    return Unreachable(_no_reply(service), service.remedy, provider=service.provider)


def closed_early(service: Service) -> ConnectionReset:
    return ConnectionReset(
        f"{service.name} does not answer at {service.url}: it closed the connection.",
        service.remedy,
        provider=service.provider,
    )


def _no_reply(service: Service) -> str:
    return f"{service.name} does not answer at {service.url}."


def cut_off(service: Service) -> BadReply:
    return BadReply(f"The answer of {service.name} was cut off.", provider=service.provider)


def _no_tls(service: Service) -> Unreachable:
    return Unreachable(
        f"No safe connection to {service.name} at {service.url}: TLS failed.",
        "Check the address, the clock and the certificates of this machine.",
        provider=service.provider,
    )


def _not_http(service: Service) -> BadReply:
    return BadReply(
        f"What listens at {service.url} does not speak HTTP as {service.name} does.",
        f"Check {service.setting}.",
        provider=service.provider,
    )
