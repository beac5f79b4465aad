"""What the gateway's tests share: values with sensible defaults, a way to collect a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import aiohttp

from hal.errors import ProviderError
from hal.gateway.egress import Egress
from hal.gateway.ports import Call
from hal.gateway.providers.ollama import OllamaProvider
from hal.gateway.providers.openai import OpenAiProvider
from hal.gateway.providers.xai import XaiProvider
from hal.settings import CloudSettings, LocalSettings
from hal.settings_reader import read_environment
from hal.types import Message, Plan, ProviderChunk, Request, Route, Target, Text
from tests.servers import (
    KEY,
    Exchange,
    RecordedRequest,
    Script,
    Status,
    XaiModel,
    XaiServer,
)
from tests.servers.play import reply

T = TypeVar("T")

LOCAL = Target("ollama", "nemotron-3-nano:30b", False, 8192, can_think=True)
CLOUD = Target("xai", "grok-4.3", True, 1_000_000, can_see=True)
HOSTED = Target("openai", "nano-30b", False, 8192, can_think=True)
DEFAULTS = read_environment({"HOME": "/nowhere"})


def ask(target: Target, text: str = "hello", **changes: Any) -> Request:
    return replace(Request(target, (Message("user", text),)), **changes)


def call(*targets: Target) -> Call:
    return Call("call-1", "turn-1", "answer", Plan(targets, Route.COMPLEX))


def local_settings(url: str, **changes: Any) -> LocalSettings:
    return replace(DEFAULTS.local, base_url=url, **changes)


def cloud_settings(url: str, **changes: Any) -> CloudSettings:
    return replace(DEFAULTS.cloud, **({"base_url": url, "api_key": KEY} | changes))


@dataclass
class Log:
    """An EgressLog that keeps its rows; `before` runs first and may raise or wait."""

    rows: list[Mapping[str, object]] = field(default_factory=list)
    bodies: list[str | None] = field(default_factory=list)
    before: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def write_egress(self, row: Mapping[str, object], body: str | None) -> None:
        if self.before is not None:
            await self.before()
        self.rows.append(row)
        self.bodies.append(body)


class OpenAiServer(XaiServer):
    """What vLLM, llama.cpp's server and LM Studio have in common: no key, or one password.

    `authorization`: the header that lets in; None lets in whoever sends none.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[XaiModel] = (XaiModel("nano-30b", 8192, reasoning=False),),
        authorization: str | None = None,
    ) -> None:
        super().__init__(*scripts, models=models, error_shape="plain")
        self.authorization = authorization

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        if request.headers.get("authorization") != self.authorization:
            status = self._error(401, f"Unauthorized: {request.headers.get('authorization')}")
        elif (request.method, request.path) == ("POST", "/v1/chat/completions"):
            await self._chat(request.json, exchange)
            return
        elif (request.method, request.path) == ("GET", "/v1/models"):
            status = Status(200, {"object": "list", "data": self._listing()})
        else:
            status = Status(404, {"detail": "Not Found"})
        await reply(exchange, status)


@asynccontextmanager
async def openai_at(
    url: str, gap_s: float = 5.0, **changes: Any
) -> AsyncIterator[Callable[..., AsyncIterator[ProviderChunk]]]:
    """`stream(request)` of a provider; a target without a host is on this server."""
    async with aiohttp.ClientSession() as http:
        provider = OpenAiProvider(http, replace(DEFAULTS.local, **changes), gap_s)

        def stream(request: Request) -> AsyncIterator[ProviderChunk]:
            target = replace(request.target, host=request.target.host or url)
            return provider.stream(replace(request, target=target), call(target))

        yield stream


@asynccontextmanager
async def ollama_at(
    url: str, gap_s: float = 5.0, **changes: Any
) -> AsyncIterator[Callable[..., AsyncIterator[ProviderChunk]]]:
    """`stream(request)` of a provider on this server."""
    async with aiohttp.ClientSession() as http:
        provider = OllamaProvider(http, local_settings(url, **changes), gap_s)
        yield lambda request: provider.stream(request, call(request.target))


@asynccontextmanager
async def xai_at(
    url: str, gap_s: float = 5.0, log: Log | None = None, **changes: Any
) -> AsyncIterator[Callable[..., AsyncIterator[ProviderChunk]]]:
    """`stream(request)` of a provider on this server."""
    async with aiohttp.ClientSession() as http:
        egress = Egress(http, log or Log())
        provider = XaiProvider(egress, cloud_settings(url, **changes), gap_s)
        yield lambda request: provider.stream(request, call(request.target))


OPEN = {"ollama": (ollama_at, LOCAL), "xai": (xai_at, CLOUD), "openai": (openai_at, HOSTED)}


def address(server: Any) -> str:
    return getattr(server, "base_url", server.url)


def answer(kind: str, url: str, request: Request | None = None, **options: Any) -> list[Any]:
    """All chunks of one answer. When it fails, the error is the last item."""
    opener, target = OPEN[kind]

    async def collect() -> list[Any]:
        found: list[Any] = []
        async with opener(url, **options) as stream:
            try:
                async for chunk in stream(request or ask(target)):
                    found.append(chunk)  # noqa: PERF401 - what came before an error is kept
            except ProviderError as error:
                found.append(error)
        return found

    return run(collect())


def failure(kind: str, url: str, request: Request | None = None, **options: Any) -> ProviderError:
    last = answer(kind, url, request, **options)[-1]
    assert isinstance(last, ProviderError), last
    return last


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, Text))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a fresh loop, ten seconds at most."""

    async def limited() -> T:
        async with asyncio.timeout(10):
            return await work

    return asyncio.run(limited())
