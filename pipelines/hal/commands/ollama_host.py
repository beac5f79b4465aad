"""What an Ollama host says of itself, asked once, for `hal serve` and `hal doctor`.

Knows nothing of turns: the provider that answers them stands in `gateway/`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import httpx
import ollama
import requests

from ..addresses import without_user
from ..errors import Unreachable
from ..model_names import full_name

CONNECT_S = 2.0  # Ollama is on this machine or in this house; more only delays the answer "no"
READ_S = 5.0  # the list of a busy host takes a moment


class OtherService(Unreachable):
    """Something listens there, and it is not what was looked for."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """`version` is "" when the host does not tell; `loaded` are the models in memory."""

    url: str
    version: str
    models: tuple[str, ...]
    loaded: tuple[str, ...]

    def has(self, name: str) -> bool:
        return full_name(name) in {full_name(model) for model in self.models}

    def is_loaded(self, name: str) -> bool:
        return full_name(name) in {full_name(model) for model in self.loaded}

    def missing(self, *names: str) -> tuple[str, ...]:
        """Those of the names that are not there, without repetition."""
        return tuple(name for name in dict.fromkeys(names) if name and not self.has(name))


def take_inventory(url: str) -> Inventory:
    """Ask the host; raises Unreachable, with the reason, when it is no Ollama or none is there."""
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    # trust_env: a proxy that is meant for the internet cannot reach a host on this machine.
    try:
        with closing(ollama.Client(host=url, timeout=timeout, trust_env=False)) as client:
            models = tuple(model.model or "" for model in client.list().models)
            loaded = tuple(model.model or "" for model in client.ps().models)
    except (ConnectionError, httpx.HTTPError) as error:
        raise Unreachable(f"No Ollama at {without_user(url)} ({type(error).__name__}).") from None
    except (ollama.ResponseError, ValueError, TypeError):  # TypeError: JSON that is no object
        raise OtherService(f"What listens at {without_user(url)} is no Ollama.") from None
    return Inventory(url, version_of(url), models, loaded)


def version_of(url: str) -> str:
    """Ollama's version, "" where it is none; the client library has no call for it."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            reply = session.get(
                f"{url}/api/version", timeout=(CONNECT_S, READ_S), allow_redirects=False
            ).json()
        except (requests.RequestException, ValueError):
            return ""
    return str(reply.get("version", "")) if isinstance(reply, dict) else ""


def at_least(version: str, wanted: str) -> bool:
    """Whether `0.13.4-rc1` is `0.12.11` or newer; a development build ("0.0.0") always is."""
    return version.startswith("0.0.0") or _numbers(version) >= _numbers(wanted)


def _numbers(version: str) -> tuple[int, ...]:
    head = version.lstrip("v").partition("-")[0].partition("+")[0]
    return tuple(int(part) if part.isdecimal() else 0 for part in head.split("."))
