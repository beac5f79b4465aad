"""What Open WebUI asks of a Pipelines server: models, inlet, chat, outlet, valves, reload.

Works against any running server; starts none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import requests

from .openwebui import USER, WebUITurn
from .sse import Answer, Json

TIMEOUT_S = 30.0
API_KEY = "0p3n-w3bu!"


class PipelinesClient:
    """A Pipelines server at `url`, and the one model of it that is talked to."""

    def __init__(self, url: str, model: str = "hal.auto", api_key: str = API_KEY) -> None:
        self.url = url
        self.model = model
        self.api_key = api_key

    @property
    def pipeline_id(self) -> str:
        """The id under which the valves are found: the model's name up to the first dot."""
        return self.model.split(".")[0]

    def models(self) -> list[Json]:
        """The entries of the model list."""
        data: list[Json] = self._json("GET", "/models")["data"]
        return data

    def inlet(self, body: Json, metadata: Json | None = None) -> Json:
        """Post the body with its metadata to the inlet hook; returns what the hook made of it."""
        full = body | ({"metadata": metadata} if metadata is not None else {})
        path = f"/{self.model}/filter/inlet"
        result: Json = self._json("POST", path, {"user": USER, "body": full})
        return result

    def outlet(self, messages: Sequence[Json], metadata: Json) -> Json:
        """Post a finished chat to the outlet hook, as Open WebUI does after each chat turn."""
        body = {"model": self.model, "messages": list(messages), "filter_ids": []}
        body |= {"chat_id": metadata["chat_id"], "session_id": metadata["session_id"]}
        body |= {"id": metadata["message_id"]}
        path = f"/{self.model}/filter/outlet"
        result: Json = self._json("POST", path, {"user": USER, "body": body})
        return result

    def prepare(
        self,
        messages: Sequence[Json],
        stream: bool = True,
        metadata: Json | None = None,
        **extra: Any,
    ) -> Json:
        """The body for /chat/completions: through the inlet when there is metadata."""
        body: Json = {"stream": stream, "model": self.model, "messages": list(messages), **extra}
        if metadata is None:
            return body
        body = self.inlet(body, metadata)
        body.pop("metadata", None)
        return body | {"user": USER}

    def stream(
        self, messages: Sequence[Json], metadata: Json | None = None, **extra: Any
    ) -> Stream:
        """Start a streamed turn; the caller reads it, or closes it early (Stop)."""
        return self.open(self.prepare(messages, True, metadata, **extra))

    def open(self, body: Json) -> Stream:
        """Post a prepared body, streamed."""
        return Stream(f"{self.url}/chat/completions", body, self._headers)

    def chat(
        self,
        messages: Sequence[Json],
        stream: bool = True,
        metadata: Json | None = None,
        **extra: Any,
    ) -> Answer:
        """One whole turn, streamed or not."""
        body = self.prepare(messages, stream, metadata, **extra)
        if stream:
            with self.open(body) as running:
                return running.rest()
        answer = Answer()
        reply = self._request("POST", "/chat/completions", body)
        answer.status, answer.raw = reply.status_code, reply.content
        if reply.ok:
            answer.take_completion(reply.json())
        return answer

    def send(self, turn: WebUITurn) -> Answer:
        """One whole turn, made by `openwebui`."""
        return self.chat(turn.messages, turn.stream, turn.metadata, **turn.extra)

    def start_turn(self, turn: WebUITurn) -> Stream:
        """As `send`, but streamed and left to the caller."""
        return self.stream(turn.messages, turn.metadata, **turn.extra)

    def many(self, bodies: Iterable[Json]) -> list[Answer]:
        """Stream all prepared bodies at the same time; the answers in the same order."""
        return asyncio.run(stream_all(f"{self.url}/chat/completions", bodies, self._headers))

    def valves(self) -> Json:
        """The valves as stored, in clear: the server asks nobody for a key."""
        valves: Json = self._json("GET", f"/{self.pipeline_id}/valves")
        return valves

    def update_valves(self, changes: Json) -> Json:
        """Change some valves, as the admin panel does: it posts the full set."""
        return self.post_valves(self.valves() | changes)

    def post_valves(self, full: Json) -> Json:
        """Replace all valves; those left out go to their defaults."""
        valves: Json = self._json("POST", f"/{self.pipeline_id}/valves/update", full)
        return valves

    def reload(self) -> None:
        """Reload all pipelines from disk."""
        self._json("POST", "/pipelines/reload")

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def _request(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.url}{path}"
        return requests.request(method, url, json=body, headers=self._headers, timeout=TIMEOUT_S)

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        reply = self._request(method, path, body)
        if not reply.ok:
            raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text[:2000]}")
        return reply.json()


class Stream:
    """A streamed turn in progress. `answer` holds what has come so far.

    Its attributes are also the stream's own: `stream.text` is `stream.answer.text`.
    """

    def __init__(self, url: str, body: Json, headers: Mapping[str, str]) -> None:
        self.answer = Answer()
        self._session = requests.Session()
        self._reply = self._session.post(
            url, json=body, headers=headers, stream=True, timeout=TIMEOUT_S
        )
        self.answer.status = self._reply.status_code
        self._pieces = self._reply.iter_content(chunk_size=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.answer, name)

    def __iter__(self) -> Iterator[Answer]:
        """Yield the answer after each piece from the network."""
        try:
            for piece in self._pieces:
                self.answer.feed(piece)
                yield self.answer
        except requests.exceptions.ChunkedEncodingError:
            self.answer.cut = True
        self.answer.finish()

    def until(self, condition: Callable[[Answer], object]) -> Answer:
        """Read on until the condition holds; EOFError when the answer ends before."""
        if condition(self.answer):
            return self.answer
        for answer in self:
            if condition(answer):
                return answer
        raise EOFError(f"the answer ended before: {self.answer.raw[-2000:]!r}")

    def rest(self) -> Answer:
        """Read to the end."""
        for _ in self:
            pass
        return self.answer

    def close(self) -> None:
        """Leave: what the Stop button does, or the end of the `with`."""
        self._reply.close()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


async def stream_all(url: str, bodies: Iterable[Json], headers: Mapping[str, str]) -> list[Answer]:
    """Stream every body at the same time, each on a connection of its own."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=2 * TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=headers
    ) as session:
        return await asyncio.gather(*(_stream_one(session, url, body) for body in bodies))


async def _stream_one(session: aiohttp.ClientSession, url: str, body: Json) -> Answer:
    answer = Answer()
    try:
        async with session.post(url, json=body) as reply:
            answer.status = reply.status
            async for piece in reply.content.iter_any():
                answer.feed(piece)
    except aiohttp.ClientPayloadError:
        answer.cut = True
    answer.finish()
    return answer
