"""Turns that search with the real SearXNG, at the real Pipelines server: the page that holds the
answer is a source, and the chips are the model's sources in their order.

Skipped, with the reason, where SearXNG is not installed; bench/enrichment.py asks all fifty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.searxng import RealSearxng
from tests.servers import Say, Steps, last_user_text
from tests.servers.sample_facts import Fact, facts
from tests.servers.sample_site import SampleSite, has_addresses

from .enriching import rewriting
from .house import Body, House
from .questions import is_answer, is_rewrite

pytestmark = pytest.mark.server
# News, documentation, news in Spanish, an encyclopedia and a forum; the model fails at two.
ASKED = [facts()[number] for number in (0, 6, 12, 25, 48)]
_BLOCK = re.compile(r'<source id="(\d+)" title="([^"]*)"')


class RealHouse(House):
    """The house with the sample site and the real SearXNG outside of it."""

    def __init__(self, folder: Path, site: SampleSite, searxng: RealSearxng) -> None:
        self.site = site
        addresses = {"SEARXNG_URL": searxng.url, "SEARCH_LOCAL_HOSTS": site.hosts}
        super().__init__(folder, valves={"SPECULATE": False} | addresses)

    def reset_scripts(self) -> None:
        super().reset_scripts()
        self.ollama.when(is_answer, cites_the_first)


def cites_the_first(body: Body) -> Steps:
    count = len(_BLOCK.findall(last_user_text(body)))
    return [Say(f"It is so [1], and so [{count}]"), Say(f" but not so [{count + 1}].")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    if not has_addresses():
        pytest.skip("this machine has no 127.0.0.2")
    folder = tmp_path_factory.mktemp("enrich-real")
    with (
        SampleSite() as site,
        RealSearxng(folder / "searxng", site.url) as searxng,
        RealHouse(folder / "house", site, searxng) as running,
    ):
        yield running


@pytest.mark.parametrize("fact", ASKED, ids=lambda fact: f"{fact.topic} {fact.shape}")
def test_the_page_with_the_answer_is_a_source(house: RealHouse, fact: Fact) -> None:
    written = rewriting(fact.query, language=fact.language) if fact.query else [Say("no query")]
    house.ollama.when(is_rewrite, written)
    answer = house.ask(f"/web {fact.question}")
    assert answer.error is None
    pages = [house.site.page_at(source["source"]["url"]) for source in answer.sources]
    right = [n for n, page in enumerate(pages) if page is not None and page.fact == fact.title]
    assert right, [page.title for page in pages if page]
    assert fact.answer in " ".join(answer.sources[right[0]]["document"])
    # The n-th chip is the model's source n, and what is no source is not cited.
    (asked,) = [r.json for r in house.ollama.chats if is_answer(r.json)]
    shown = [(str(n), page.title) for n, page in enumerate(pages, start=1) if page]
    assert _BLOCK.findall(last_user_text(asked)) == shown
    assert answer.text == f"It is so [1], and so [{len(pages)}] but not so."
    (row,) = house.log.of_turn("lookup", house.logged()["id"])
    assert row["rewritten_by"] == ("model" if fact.query else "bad_reply")
    assert (json.loads(row["cited"]), row["invalid"]) == ([1, len(pages)], 1)
