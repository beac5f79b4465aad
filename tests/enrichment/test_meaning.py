"""Passages by meaning: one call within its deadline, and a word for everything that goes wrong.

With the client that the services use, over the scripted Ollama.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ollama
import pytest

from hal.enrichment.meaning import DEADLINE_S, USED, PassageMeaning
from hal.errors import ConnectionRefused, HalError, ModelMissing, Unreachable
from hal.gateway.providers.ollama_models import LocalModels
from hal.policies import embedder
from tests.core.things import DEFAULTS, run
from tests.servers import OllamaServer
from tests.servers.ollama_models import OllamaModel

MINILM = OllamaModel("all-minilm:latest", capabilities=("embedding",))
TEXTS = ("ships passed the lighthouse", "bread and butter", "the lighthouse keeper")
# Whoever waited for this would not come back.
NEVER_S = 3600.0


async def asked(server: OllamaServer, texts: Sequence[str] = TEXTS, **options: Any) -> Any:
    async with ollama.AsyncClient(server.url, timeout=5, trust_env=False) as client:
        embed = embedder(DEFAULTS, LocalModels(client))
        return await PassageMeaning(embed, **options).nearness("the lighthouse", texts, 5.0)


def test_one_call_compares_them_all() -> None:
    with OllamaServer(models=[MINILM]) as server:
        near, word = run(asked(server))
        (request,) = server.asked("/api/embed")
    assert word == USED
    assert sorted(near, key=lambda text: -near[text]) == [TEXTS[2], TEXTS[0], TEXTS[1]]
    assert all(-1.001 <= one <= 1.001 for one in near.values())
    assert request.json["input"] == ["the lighthouse", *TEXTS]
    assert request.json["model"] == DEFAULTS.cache.embedding_model


def test_nothing_to_compare_is_no_call() -> None:
    with OllamaServer(models=[MINILM]) as server:
        assert run(asked(server, ())) == ({}, USED)
        assert server.asked("/api/embed") == []


def test_a_model_that_is_missing_is_a_word() -> None:
    with OllamaServer(models=[]) as server:
        near, word = run(asked(server))
    assert (near, word) == ({}, ModelMissing.code)


def test_so_is_a_server_that_is_not_there() -> None:
    with OllamaServer() as server:
        server.stop()
        assert run(asked(server)) == ({}, ConnectionRefused.code)
        server.start()


BAD: dict[str, Any] = {
    "too few": ([[1.0, 0.0]] * 2, "no_vector"),
    "other dimensions": ([[1.0, 0.0], [1.0, 0.0], [1.0], [0.0, 1.0]], "no_vector"),
    "no direction": ([[0.0, 0.0]] * 4, "no_vector"),
    "no number": ([[float("nan"), 1.0]] * 4, "no_vector"),
    "no vectors": (["x"] * 4, "no_vector"),
    "an error of the model": (Unreachable("gone"), Unreachable.code),
    "a mistake of ours": (KeyError("a secret"), "internal"),
}


@pytest.mark.parametrize(("reply", "word"), BAD.values(), ids=BAD)
def test_a_bad_reply_is_a_word(reply: Any, word: str) -> None:
    async def embed(texts: Sequence[str]) -> Any:
        if isinstance(reply, Exception):
            raise reply
        return reply

    assert run(PassageMeaning(embed).nearness("q", TEXTS, 5.0)) == ({}, word)


class Slow:
    """An embedding that comes when it is told to."""

    def __init__(self) -> None:
        self.go, self.ended = asyncio.Event(), list[str]()
        self.calls = 0

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.calls += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")
        return [[1.0, 0.0] for _ in texts]


def test_who_is_late_is_not_waited_for_and_loads_the_model_all_the_same() -> None:
    async def work() -> None:
        embed = Slow()
        meaning = PassageMeaning(embed, deadline_s=0.05)
        assert await meaning.nearness("q", TEXTS, NEVER_S) == ({}, "timeout")
        assert await meaning.nearness("q", TEXTS, NEVER_S) == ({}, "busy")
        assert (embed.calls, embed.ended) == (1, [])
        embed.go.set()
        await asyncio.sleep(0.01)
        assert embed.ended == ["done"]
        near, word = await meaning.nearness("q", TEXTS, NEVER_S)
        assert (len(near), word) == (3, USED)

    run(work())
    assert DEADLINE_S <= 1.5


def test_the_end_of_the_search_is_the_end_of_this() -> None:
    async def work() -> None:
        meaning = PassageMeaning(Slow(), deadline_s=NEVER_S)
        assert await meaning.nearness("q", TEXTS, 0.0) == ({}, "timeout")
        meaning.close()

    run(work())


@pytest.mark.parametrize("how", ["stop", "close"])
def test_stop_and_a_change_of_settings_end_the_call(how: str) -> None:
    async def work() -> None:
        embed = Slow()
        meaning = PassageMeaning(embed, deadline_s=NEVER_S)
        waiting = asyncio.create_task(meaning.nearness("q", TEXTS, NEVER_S))
        while not embed.calls:
            await asyncio.sleep(0)
        if how == "stop":
            waiting.cancel()
        else:
            meaning.close()
        (result,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(result, asyncio.CancelledError) or result == ({}, "busy")
        await asyncio.sleep(0.01)
        assert embed.ended == ["cancelled"]

    run(work())


def test_no_text_is_in_an_error() -> None:
    """What is compared is as private as the pages and the question."""

    async def embed(texts: Sequence[str]) -> Any:
        raise HalError(f"cannot: {texts}")

    assert run(PassageMeaning(embed).nearness("secret", TEXTS, 5.0)) == ({}, "failed")


def test_the_model_is_the_one_of_the_cache() -> None:
    other = replace(DEFAULTS, cache=replace(DEFAULTS.cache, embedding_model="other:latest"))

    async def work(server: OllamaServer) -> None:
        async with ollama.AsyncClient(server.url, timeout=5, trust_env=False) as client:
            await PassageMeaning(embedder(other, LocalModels(client))).nearness("q", TEXTS, 5.0)

    with OllamaServer(models=[OllamaModel("other:latest")]) as server:
        run(work(server))
        assert [request.json["model"] for request in server.asked("/api/embed")] == ["other:latest"]
