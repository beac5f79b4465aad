"""All pages at once; on as soon as enough are good, never after the deadline; and the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment import pages
from hal.enrichment.extract import Extractor
from hal.enrichment.pages import PageReader
from hal.enrichment.reading import (
    BEST,
    FEW,
    GOOD_CHARS,
    KEPT_S,
    Limits,
    PageCache,
    is_good,
    read_pages,
)
from hal.enrichment.targets import Permitted
from hal.enrichment.types import Page
from hal.gateway.egress import Egress
from hal.gateway.ports import Call
from hal.types import Plan, Route
from tests.gateway.helpers import Log
from tests.servers.web import Names, WebServer, endless, head, page, redirect, wire

T = TypeVar("T")

CALL = Call("call-1", "turn-1", "page", Plan((), Route.ENRICH, enrich=True))
GOOD = "A sentence about mills. " * 20
# In tests of what is not waited for: whoever waited for it would not come back.
NEVER_S = 3600.0


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30.0))


def url(name: str) -> str:
    return f"https://{name}.example/"


@dataclass
class Shelf:
    """Reads what it is told: a text at once, after so many seconds, or an error."""

    texts: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def read(self, asked: str, call: Call) -> Page:
        self.asked.append(asked)
        what = self.texts.get(asked, GOOD)
        if isinstance(what, Exception):
            raise what
        try:
            if isinstance(what, float):
                await asyncio.sleep(what)
        except asyncio.CancelledError:
            self.cancelled.append(asked)
            raise
        text = GOOD if isinstance(what, float) else str(what)
        return Page(asked, asked, text, reason="" if text else "no_text", wire_bytes=1)


def test_all_are_read_in_the_order_in_which_they_were_asked_for() -> None:
    urls = [url(name) for name in "abc"]
    shelf = Shelf({urls[0]: 0.05})
    found = run(read_pages(urls, shelf, CALL))
    assert [page.asked_url for page in found] == urls == shelf.asked
    assert all(is_good(page) for page in found)


# Nobody goes on with a few good ones.
FOUR = Limits(few=99)


def test_enough_good_ones_are_not_kept_waiting() -> None:
    urls = [url(name) for name in "abcdef"]
    shelf = Shelf({urls[0]: NEVER_S, urls[4]: NEVER_S})
    limits = replace(FOUR, patience_s=0.05)
    found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=NEVER_S))
    assert [page.reason for page in found] == ["late", "", "", "", "late", ""]
    assert shelf.cancelled == [urls[0], urls[4]]


def test_a_better_page_may_overtake_while_there_is_patience() -> None:
    urls = [url(name) for name in "abcde"]
    shelf = Shelf({urls[0]: 0.1})
    limits = replace(FOUR, patience_s=5.0)
    found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=NEVER_S))
    assert all(is_good(page) for page in found)


@pytest.mark.parametrize("text", ["", "too short"])
def test_what_is_not_good_does_not_count(text: str) -> None:
    urls = [url(name) for name in "abcde"]
    shelf = Shelf({urls[1]: text, urls[4]: 0.2})
    limits = replace(FOUR, patience_s=0.01)
    found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=NEVER_S))
    assert [is_good(page) for page in found] == [True, False, True, True, True]


def test_a_few_will_do_when_one_of_the_best_is_among_them() -> None:
    urls = [url(name) for name in "abcdef"]
    hanging = [urls[at] for at in (0, 2, 5)]
    shelf = Shelf(dict.fromkeys(hanging, NEVER_S))
    assert (FEW, BEST) == (3, 3)
    limits = Limits(patience_s=NEVER_S, few_patience_s=0.0, grace_s=0.05)
    found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=NEVER_S))
    assert [page.reason for page in found] == ["late", "", "late", "", "", "late"]


def test_a_fourth_that_is_nearly_there_is_let_in() -> None:
    urls = [url(name) for name in "abcd"]
    for patience_s, grace_s in ((0.0, 5.0), (5.0, 0.0)):
        limits = Limits(few_patience_s=patience_s, grace_s=grace_s)
        shelf = Shelf({urls[3]: 0.05})
        found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=NEVER_S))
        assert all(is_good(page) for page in found)


@pytest.mark.parametrize("count", [3, 4], ids=["three others", "four others"])
def test_a_few_others_are_not_enough(count: int) -> None:
    """Without one of the best results it takes four good ones, or the deadline."""
    urls = [url(name) for name in "abcdefg"]
    hanging = [*urls[:BEST], *urls[BEST + count :]]
    shelf = Shelf(dict.fromkeys(hanging, NEVER_S))
    limits = Limits(patience_s=0.3, few_patience_s=0.0, grace_s=0.0)
    found = run(read_pages(urls, shelf, CALL, limits=limits, deadline_s=0.6))
    reason = "late" if count == 4 else "deadline"
    assert [page.reason for page in found if page.reason] == [reason] * len(hanging)


def test_the_deadline_holds_whatever_hangs() -> None:
    urls = [url(name) for name in "abc"]
    shelf = Shelf(dict.fromkeys(urls[1:], NEVER_S))
    found = run(read_pages(urls, shelf, CALL, deadline_s=0.1))
    assert [page.reason for page in found] == ["", "deadline", "deadline"]
    assert found[1].took_ms >= 100


def test_a_mistake_of_ours_costs_one_page(caplog: pytest.LogCaptureFixture) -> None:
    urls = [url(name) for name in "abc"]
    found = run(read_pages(urls, Shelf({urls[1]: ValueError("ours")}), CALL))
    assert [is_good(page) for page in found] == [True, False, True]
    assert "ours" in caplog.text


def test_no_url_is_no_page() -> None:
    assert run(read_pages([], Shelf(), CALL)) == []


def test_a_turn_that_is_stopped_stops_its_reading() -> None:
    shelf = Shelf({url("a"): NEVER_S})

    async def work() -> None:
        reading = asyncio.create_task(read_pages([url("a")], shelf, CALL))
        while not shelf.asked:
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    run(work())
    assert shelf.cancelled == [url("a")]


def test_and_leaves_a_trace_of_what_had_come() -> None:
    """Also in the cache: whoever asks again finds it there."""
    shelf, came, cache = Shelf({url("b"): NEVER_S}), list[Page](), PageCache(lambda: 0.0)
    cache.keep(Page(url("c"), url("c"), GOOD))

    async def work() -> None:
        urls = [url(name) for name in "abc"]
        reading = asyncio.create_task(
            read_pages(urls, shelf, CALL, cache=cache, came=came.append, deadline_s=NEVER_S)
        )
        while len(came) < 2:
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    run(work())
    assert sorted(page.asked_url for page in came) == [url("a"), url("c")]
    assert cache.find(url("a")) is not None


def test_what_was_read_is_not_asked_for_again() -> None:
    now = [0.0]
    cache, shelf = PageCache(lambda: now[0]), Shelf({url("b"): ""})
    urls = [url("a"), url("b")]
    for _ in range(2):
        found = run(read_pages(urls, shelf, CALL, cache=cache))
        assert found[0].text == GOOD
    assert shelf.asked == [*urls, url("b")]  # a failure is worth another try
    now[0] = KEPT_S + 1
    run(read_pages(urls[:1], shelf, CALL, cache=cache))
    assert shelf.asked[-1] == url("a")


def test_one_page_has_many_spellings() -> None:
    cache = PageCache(lambda: 0.0)
    cache.keep(Page("https://www.a.example/x/?utm_source=y#z", "https://a.example/x", GOOD))
    found = cache.find("https://A.example/x")
    assert found is not None
    assert (found.asked_url, found.url, found.text) == (
        "https://A.example/x",
        "https://a.example/x",
        GOOD,
    )
    assert cache.find("https://a.example/x?page=2") is None


def test_the_longest_unused_one_goes_first() -> None:
    cache = PageCache(lambda: 0.0, kept_bytes=3000)
    for name in "abcdef":
        cache.keep(Page(url(name), url(name), GOOD))
        assert cache.find(url("a")) is not None  # in use
    assert cache.find(url("b")) is None
    assert cache.find(url("f")) is not None


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000)), max_size=40))
def test_the_cache_never_grows_beyond_its_size(keeps: list[tuple[str, int]]) -> None:
    cache = PageCache(lambda: 0.0, kept_bytes=5000)
    for name, size in keeps:
        cache.keep(Page(url(name), url(name), "ä" * size))
        assert cache.bytes <= 5000
        found = cache.find(url(name))
        assert found is None or len(found.text) >= GOOD_CHARS
    for name in "abcdefgh":
        cache.keep(replace(Page(url(name), url(name), "x" * 9000)))
    assert cache.bytes >= 0
    assert (cache.bytes == 0) == (len(cache) == 0)


@pytest.mark.parametrize(
    ("paths", "limits", "reasons"),
    [
        (
            ["/silent", "/stuck", "/drip", "/loop"],
            {"deadline_s": 1.0},
            ["deadline", "deadline", "deadline", "redirects"],
        ),
        (
            ["/silent", "/stuck", "/good", "/drip"],
            {"limits": Limits(want=1, patience_s=0.0), "deadline_s": NEVER_S},
            ["late", "late", "", "late"],
        ),
    ],
    ids=["nothing else", "one good page"],
)
def test_a_web_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, paths: list[str], limits: dict[str, Any], reasons: list[str]
) -> None:
    """With the real reader, whose own limits are off."""
    monkeypatch.setattr(pages, "PAGE_S", NEVER_S)
    monkeypatch.setattr(pages, "_TIMEOUT", aiohttp.ClientTimeout(total=None))
    names = Names({"site.example": [["127.0.0.1"]]})

    async def work(port: int) -> list[Page]:
        permitted = Permitted(frozenset({("site.example", port)}))
        urls = [f"http://site.example:{port}{path}" for path in paths]
        extractor = Extractor(limit_s=20.0)
        async with aiohttp.ClientSession() as unused:
            egress = Egress(unused, Log())
            reader = PageReader(egress, extractor, permitted=permitted, lookup=names)
            try:
                return await read_pages(urls, reader, CALL, **limits)
            finally:
                await reader.close()
                await extractor.close()

    announced = head(content_length="100000")
    web = {
        "/silent": wire(stays_open=True),
        "/stuck": wire(announced, b"<p>", stays_open=True),
        "/drip": endless(b"a", announced, gap_s=0.05),
        "/loop": redirect("/loop"),
        "/good": page(),
    }
    with WebServer(web) as server:
        found = run(work(server.port))
    assert [page.reason for page in found] == reasons
