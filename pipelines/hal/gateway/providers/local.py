"""One request to a local host: what Ollama and the OpenAI-compatible servers have in common.

Knows no dialect. Whatever leaves the machine goes through `Egress`, and cannot go this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp

from ...errors import EgressRefused
from ...types import Target
from .stream import REQUEST_TIMEOUT
from .wire import encode


def post(
    http: aiohttp.ClientSession,
    target: Target,
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """The reply, not read. Redirects are not followed: they could lead out of the house."""
    if target.leaves_machine:
        raise EgressRefused(f"{target.label} is no local model, so nothing was sent.")
    return http.post(
        url,
        data=encode(body),
        headers={"Content-Type": "application/json", **headers},
        timeout=REQUEST_TIMEOUT,
        allow_redirects=False,
    )
