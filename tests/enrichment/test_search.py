"""SearXNG is asked as it wants to be, and whatever it does comes back as hits or as a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hal.enrichment.types import Freshness, Hit, Search
from hal.errors import EgressRefused
from hal.types import Plan
from tests.gateway.helpers import Log
from tests.servers import refused_url
from tests.servers.script import Status
from tests.servers.searxng import Entry, SearxngServer, page

from .searching import CALL, CHESS, QUICK_S, asked, found

# --- what is asked ------------------------------------------------------------------------------


def test_hits_as_they_stand_in_the_reply() -> None:
    entry = Entry("https://a.test/x?b=1#c", "A  title\x00", "text", published="2026-11-19T08:00:00")
    with SearxngServer(entry, *CHESS[1:3]) as server:
        (result,) = found(server.url, asked("title chess"))
    assert result.hits[0] == Hit(
        "https://a.test/x?b=1#c", "A title", "text", 1, "corpus", "2026-11-19"
    )
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    assert (result.query, result.trouble, result.relaxed) == ("title chess", "", False)
    assert result.took_ms > 0


def test_the_request_is_what_searxng_wants() -> None:
    with SearxngServer(*CHESS, packs=True) as server:
        (result,) = found(server.url, asked("chess & rules ä+", freshness=Freshness.YEAR))
        (request,) = server.requests
    assert len(result.hits) == 5
    assert server.queries == [
        {
            "q": "chess & rules ä+",
            "format": "json",
            "pageno": "1",
            "language": "all",
            "time_range": "year",
        }
    ]
    headers = request.headers
    assert "text/html" in headers["accept"]
    assert headers["accept"].startswith("application/json")
    assert headers["accept-language"]
    assert "gzip" in headers["accept-encoding"]
    agent = headers["user-agent"].lower()
    assert not [word for word in ("python", "aiohttp", "curl") if word in agent]
    assert not {"cookie", "referer", "authorization"} & {*headers}


def test_every_search_is_a_row_before_it_is_sent() -> None:
    log = Log()
    with SearxngServer(*CHESS) as server:
        found(server.url, asked("chess", "rules of chess"), log=log)
        host = server.url.removeprefix("http://")
    assert [(row["provider"], row["purpose"], row["host"]) for row in log.rows] == [
        ("searxng", "search", host)
    ] * 2


def test_a_password_in_the_address_is_for_the_server_alone() -> None:
    log = Log()
    with SearxngServer(*CHESS) as server:
        url = server.url.replace("http://", "http://me:pass%20word@")
        (result,) = found(f"{url}/", asked(), log=log, call=replace(CALL, keeps_content=True))
        assert result.hits
        assert server.requests[0].headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
        assert server.requests[0].path == "/search"
    (refused,) = found(refused_url().replace("http://", "http://me:secret@"), asked())
    assert "secret" not in refused.trouble
    assert "word" not in str(log)


def test_queries_go_at_the_same_time() -> None:
    with SearxngServer(*CHESS) as server:
        server.always = "hang"
        results = found(server.url, asked("a", "b"), timeout_s=QUICK_S)
        arrived = [request.arrived_at for request in server.requests]
    assert len(results) == 2
    assert arrived[1] - arrived[0] < QUICK_S  # the first had not been given up


def test_no_query_no_request() -> None:
    with SearxngServer(*CHESS) as server:
        assert found(server.url, Search(())) == []
        assert server.requests == []


# --- what goes wrong ----------------------------------------------------------------------------

PROBLEMS = {
    "json off": ("is off (403)", "formats: [html, json]"),
    "a web page": ("answers with a web page", "SEARXNG_URL"),
    "a redirect": ("sends us elsewhere (302)", "SEARXNG_URL"),
    "rejected": ('rejects the search (Invalid value "xx" for parameter language)', "version"),
    "limited": ("refuses us (429)", "limiter: false"),
    "locked": ("wants a password (401)", "name:password@host"),
    "another server": ("answers 404", "SEARXNG_URL"),
    "failed": ("failed (500)", "log"),
    "no json": ("no list of results", "SEARXNG_URL"),
    "no object": ("no list of results", "SEARXNG_URL"),
    "no list": ("no list of results", "SEARXNG_URL"),
    "lying gzip": ("no list of results", "SEARXNG_URL"),
    "engines": (
        "none of SearXNG's engines answered (google: too many requests, bing: timeout, qwant: x)",
        "other engines",
    ),
    "no hits": ("found nothing", "other words"),
    "too large": ("more than 2 MB", "SEARXNG_URL"),
    "a bomb": ("more than 2 MB", "SEARXNG_URL"),
    "hang": ("did not answer within 0.3 s", "request_timeout"),
    "cut": ("closed the connection", "log"),
    "stall": ("closed the connection", "log"),
}


@pytest.mark.parametrize(("trouble", "words"), PROBLEMS.items(), ids=PROBLEMS)
def test_each_trouble_is_a_sentence_with_a_remedy(trouble: str, words: tuple[str, str]) -> None:
    with SearxngServer(*CHESS) as server:
        server.always = trouble
        (result,) = found(server.url, asked(), timeout_s=QUICK_S)
    assert result.hits == ()
    assert words[0] in result.trouble
    assert words[1] in result.trouble
    assert "<" not in result.trouble
    assert result.trouble.endswith(".")


def test_nobody_listens() -> None:
    url = refused_url()
    (result,) = found(url, asked())
    assert result.trouble == (
        f"nothing listens at {url.removeprefix('http://')}. "
        "Start SearXNG, or set SEARXNG_URL to one that runs."
    )


@pytest.mark.parametrize("url", ["http://nowhere.invalid", "http://", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    (result,) = found(url, asked(), timeout_s=2.0)
    assert "SEARXNG_URL" in result.trouble


def test_a_redirect_is_not_followed() -> None:
    with SearxngServer(*CHESS) as other, SearxngServer() as server:
        server.always = Status(302, b"", {"location": f"{other.url}/search?q=chess&format=json"})
        (result,) = found(server.url, asked())
        assert other.requests == []
    assert "elsewhere" in result.trouble


def test_a_warning_is_no_failure() -> None:
    body = page("chess", CHESS[:1], [["corpus", "unexpected crash"], "x", ["y"], [3, None]])
    with SearxngServer() as server:
        server.always = Status(200, body)
        (result,) = found(server.url, asked())
    assert len(result.hits) == 1
    assert result.trouble == ""
    assert result.unresponsive == (("corpus", "unexpected crash"), ("", ""))


def test_one_query_may_fail_alone() -> None:
    with SearxngServer(*CHESS) as server:
        server.planned = ["json off"]
        results = found(server.url, asked("chess rules", "chess"))
    assert sorted(bool(result.hits) for result in results) == [False, True]


# --- retries and freshness ----------------------------------------------------------------------


def test_a_connection_that_fails_is_tried_once_more() -> None:
    log = Log()
    with SearxngServer(*CHESS) as server:
        server.planned = ["cut"]
        (result,) = found(server.url, asked())
        assert len(server.requests) == 2
        server.always = "cut"
        (failed,) = found(server.url, asked(), log=log)
        # From 3.10 on, aiohttp itself sends a GET again whose connection broke before the head.
        assert len(server.requests) - 2 in {2, 4}
    assert len(result.hits) == 5
    assert len(log.rows) == 2  # each try is a row of its own
    assert failed.trouble


@pytest.mark.parametrize("trouble", ["hang", "failed", "limited", "json off", "stall", "no hits"])
def test_nothing_else_is_tried_again(trouble: str) -> None:
    with SearxngServer(*CHESS) as server:
        server.planned = [trouble]
        found(server.url, asked(), timeout_s=QUICK_S)
        assert len(server.requests) == 1


def test_too_few_new_pages_are_filled_up_with_older_ones() -> None:
    with SearxngServer(*reversed(CHESS)) as server:
        (result,) = found(server.url, asked(freshness=Freshness.MONTH, language="en"))
        first, second = server.queries
    assert (first["time_range"], first["language"]) == ("month", "en")
    assert "time_range" not in second
    assert second["language"] == "all"
    assert result.relaxed
    new = [CHESS[1].url, CHESS[0].url]
    assert [hit.url for hit in result.hits][:2] == new
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]


def test_enough_new_pages_are_enough() -> None:
    with SearxngServer(*CHESS) as server:
        (result,) = found(server.url, asked(freshness=Freshness.YEAR))
        assert len(server.requests) == 1
    assert not result.relaxed


def test_what_was_found_stays_when_the_second_look_fails() -> None:
    with SearxngServer(*CHESS) as server:
        server.planned = [Status(200, page("chess", CHESS[:1])), "failed"]
        (result,) = found(server.url, asked(freshness=Freshness.DAY))
    assert (len(result.hits), result.trouble, result.relaxed) == (1, "", False)


def test_nothing_at_all_is_said_after_a_second_look() -> None:
    with SearxngServer() as server:
        (result,) = found(server.url, asked(freshness=Freshness.DAY))
        assert len(server.requests) == 2
    assert "found nothing" in result.trouble


def test_failed_engines_are_not_asked_twice() -> None:
    with SearxngServer() as server:
        server.always = "engines"
        found(server.url, asked(freshness=Freshness.DAY))
        assert len(server.requests) == 1


# --- the door -----------------------------------------------------------------------------------


def test_a_plan_without_a_search_sends_nothing() -> None:
    plan = replace(CALL.plan, enrich=False)
    with SearxngServer(*CHESS) as server:
        (result,) = found(server.url, asked(), call=replace(CALL, plan=plan))
        assert server.requests == []
    assert "nothing was sent" in result.trouble


def test_the_last_look_can_hold_a_query_back() -> None:
    async def look(body: bytes, plan: Plan) -> dict[str, int]:
        if b"jo@x.de" in body:
            raise EgressRefused("There is an e-mail address in it, so nothing was sent.")
        return {}

    with SearxngServer(*CHESS) as server:
        results = found(server.url, asked("chess jo@x.de", "chess"), last_look=look)
        assert len(server.requests) == 1
        held = found(server.url, *[asked("jo@x.de")] * 4, last_look=look)
    assert "e-mail" in results[0].trouble
    assert results[1].hits
    assert not any("asked again" in result.trouble for result in held)
