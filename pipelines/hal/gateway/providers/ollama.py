"""Answers from Ollama's /api/chat, streamed, from whichever host the target names.

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
from .local import post
from .ollama_errors import service
from .ollama_reader import ChatReader
from .ollama_request import chat_body
from .stream import Limits, read_answer

HEADERS = {"Accept": "application/x-ndjson"}


class OllamaProvider:
    """A `Provider` (see ports.py). The HTTP session belongs to the caller.

    A target without a host is asked at `settings.base_url`. `gap_s`: longest pause between two
    pieces of an answer; the wait for the first one is `settings.first_token_s`, as a model may
    have to be loaded.
    """

    def __init__(self, http: aiohttp.ClientSession, settings: LocalSettings, gap_s: float) -> None:
        self._http = http
        self._settings = settings
        self._limits = Limits(settings.first_token_s, gap_s)

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]:  # noqa: ARG002
        """The answer, piece by piece; raises ProviderError alone."""
        target = request.target
        host = target.host or self._settings.base_url
        asked = service(host, target.place)
        if host != self._settings.base_url:
            asked = service(host, target.place, "LOCAL_HOSTS")
        reader = ChatReader(target.model, target.context_tokens, asked)
        return read_answer(partial(self._open, request, host), reader, self._limits, asked)

    def _open(
        self, request: Request, host: str
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        body = chat_body(request, self._settings)
        return post(self._http, request.target, f"{host}/api/chat", body, HEADERS)
