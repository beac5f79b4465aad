"""What was searched a moment ago is not searched again; who fails is left alone for a minute."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hal.enrichment.memory import KEPT_S, PAUSE_S, SearchMemory
from hal.enrichment.types import Freshness, Hit, Results
from tests.core.things import Clock, run
from tests.servers.script import Status
from tests.servers.searxng import SearxngServer, page

from .searching import CALL, CHESS, asked, client, found


@pytest.mark.parametrize("trouble", ["hang", "failed", "limited", "stall"])
def test_after_three_failures_it_is_left_alone_for_a_minute(trouble: str) -> None:
    clock = Clock()

    async def work(server: SearxngServer) -> None:
        options = {"timeout_s": 0.1, "clock": clock}
        async with client(server.url, **options) as searxng:
            for _ in range(3):
                await searxng.search(asked("a", "b"), CALL)
            count = len(server.requests)
            assert count == 6
            (paused,) = await searxng.search(asked(), CALL)
            assert f"; it is asked again in {PAUSE_S:g} s" in paused.trouble
            assert len(server.requests) == count
            clock.now += PAUSE_S
            server.always = None
            assert (await searxng.search(asked(), CALL))[0].hits
            assert (await searxng.search(asked("rules"), CALL))[0].trouble.startswith("the search")

    with SearxngServer(*CHESS) as server:
        server.always = trouble
        run(work(server))


@pytest.mark.parametrize("trouble", ["json off", "a web page", "engines", "no hits", "no json"])
def test_what_is_set_wrong_is_asked_every_time(trouble: str) -> None:
    with SearxngServer(*CHESS) as server:
        server.always = trouble
        results = found(server.url, *[asked()] * 5)
        assert len(server.requests) == 5
    assert not any("asked again" in result.trouble for result in results)


def test_one_good_answer_of_two_is_no_failure() -> None:
    with SearxngServer(*CHESS) as server:
        server.planned = ["failed", Status(200, page("x", []))] * 4
        results = found(server.url, *[asked("a", "b")] * 4)
        assert len(server.requests) == 8
    assert not any("asked again" in result.trouble for result in results)


def test_a_turn_that_is_stopped_says_nothing_about_the_server() -> None:
    clock = Clock()

    async def work(server: SearxngServer) -> None:
        async with client(server.url, clock=clock, timeout_s=5.0) as searxng:
            for _ in range(4):
                task = asyncio.create_task(searxng.search(asked(), CALL))
                await asyncio.to_thread(server.wait_for_request)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(server.wait_for_abort)
                server.forget()
            server.always = None
            assert (await searxng.search(asked(), CALL))[0].hits

    with SearxngServer(*CHESS) as server:
        server.always = "hang"
        run(work(server))


# --- what was searched a moment ago -------------------------------------------------------------


def test_the_same_search_is_made_once_in_ten_minutes() -> None:
    clock = Clock()

    async def work(server: SearxngServer) -> None:
        async with client(server.url, clock=clock) as searxng:
            (first,) = await searxng.search(asked("chess"), CALL)
            clock.now += KEPT_S - 1
            second, other = await searxng.search(asked("Chess", "chess 1"), CALL)
            assert second == replace(first, cached=True, took_ms=0.0)
            assert not other.cached
            await searxng.search(asked("chess", freshness=Freshness.YEAR), CALL)
            assert len(server.requests) == 3
            clock.now += 1
            assert not (await searxng.search(asked("chess"), CALL))[0].cached
            assert len(server.requests) == 4

    with SearxngServer(*CHESS) as server:
        run(work(server))


def test_failures_are_not_kept() -> None:
    with SearxngServer(*CHESS) as server:
        server.planned = ["failed", "no hits"]
        results = found(server.url, asked(), asked(), asked())
    assert [len(result.hits) for result in results] == [0, 0, 5]


def test_the_memory_is_bounded() -> None:
    memory, hit = SearchMemory(Clock(), limit=3), Hit("http://a.test", "", "", 1)
    keys = [(str(number), Freshness.ANY, "") for number in range(4)]
    for key in keys[:3]:
        memory.put(key, Results(key[0], (hit,)))
    assert memory.get(keys[0])  # used, so that the second is the oldest
    memory.put(keys[3], Results("3", (hit,)))
    assert len(memory) == 3
    assert memory.get(keys[1]) is None
    assert memory.get(keys[0])
