"""Answers from xAI's chat completions, streamed, through the egress check.

Knows neither plans nor retries, and opens no connection of its own: `Egress` does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import aiohttp

from ...addresses import without_user
from ...settings import CloudSettings
from ...types import ProviderChunk, Request
from ..egress import Egress
from ..ports import Call
from .cloud_models import CloudModel, CloudModels
from .completions_reader import CompletionReader
from .stream import REQUEST_TIMEOUT, Limits, read_answer
from .wire import encode
from .xai_errors import complaints, key_missing
from .xai_prices import usage_of
from .xai_request import chat_body, headers


class XaiProvider:
    """A `Provider` (see ports.py).

    `gap_s`: longest pause between two pieces of an answer; the wait for the first one is
    `settings.first_token_s`.
    """

    def __init__(
        self,
        egress: Egress,
        settings: CloudSettings,
        gap_s: float,
        models: CloudModels | None = None,
    ) -> None:
        self._egress = egress
        self._settings = settings
        self._models = CloudModels.load() if models is None else models
        self._limits = Limits(settings.first_token_s, gap_s)

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]:
        """The answer, piece by piece; raises ProviderErrors, and EgressRefused when nothing was
        sent."""
        name = request.target.model
        model = self._models.find(name)
        said = complaints(self._settings.base_url, name)
        reader = CompletionReader(said, partial(usage_of, model=model))
        open_reply = partial(self._open, request, call, model)
        return read_answer(open_reply, reader, self._limits, said.service)

    def _open(
        self, request: Request, call: Call, model: CloudModel
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        key = self._settings.api_key or ""
        # Anything else in a header is refused by the HTTP library, in words that quote it.
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise key_missing()
        return self._egress.post(
            # The key is who we are there; the HTTP library refuses to be two.
            f"{without_user(self._settings.base_url)}/chat/completions",
            headers(request, self._settings),
            encode(chat_body(request, self._settings, model)),
            call=call,
            target=request.target,
            timeout=REQUEST_TIMEOUT,
        )
