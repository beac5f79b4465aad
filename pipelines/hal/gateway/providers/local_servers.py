"""A client for each local host that the settings name.

Knows what is asked through them no better than how they are made and closed.
"""

from __future__ import annotations

import aiohttp
import httpx
import ollama

from ...settings import LocalHost, LocalSettings
from .ollama_models import LocalModels
from .openai_models import HostedModels

# A server on this machine or in this house answers a connection in milliseconds.
CONNECT_S = 3.0


class LocalServers:
    """`main` is the Ollama at `base_url`; `by_url` all hosts, that one among them.

    The HTTP session belongs to the caller, the clients for Ollama to this object.
    """

    def __init__(self, settings: LocalSettings, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._read_s = settings.first_token_s
        self._clients: list[ollama.AsyncClient] = []
        self.main = self._ollama(settings.base_url)
        others = (host for host in settings.hosts if host.url != settings.base_url)
        self.by_url: dict[str, LocalModels | HostedModels] = {
            settings.base_url: self.main,
            **{host.url: self._server(host) for host in others},
        }

    async def close(self) -> None:
        for client in self._clients:
            # The client has no public close in every version that we support.
            await client._client.aclose()

    def _server(self, host: LocalHost) -> LocalModels | HostedModels:
        if host.dialect == "openai":
            return HostedModels(self._http, host)
        return self._ollama(host.url)

    def _ollama(self, url: str) -> LocalModels:
        """The client has no timeouts and follows redirects unless told otherwise."""
        client = ollama.AsyncClient(
            url,
            # Refused is known at once; answers include the loading of a model.
            timeout=httpx.Timeout(self._read_s, connect=CONNECT_S),
            follow_redirects=False,
            # A proxy from the environment would see every question that is meant to stay here.
            trust_env=False,
        )
        self._clients.append(client)
        return LocalModels(client)
