"""The real SearXNG over a small site: what we believe of it holds.

The versions are those of tests/searxng.txt; skipped, with the reason, where it is not installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from hal.commands.checks import search as check
from hal.commands.checks.result import Status as Verdict
from hal.enrichment.operators import without_operators
from hal.enrichment.types import Freshness, Search
from tests.commands.test_doctor import context
from tests.harness.searxng import RealSearxng, SearchedSite
from tests.servers.script import Status
from tests.servers.searxng import Entry

from .searching import found

pytestmark = pytest.mark.server

PAGES = [
    Entry("http://velorin.test/toll", "Toll for the Velorin Bridge", "3.40 crowns", age_days=3),
    Entry("http://velorin.test/opening", "Velorin-Brücke eröffnet", "am Dienstag", age_days=20),
    Entry("http://velorin.test/history", "Velorin Bridge: history", "since 2009", age_days=900),
    Entry("http://other.test/", "Halberd & Quist", "builders", age_days=1),
]


@pytest.fixture(scope="module")
def site() -> Iterator[SearchedSite]:
    with SearchedSite(*PAGES) as server:
        yield server


@pytest.fixture(scope="module")
def searxng(site: SearchedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSearxng]:
    with RealSearxng(tmp_path_factory.mktemp("searxng"), site.url) as server:
        yield server


@pytest.fixture(autouse=True)
def well(site: SearchedSite) -> None:
    site.trouble = None
    site.forget()


def get(url: str, **fields: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{url}/search", params=fields, timeout=10, allow_redirects=False)


def test_a_search(searxng: RealSearxng, site: SearchedSite) -> None:
    velorin, quist = found(searxng.url, Search(("Velorin Bridge toll", "Quist & Halberd ä")))
    assert [hit.url for hit in velorin.hits] == [page.url for page in PAGES[:3]]
    assert [hit.rank for hit in velorin.hits] == [1, 2, 3]
    assert velorin.hits[0].title == "Toll for the Velorin Bridge"
    assert velorin.hits[0].snippet == "3.40 crowns"
    assert velorin.hits[0].engine == "corpus"
    assert (velorin.trouble, velorin.unresponsive) == ("", ())
    assert [hit.url for hit in quist.hits] == ["http://other.test/"]
    assert sorted(site.queries) == ["Quist & Halberd ä", "Velorin Bridge toll"]


def test_what_is_new_comes_first_and_the_rest_after_it(searxng: RealSearxng) -> None:
    (result,) = found(searxng.url, Search(("Velorin",), Freshness.WEEK, "de"))
    assert result.relaxed
    assert [hit.url for hit in result.hits] == [page.url for page in PAGES[:3]]


def test_no_hits(searxng: RealSearxng) -> None:
    (result,) = found(searxng.url, Search(("zzzz",)))
    assert (result.hits, result.unresponsive) == ((), ())
    assert "found nothing" in result.trouble


@pytest.mark.parametrize("status", [500, 429, 403])
def test_an_engine_that_fails(searxng: RealSearxng, site: SearchedSite, status: int) -> None:
    site.trouble = Status(status, b"no")
    (result,) = found(searxng.url, Search(("Velorin",)))
    assert result.unresponsive[0][0] == "corpus"
    assert "none of SearXNG's engines answered (corpus: " in result.trouble


BANGS = ["!!g Velorin", "Velorin !!g", "!! Velorin", "!wikipedia Velorin", "Velorin :de <1 !!ddg"]


@pytest.mark.parametrize("query", BANGS)
def test_operators_never_reach_it(searxng: RealSearxng, site: SearchedSite, query: str) -> None:
    (result,) = found(searxng.url, Search((without_operators(query),)))
    assert len(result.hits) == 3
    assert site.queries == ["Velorin"]


def test_one_that_did_would_be_sent_to_another_site(
    searxng: RealSearxng, site: SearchedSite
) -> None:
    reply = get(searxng.url, q="!!g Velorin", format="json")
    assert reply.status_code == 302
    assert "google" in reply.headers["location"]
    (result,) = found(searxng.url, Search(("!!g Velorin",)))
    assert "sends us elsewhere (302)" in result.trouble
    assert site.queries == []


def test_what_it_does_not_take(searxng: RealSearxng) -> None:
    (result,) = found(searxng.url, replace(Search(("Velorin",)), language="xx-bogus"))
    assert "rejects the search (Invalid value" in result.trouble


def test_the_doctor_finds_it_well_and_searches_nothing(
    searxng: RealSearxng, site: SearchedSite, tmp_path: Path
) -> None:
    (line,) = check.checks(context(tmp_path, SEARXNG_URL=searxng.url))
    assert line.status is Verdict.OK
    assert site.queries == []


def test_json_that_is_off(site: SearchedSite, tmp_path: Path) -> None:
    with RealSearxng(tmp_path / "searxng", site.url, formats=["html"]) as server:
        (result,) = found(server.url, Search(("Velorin",)))
        (line,) = check.checks(context(tmp_path, SEARXNG_URL=server.url))
    assert "is off (403)" in result.trouble
    assert "formats: [html, json]" in result.trouble
    assert line.status is Verdict.FAIL
    assert result.trouble == f"{line.detail}. {line.remedy}"
    assert site.queries == []
