"""Answers from local servers that speak OpenAI's API (vLLM, llama.cpp's, LM Studio), streamed.

Knows neither plans nor retries, and cannot reach a target outside: that is `Egress`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import aiohttp

from ...addresses import without_user
from ...settings import LocalSettings
from ...types import ProviderChunk, Request, Usage
from ..ports import Call
from .completions_reader import CompletionReader, counted
from .local import post
from .openai_errors import complaints
from .openai_request import chat_body, headers
from .stream import Limits, read_answer
from .wire import fills_window


class OpenAiProvider:
    """A `Provider` (see ports.py). The HTTP session belongs to the caller.

    A target's host ends with /v1 and holds no password: that is in the settings. Without a host
    the Ollama at `settings.base_url` is asked, which speaks this dialect, too. `gap_s` and
    `settings.first_token_s` as for Ollama.
    """

    def __init__(self, http: aiohttp.ClientSession, settings: LocalSettings, gap_s: float) -> None:
        self._http = http
        self._settings = settings
        self._limits = Limits(settings.first_token_s, gap_s)
        self._addresses = {without_user(host.url): host.url for host in settings.hosts}

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]:  # noqa: ARG002
        """The answer, piece by piece; raises ProviderErrors, and EgressRefused for a target that
        is not local."""
        target = request.target
        host = target.host or f"{self._settings.base_url}/v1"
        host = self._addresses.get(host, host)
        said = complaints(host, target)
        reader = CompletionReader(said, partial(local_usage, window_tokens=target.context_tokens))
        return read_answer(partial(self._open, request, host), reader, self._limits, said.service)

    def _open(
        self, request: Request, host: str
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = f"{without_user(host)}/chat/completions"
        return post(
            self._http, request.target, url, chat_body(request, self._settings), headers(host)
        )


def local_usage(said: Mapping[str, Any], window_tokens: int) -> Usage:
    """The server's own count. It counts reasoning within the completion, xAI and we beside it."""
    usage = counted(said)
    return replace(
        usage,
        completion_tokens=max(usage.completion_tokens - usage.reasoning_tokens, 0),
        cost_usd=0.0,
        fills_window=fills_window(usage.prompt_tokens, window_tokens),
    )
