"""hal-auto with the real SearXNG over the sample site, in this process; the model is scripted.

The real manifold, researcher, fetcher and extractor (tests/faults has the household). The model
writes the query of each question, or fails at it, so that the user's own words are searched; its
answer cites the source that holds the answer, and two that a model gets wrong.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.faults.case import Place
from tests.faults.household import BY_NAME, Household
from tests.harness import openwebui
from tests.harness.searxng import RealSearxng
from tests.harness.sse import Answer
from tests.server.house import MINI, NANO
from tests.servers import Say, Sleep, Step, last_user_text
from tests.servers.sample_facts import Fact, facts
from tests.servers.sample_site import SampleSite

Body = dict[str, Any]
_BLOCK = re.compile(r'<source id="(\d+)"[^>]*>(.*?)</source>', re.DOTALL)
_MARK = re.compile(r"\[([\d, ]+)\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question came to. Times in seconds; `before_s`: until the model is asked.

    `found`: the right page is a source; `read`: as a page; `quoted`: with the answer in it. `hung`:
    it is the one that never came.
    """

    question: str
    before_s: float
    rewrite_s: float
    search_s: float
    read_s: float
    sources: int
    found: bool
    read: bool
    quoted: bool
    hung: bool
    cited: tuple[int, ...]
    chips_in_order: bool
    own_words: bool
    problem: str

    @property
    def cites_validly(self) -> bool:
        """At least one number, and each of them a source's."""
        return bool(self.cited) and all(1 <= number <= self.sources for number in self.cited)


class EnrichmentHouse:
    """`site` may be paced between the questions. `rewrite_s`: how long the model takes to write a
    query, or to fail at it."""

    def __init__(self, rewrite_s: float = 0.0) -> None:
        self.site = SampleSite()
        self._rewrite_s = rewrite_s
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> EnrichmentHouse:
        with self._stack as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="enrichment-")))
            stack.enter_context(self.site)
            searxng = stack.enter_context(RealSearxng(folder / "searxng", self.site.url))
            valves = {
                "CLASSIFIER_MODEL": MINI,
                "SEARXNG_URL": searxng.url,
                "SEARCH_LOCAL_HOSTS": self.site.hosts,
                "CACHE": "off",
            }
            self._house = stack.enter_context(Household(BY_NAME["500"], Place.LOCAL_FIRST, valves))
            self._house.ollama.load(MINI, 4096)
            self._house.ollama.load(NANO, 32_768)
            self._house.ollama.answer(_answer)
            self._house.ollama.when(is_rewriting, self._rewritten)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.__exit__(*exc_info)

    def ask(self, fact: Fact) -> Asked:
        """One turn in a chat of its own."""
        self._count += 1
        chat = f"c0ffee00-0000-4000-9000-{self._count:012d}"
        turn = openwebui.chat_turn(f"/web {fact.question}", (), chat_id=chat, tools=False)
        self._house.ollama.forget()
        self.site.hanging.clear()
        began = time.monotonic()
        answer = self._house.ask(turn)
        row = self._house.log.turn(chat)
        lookup = self._house.log.of_turn("lookup", row["id"])[0]
        requests = [r for r in self._house.ollama.chats if is_grounded(r.json)]
        asked = requests[-1] if requests else self._house.ollama.chats[-1]
        return Asked(
            question=fact.question,
            before_s=asked.arrived_at - began,
            rewrite_s=lookup["rewrite_ms"] / 1000,
            search_s=lookup["search_ms"] / 1000,
            read_s=lookup["read_ms"] / 1000,
            sources=len(answer.sources),
            problem=lookup["problem"],
            own_words=lookup["rewritten_by"] != "model",
            cited=numbers(answer.text),
            chips_in_order=in_order(answer, asked.json),
            **self._judged(fact, answer, json.loads(lookup["detail"])),
        )

    def _rewritten(self, body: Body) -> list[Step]:
        return [Sleep(self._rewrite_s), *_queries(body)]

    def _judged(self, fact: Fact, answer: Answer, detail: Body) -> dict[str, bool]:
        kinds = {source["url"]: source["kind"] for source in detail["sources"]}
        right = [s for s in answer.sources if self._is_right(fact, s["source"]["url"])]
        return {
            "found": bool(right),
            "read": any(kinds.get(s["source"]["url"]) == "page" for s in right),
            "quoted": any(fact.answer in " ".join(s["document"]) for s in right),
            "hung": any(self._is_right(fact, url) for url in self.site.hanging),
        }

    def _is_right(self, fact: Fact, url: str) -> bool:
        page = self.site.page_at(url)
        return page is not None and page.fact == fact.title


def is_rewriting(body: Body) -> bool:
    """Whether this asks for queries."""
    form = body.get("format")
    return isinstance(form, dict) and "queries" in form.get("properties", {})


def is_grounded(body: Body) -> bool:
    """Whether this asks for an answer from sources."""
    return bool(body.get("messages")) and bool(blocks(body))


def blocks(body: Body) -> dict[int, str]:
    """The sources that the model was shown, by number."""
    found = _BLOCK.findall(last_user_text(body))
    return {int(number): unescape(text) for number, text in found}


def numbers(text: str) -> tuple[int, ...]:
    """The citations that the user sees."""
    return tuple(int(n) for marks in _MARK.findall(text) for n in re.findall(r"\d+", marks))


def in_order(answer: Answer, body: Body) -> bool:
    """Whether the n-th chip shows what the model knows as source n, and all came first."""
    shown = [source["document"] for source in answer.sources]
    read = blocks(body)
    same = [*read] == [*range(1, len(shown) + 1)] and all(
        passage in read[number]
        for number, passages in enumerate(shown, start=1)
        for passage in passages
    )
    return same and _are_first(answer)


def _are_first(answer: Answer) -> bool:
    kinds = [
        "source" if (chunk.get("event") or {}).get("type") == "source" else "text"
        for chunk in answer.chunks
        if (chunk.get("event") or {}).get("type") == "source" or _text_of(chunk)
    ]
    return kinds == sorted(kinds)  # "source" is before "text"


def _text_of(chunk: Body) -> str:
    return "".join((c.get("delta") or {}).get("content") or "" for c in chunk.get("choices") or [])


def _fact_in(text: str) -> Fact | None:
    return next((fact for fact in facts() if fact.question in text), None)


def _queries(body: Body) -> list[Step]:
    """What a small model writes; for every question without a query, what is of no use."""
    fact = _fact_in(last_user_text(body))
    if fact is None or not fact.query:
        return [Say("I cannot help with that.")]
    reply = {"queries": [fact.query], "freshness": "any", "language": fact.language}
    return [Say(json.dumps(reply))]


def _answer(body: Body) -> list[Step]:
    """Cites the source with the answer, one too many, and one in brackets of another script."""
    read = blocks(body)
    fact = _fact_in(last_user_text(body))
    holds = [n for n, text in read.items() if fact is not None and fact.answer in text]
    said = f"It is {fact.answer} [{holds[0]}]. " if fact and holds else "I do not know [1]. "
    return [Say(said), Say(f"More in [{len(read) + 3}], and in 【1】.")]
