"""Answers from Ollama's /api/chat, streamed.

Reads the stream over aiohttp, because the `ollama` client costs several times the CPU per token
(bench/ollama_client.py); everything else goes through that client in `ollama_models.py`. Knows
neither plans nor retries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import aiohttp

from ...settings import LocalSettings
from ...types import ProviderChunk, Request
from ..ports import Call
from .ollama_errors import service
from .ollama_reader import ChatReader
from .ollama_request import chat_body
from .stream import REQUEST_TIMEOUT, Limits, read_answer
from .wire import encode

HEADERS = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}


class OllamaProvider:
    """A `Provider` (see ports.py). The HTTP session belongs to the caller.

    `gap_s`: longest pause between two pieces of an answer; the wait for the first one is
    `settings.first_token_s`, as a model may have to be loaded.
    """

    def __init__(self, http: aiohttp.ClientSession, settings: LocalSettings, gap_s: float) -> None:
        self._http = http
        self._settings = settings
        self._limits = Limits(settings.first_token_s, gap_s)
        self._service = service(settings.base_url)

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]:  # noqa: ARG002
        """The answer, piece by piece; raises ProviderError alone."""
        reader = ChatReader(request.target.model)
        return read_answer(partial(self._open, request), reader, self._limits, self._service)

    def _open(self, request: Request) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._http.post(
            f"{self._settings.base_url}/api/chat",
            data=encode(chat_body(request, self._settings)),
            headers=HEADERS,
            timeout=REQUEST_TIMEOUT,
            allow_redirects=False,
        )
