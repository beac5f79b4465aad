"""/metrics on the server: for its own network, and only while there are metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hal import asgi
from hal.asgi import Layer, Page, Receive, Scope, Send
from hal.manifold import Manifold
from hal.runtime import Runtime
from hal.settings_reader import read_environment
from tests.core.things import run
from tests.servers import refused_url

PAGE = Page(200, "text/plain", b"hal_turns_total 1\n")
SERVER = b"the server's own"


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": SERVER})


def get(page: Page | None, asked: list[tuple[str, str]] | None = None, **scope: Any) -> list[Any]:
    """What the client of one request is sent."""

    async def metrics(peer: str, accept: str) -> Page | None:
        if asked is not None:
            asked.append((peer, accept))
        return page

    async def work() -> list[Any]:
        sent: list[Any] = []

        async def send(event: asgi.Event) -> None:
            sent.append(event)

        async def receive() -> asgi.Event:
            return {"type": "http.disconnect"}

        values = {"type": "http", "method": "GET", "path": "/metrics", "client": ("10.0.0.7", 4)}
        layer = Layer(inner, metrics=metrics)
        await asyncio.create_task(layer({**values, **scope}, receive, send))
        return sent

    return run(work())


def test_the_page() -> None:
    asked: list[tuple[str, str]] = []
    start, body = get(PAGE, asked, headers=[(b"Accept", b"text/plain")])
    assert asked == [("10.0.0.7", "text/plain")]
    assert (start["status"], body["body"]) == (200, PAGE.body)
    assert dict(start["headers"]) == {b"content-type": b"text/plain", b"content-length": b"18"}


OTHERS = [
    pytest.param(None, {}, id="off"),
    pytest.param(PAGE, {"path": "/v1/metrics"}, id="another path"),
    pytest.param(PAGE, {"method": "POST"}, id="another method"),
    pytest.param(PAGE, {"type": "websocket"}, id="a websocket"),
]


@pytest.mark.parametrize(("page", "scope"), OTHERS)
def test_what_is_left_to_the_server(page: Page | None, scope: dict[str, Any]) -> None:
    assert get(page, **scope)[-1]["body"] == SERVER


@pytest.mark.parametrize("client", [None, ("", 0)])
def test_a_peer_that_nobody_knows(client: object) -> None:
    asked: list[tuple[str, str]] = []
    get(PAGE, asked, client=client)
    assert asked == [("", "")]


@pytest.fixture
def manifold(tmp_path: Path) -> Iterator[Manifold]:
    pytest.importorskip("prometheus_client", reason="the extra `metrics` is not installed")
    environ = {"HOME": str(tmp_path), "HAL_DATA_DIR": str(tmp_path), "HAL_METRICS": "true"}
    runtime = Runtime(read_environment({**environ, "HAL_OLLAMA_BASE_URL": refused_url()}))
    runtime.start()
    face = Manifold()
    face._runtime = runtime
    yield face
    runtime.retire()
    assert runtime.join(10)


PEERS = [
    ("127.0.0.1", 200),
    ("::1", 200),
    ("192.168.1.20", 200),
    ("172.18.0.3", 200),
    ("100.64.0.9", 200),
    ("::ffff:10.0.0.7", 200),
    ("8.8.8.8", 403),
    ("2600::1", 403),
    ("::ffff:8.8.8.8", 403),
    ("", 403),
]


@pytest.mark.parametrize(("peer", "status"), PEERS)
def test_who_may_see_them(manifold: Manifold, peer: str, status: int) -> None:
    page = run(manifold.metrics(peer, ""))
    assert page is not None
    assert page.status == status
    assert (b"hal_turns_running" in page.body) is (status == 200)


def test_before_the_start_and_after_the_end_there_are_none() -> None:
    assert run(Manifold().metrics("127.0.0.1", "")) is None


def test_a_runtime_that_has_ended_says_so(manifold: Manifold) -> None:
    runtime = manifold._runtime
    assert runtime is not None
    runtime.retire()
    assert runtime.join(10)
    assert run(manifold.metrics("127.0.0.1", "")) is None
