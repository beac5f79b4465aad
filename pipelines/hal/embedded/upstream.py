"""Speak llama.cpp's HTTP API to one worker.

It does not know Ollama's protocol nor who owns the worker. Generation goes through `/completion`
with a prompt rendered by `/apply-template`: there, unlike in `/v1/chat/completions`, each chunk's
text and its log-probabilities belong to the same tokens, also under a JSON schema.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from .errors import BadRequest, EmbeddedError, EngineFailed, WorkerGone

# Reading a long prompt on one slow core is minutes of silence: only connecting has a limit.
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5.0)

Event = dict[str, Any]
"""One JSON object as llama.cpp sends it; the border of our types."""


def open_session() -> aiohttp.ClientSession:
    """Make the HTTP client for all workers; call it inside the event loop.

    Connections are not reused: llama.cpp closes idle ones, and a request that meets that moment
    would fail. A new one on loopback costs 0.1 ms.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=_TIMEOUT
    )


@dataclass(frozen=True, slots=True)
class Upstream:
    """The address of one worker and the key that it wants."""

    session: aiohttp.ClientSession
    url: str
    api_key: str

    async def render(self, messages: Sequence[dict[str, str]]) -> str:
        """Return the messages in the form that the model was trained on."""
        return str((await self._ask("/apply-template", {"messages": list(messages)}))["prompt"])

    async def tokens(self, text: str) -> list[int]:
        """Return the token ids of a rendered prompt."""
        body = {"content": text, "add_special": True, "parse_special": True}
        return list((await self._ask("/tokenize", body))["tokens"])

    async def embed(self, inputs: Sequence[Sequence[int]]) -> list[list[float]]:
        """Return one vector of length 1 for each list of tokens."""
        reply = await self._ask("/v1/embeddings", {"input": [list(ids) for ids in inputs]})
        rows = sorted(reply["data"], key=lambda row: int(row["index"]))
        return [row["embedding"] for row in rows]

    async def complete(self, body: Event) -> AsyncGenerator[Event, None]:
        """Yield what the model generates, token by token; closing this stops the model."""
        async with self._post("/completion", {**body, "stream": True}) as reply:
            splitter = EventSplitter()
            async for block in reply.content.iter_any():
                for event in splitter.feed(block):
                    if "error" in event:
                        raise _failure(reply.status, event)
                    yield event

    async def _ask(self, path: str, body: Event) -> Event:
        async with self._post(path, body) as reply:
            return dict(await reply.json())

    @asynccontextmanager
    async def _post(self, path: str, body: Event) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            async with self.session.post(self.url + path, json=body, headers=headers) as reply:
                if reply.status != 200:
                    raise _failure(reply.status, _loads(await reply.read()))
                yield reply
        except aiohttp.ClientError as error:
            raise WorkerGone(f"the model's process went away ({error})") from error


class EventSplitter:
    """Cut a stream of server-sent events into JSON objects, whatever the chunks.

    The last event repeats the whole prompt, which is longer than a line reader's usual limit.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, block: bytes) -> list[Event]:
        """Return the events that are complete now."""
        *whole, self._rest = (self._rest + block).split(b"\n\n")
        return [_event(text) for text in map(bytes.strip, whole) if not _is_filler(text)]


def _is_filler(text: bytes) -> bool:
    """Tell whether it is a comment (":", sent while a prompt is read) or the end mark."""
    return not text or text.startswith(b":") or text == b"data: [DONE]"


def _event(text: bytes) -> Event:
    kind, _, data = text.partition(b":")
    value = _loads(data)
    return value if kind == b"data" or "error" in value else {"error": value}


def _loads(data: bytes) -> Event:
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    return {"error": {"message": data.decode(errors="replace") or "no reason given"}}


def _failure(status: int, reply: Event) -> EmbeddedError:
    """Turn llama.cpp's error object into ours: a 400 is the caller's, the rest the engine's."""
    detail = reply.get("error", reply)
    message = detail.get("message", detail) if isinstance(detail, dict) else detail
    code = detail.get("code", status) if isinstance(detail, dict) else status
    return BadRequest(str(message)) if code == 400 else EngineFailed(str(message))
