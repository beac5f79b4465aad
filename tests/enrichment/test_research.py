"""The order of a search, what is told of it, and that no failure in it costs the turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from hal.enrichment.problems import Problem, broken
from hal.enrichment.reading import PageCache
from hal.enrichment.research import Prompts, Researcher
from hal.enrichment.types import Freshness, Hit, Page, Results, Search
from hal.gateway.ports import Call
from hal.prompts import Prompt, load_prompt
from hal.recorder import TurnRecorder
from hal.sessions.record import LookupRow
from hal.sizes import text_tokens
from hal.types import Evidence, Outcome, Plan, Route, Sources, Status, Target, Turn
from tests.core.things import CLOUD, LOCAL, SMALL, Rows, run, turn

TODAY = date(2026, 11, 27)
PROMPTS = Prompts(load_prompt("grounded"), load_prompt("no_evidence"))
BROKEN = broken().text
ASKED = "When was the bridge opened?"
SEARCH = Search(("bridge opened",), Freshness.WEEK, "en")
SOON_S = 0.15
# Whoever waited for this would not come back.
NEVER_S = 3600.0


def hit(name: str, rank: int = 1, snippet: str = "An excerpt about the bridge.") -> Hit:
    return Hit(f"https://{name}.example/", f"Title {name}", snippet, rank)


def text(name: str) -> str:
    return f"The bridge of {name} was opened in May by {name}. " * 10


@dataclass
class Steps:
    """Rewriter, SearXNG and reader in one: each answers as told, or fails, or takes its time."""

    search_for: Search | Exception | float = SEARCH
    results: Sequence[Results] | Exception | float = (
        Results("bridge opened", (hit("a", 1), hit("b", 2))),
    )
    pages: dict[str, Page | Exception | float] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    async def rewrite(self, turn: Turn, today: date) -> Search:
        assert today == TODAY
        self.done.append("rewrite")
        return await _given(self.search_for, SEARCH)

    async def search(self, search: Search, call: Call) -> tuple[Results, ...]:
        self.done.append(f"search {'; '.join(search.queries)}")
        self.calls.append(call)
        return tuple(await _given(self.results, ()))

    async def read(self, url: str, call: Call) -> Page:
        self.done.append(f"read {url}")
        self.calls.append(call)
        name = url.removeprefix("https://").partition(".")[0]
        return await _given(self.pages.get(name, Page(url, url, text(name))), Page(url, url))


async def _given(what: Any, otherwise: Any) -> Any:
    if isinstance(what, Exception):
        raise what
    if isinstance(what, float):
        await asyncio.sleep(what)
        return otherwise
    return what


@dataclass
class Told:
    """What came out of one search."""

    steps: list[Any]
    row: LookupRow
    degraded: tuple[str, ...]

    @property
    def statuses(self) -> list[str]:
        return [step.text for step in self.steps if isinstance(step, Status)]

    @property
    def sources(self) -> Sources | None:
        told = next(step for step in self.steps if isinstance(step, Sources))
        return told if told.sources else None

    @property
    def word(self) -> str:
        return next(step.word for step in self.steps if isinstance(step, Sources))

    @property
    def evidence(self) -> Evidence:
        last = self.steps[-1]
        assert isinstance(last, Evidence)
        return last


def gathered(
    steps: Steps,
    target: Target = LOCAL,
    asked: Turn | None = None,
    prompts: Prompts = PROMPTS,
    others: tuple[Target, ...] = (),
    **options: Any,
) -> Told:
    rows, question = Rows(), asked or turn(ASKED)
    recorder = TurnRecorder(question, rows, "policy-1")

    async def work() -> list[Any]:
        researcher = Researcher(steps, steps, steps, PageCache(), prompts, lambda: TODAY, **options)
        plan = Plan((target, *others), Route.ENRICH, enrich=True)
        return [step async for step in researcher.gather(question, plan, recorder)]

    found = run(work())
    recorder.finish(Outcome.DONE, keep_content=True)
    (row,) = [row for row in rows.rows if isinstance(row, LookupRow)]
    (last,) = [row.degradations for row in rows.rows if hasattr(row, "degradations")]
    return Told(found, row, last)


def test_the_order() -> None:
    steps = Steps()
    told = gathered(steps)
    assert steps.done == [
        "rewrite",
        "search bridge opened",
        "read https://a.example/",
        "read https://b.example/",
    ]
    kinds = [type(step).__name__ for step in told.steps]
    assert kinds == ["Status", "Status", "Status", "Sources", "Status", "Evidence"]
    assert told.statuses[:3] == [
        "Looking for what to search",
        "Searching: bridge opened",
        "Reading 2 pages",
    ]
    assert told.sources is not None
    assert [source.number for source in told.sources.sources] == [1, 2]
    assert told.evidence.sources == told.sources.sources
    assert (told.evidence.instructions, told.evidence.note) == ("", "")
    assert told.word == told.evidence.word == "2 sources"
    assert told.degraded == ()


def test_what_a_face_can_draw_goes_with_the_status_lines() -> None:
    told = gathered(Steps())
    lines = [step for step in told.steps if isinstance(step, Status)]
    urls = ("https://a.example/", "https://b.example/")
    assert [line.queries for line in lines] == [(), ("bridge opened",), (), ()]
    assert [line.urls for line in lines] == [(), (), urls, urls]
    assert [line.done for line in lines] == [False, False, False, True]


def test_everything_is_asked_for_this_turn_and_its_plan() -> None:
    steps = Steps()
    gathered(steps)
    assert {(call.turn_id, call.plan.route, call.keeps_content) for call in steps.calls} == {
        ("turn-1", Route.ENRICH, True)
    }
    passing = Steps()
    gathered(passing, asked=turn(ASKED, chat_id="temporary:1"))
    assert {call.keeps_content for call in passing.calls} == {False}


def test_the_row() -> None:
    row = gathered(Steps()).row
    assert (row.queries, row.hits, row.pages, row.pages_read, row.sources) == (1, 2, 2, 2, 2)
    assert (row.problem, row.rewritten_by, row.freshness) == ("", "model", "week")
    assert row.material_tokens > 100
    assert row.detail["queries"] == ["bridge opened"]
    assert [page["fate"] for page in row.detail["pages"]] == ["cited", "cited"]
    assert [source["number"] for source in row.detail["sources"]] == [1, 2]
    (searched,) = row.detail["searches"]
    assert (searched["hits"], searched["problem"], searched["cached"]) == (2, "", False)


def test_the_times_of_the_steps() -> None:
    """Each is that of its own step: the loop's clock is the one that they sleep by."""
    pages: dict[str, Page | Exception | float] = {"a": 0.03}
    row = gathered(Steps(search_for=0.05, results=0.0, pages=pages)).row
    assert row.rewrite_ms >= 45
    assert (row.search_ms < 45, row.read_ms) == (True, 0.0)
    row = gathered(Steps(pages=pages)).row
    assert row.read_ms >= 25
    assert row.rewrite_ms + row.search_ms + row.read_ms <= row.total_ms + 1


@pytest.mark.parametrize(("target", "count"), [(SMALL, 3), (LOCAL, 5), (CLOUD, 6)])
def test_each_target_gets_what_it_can_hold(target: Target, count: int) -> None:
    names = "abcdef"
    hits = tuple(hit(name, rank) for rank, name in enumerate(names, 1))
    pages: dict[str, Any] = {
        name: Page(u := f"https://{name}.example/", u, f"{name} bridge. " + text(name * 9))
        for name in names
    }
    told = gathered(Steps(results=(Results("bridge opened", hits),), pages=pages), target)
    assert len(told.evidence.sources) == count


@pytest.mark.parametrize("following", [SMALL, replace(SMALL, context_tokens=2048)])
def test_the_material_fits_also_who_is_asked_next(following: Target) -> None:
    long = tuple(hit(name, rank) for rank, name in enumerate("abcdef", 1))
    pages: dict[str, Any] = {
        name: Page(u := f"https://{name}.example/", u, f"{name} bridge. " + text(name * 9) * 20)
        for name in "abcdef"
    }
    steps = Steps(results=(Results("bridge opened", long),), pages=pages)
    told = gathered(steps, CLOUD, others=(following,))
    passages = "".join(p for source in told.evidence.sources for p in source.passages)
    assert 0 < text_tokens(passages) <= 0.4 * following.context_tokens


def test_where_nothing_may_be_searched_everybody_is_told_why() -> None:
    steps, rows = Steps(), Rows()
    recorder = TurnRecorder(turn(ASKED), rows, "policy-1")

    async def work() -> list[Any]:
        researcher = Researcher(steps, steps, steps, PageCache(), PROMPTS, lambda: TODAY)
        why = "nothing is searched: it stays here"
        return [step async for step in researcher.unsearched(why, recorder)]

    sources, evidence = run(work())
    assert sources == Sources((), "none: private")
    assert "In this turn nothing is searched: it stays here." in evidence.instructions
    assert "nothing of this chat may leave this machine." in evidence.note
    assert (evidence.question, evidence.sources, evidence.word) == ("", (), "none: private")
    assert steps.done == []


# --- failures ---

NOTHING = Results("bridge opened", problem=Problem("refused", "SearXNG is out", "Start it."))
FAILURES: dict[str, tuple[Steps, str]] = {
    "no words": (Steps(search_for=Search((), by="emptied")), "no words were left to search for"),
    "rewriter": (Steps(search_for=RuntimeError("a secret")), BROKEN),
    "searxng": (Steps(results=(NOTHING,)), "the search failed: SearXNG is out. Start it"),
    "search": (Steps(results=RuntimeError("a secret")), BROKEN),
    "no hits": (Steps(results=(Results("bridge opened"),)), "but the search found nothing"),
    "page": (
        Steps(
            results=(Results("bridge opened", (hit("a", snippet=""),)),),
            pages={"a": Page("https://a.example/", "https://a.example/", reason="status 404")},
        ),
        "the only result could not be read (status 404)",
    ),
    "reader": (
        Steps(
            results=(Results("bridge opened", (hit("a", snippet=""),)),),
            pages={"a": RuntimeError("a secret")},
        ),
        "the only result could not be read (late)",
    ),
    "slow rewriter": (Steps(search_for=NEVER_S), f"it took longer than {SOON_S:g} s"),
    "slow search": (Steps(results=NEVER_S), f"it took longer than {SOON_S:g} s"),
    "slow page": (
        Steps(results=(Results("bridge opened", (hit("a", snippet=""),)),), pages={"a": NEVER_S}),
        "the only result could not be read (deadline)",
    ),
}


@pytest.mark.parametrize(("steps", "why"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_to_the_user_and_the_model(steps: Steps, why: str) -> None:
    told = gathered(replace(steps, done=[], calls=[]), hard_stop_s=SOON_S)
    assert told.sources is None
    assert why in told.statuses[-1]
    assert told.statuses[-1].startswith("No sources: ")
    assert told.statuses[-1].endswith(". Answering without them")
    assert why in told.evidence.instructions
    assert (told.evidence.question, told.evidence.sources) == ("", ())
    assert told.evidence.note.startswith("*No web sources behind this answer: ")
    assert told.word == told.evidence.word == f"none: {told.row.detail['problem']}"
    assert "a secret" not in str(told.steps)
    assert told.row.problem
    assert told.row.sources == 0
    assert told.degraded == (("search_failed" if told.row.queries else "no_search"),)


def test_what_was_in_time_is_used() -> None:
    pages: dict[str, Page | Exception | float] = {"b": NEVER_S}
    told = gathered(Steps(pages=pages), hard_stop_s=SOON_S)
    assert [(source.site, source.kind) for source in told.evidence.sources] == [
        ("a.example", "page"),
        ("b.example", "snippet"),
    ]
    assert "2 sources (1 as the search engine sums them up), " in told.statuses[-1]
    reasons = {page["url"]: page["reason"] for page in told.row.detail["pages"]}
    assert reasons == {"https://a.example/": "", "https://b.example/": "deadline"}


def test_one_search_of_two_that_fails_is_a_note() -> None:
    both = Search(("bridge opened", "bridge builder"))
    results = (
        Results("bridge opened", (hit("a"),)),
        Results("bridge builder", problem=Problem("refused", "No")),
    )
    told = gathered(Steps(search_for=both, results=results))
    assert told.row.problem == ""
    assert "One of the searches failed" in told.evidence.question


@pytest.mark.parametrize("reason", ["forbidden_address", "forbidden_port", "forbidden_host"])
def test_what_may_not_be_asked_is_no_source_either(reason: str) -> None:
    url = "https://b.example/"
    told = gathered(Steps(pages={"b": Page(url, url, reason=reason)}))
    assert [source.site for source in told.evidence.sources] == ["a.example"]
    assert url not in told.evidence.question
    refused = [page for page in told.row.detail["pages"] if page["url"] == url]
    assert [(page["fate"], page["reason"]) for page in refused] == [("dropped", reason)]


def test_a_prompt_that_is_broken_costs_the_sources_and_not_the_turn() -> None:
    broken = Prompt("grounded", "1", "$5 for $question", "00" * 32, "")
    told = gathered(Steps(), prompts=replace(PROMPTS, grounded=broken))
    assert told.sources is None
    assert "Prompt grounded: placeholder" in told.statuses[-1]
    assert (told.evidence.instructions, told.evidence.question) == ("", "")
    assert told.evidence.sources == ()
    assert "a prompt of hal-auto is broken" in told.evidence.note
    assert (told.row.sources, told.row.hits, told.word) == (0, 2, "none: prompt")


def test_a_broken_prompt_does_not_hide_what_went_wrong_before() -> None:
    broken = Prompt("no_evidence", "1", "$5", "00" * 32, "")
    told = gathered(Steps(results=(NOTHING,)), prompts=replace(PROMPTS, no_evidence=broken))
    assert "the search failed: SearXNG is out. Start it" in told.statuses[-1]
    assert "SearXNG is out." in told.evidence.note
    assert (told.evidence.instructions, told.word) == ("", "none: refused")


def test_each_search_has_a_tag_of_its_own() -> None:
    questions = {gathered(Steps()).evidence.question for _ in range(3)}
    assert len(questions) == 3


# --- stopped ---


def stopped_at(steps: Steps, statuses: int) -> LookupRow:
    """The row of a search that is cancelled while it waits behind this many status lines."""
    rows = Rows()
    recorder = TurnRecorder(turn(ASKED), rows, "policy-1")

    async def work() -> None:
        researcher = Researcher(steps, steps, steps, PageCache(), PROMPTS, lambda: TODAY)
        plan = Plan((LOCAL,), Route.ENRICH, enrich=True)
        told = asyncio.Semaphore(0)

        async def read_on() -> None:
            async for step in researcher.gather(turn(ASKED), plan, recorder):
                if isinstance(step, Status):
                    told.release()

        reading = asyncio.create_task(read_on())
        for _ in range(statuses):
            await told.acquire()
        await asyncio.sleep(SOON_S)  # what answers at once has answered by then
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()

    run(work())
    recorder.finish(Outcome.STOPPED, keep_content=True)
    (row,) = [row for row in rows.rows if isinstance(row, LookupRow)]
    assert (row.problem, row.detail["problem"]) == ("the turn was stopped.", "stopped")
    assert row.sources == 0
    return row


def test_stop_in_each_step_leaves_a_row_of_what_was_done() -> None:
    row = stopped_at(Steps(search_for=NEVER_S), 1)
    assert (row.queries, row.rewritten_by) == (0, "unfinished")
    row = stopped_at(Steps(results=NEVER_S), 2)
    assert (row.queries, row.detail["queries"]) == (1, ["bridge opened"])
    assert (row.hits, row.pages) == (0, 0)
    row = stopped_at(Steps(pages={"b": NEVER_S}), 3)
    assert (row.hits, row.pages, row.pages_read) == (2, 2, 1)
    assert row.total_ms == 0 or row.total_ms >= row.search_ms


def test_stop_ends_the_reading() -> None:
    left: list[str] = []

    class Reading(Steps):
        async def read(self, url: str, call: Call) -> Page:
            try:
                await asyncio.sleep(NEVER_S)
            finally:
                left.append(url)
            raise AssertionError

    stopped_at(Reading(), 3)
    assert sorted(left) == ["https://a.example/", "https://b.example/"]


def test_a_reader_that_lets_go_between_two_steps_is_a_stop() -> None:
    rows = Rows()
    recorder = TurnRecorder(turn(ASKED), rows, "policy-1")

    async def work() -> None:
        steps = Steps()
        researcher = Researcher(steps, steps, steps, PageCache(), PROMPTS, lambda: TODAY)
        plan = Plan((LOCAL,), Route.ENRICH, enrich=True)
        going = researcher.gather(turn(ASKED), plan, recorder)
        await anext(going)
        await anext(going)
        await going.aclose()

    run(work())
    recorder.finish(Outcome.STOPPED, keep_content=True)
    (row,) = [row for row in rows.rows if isinstance(row, LookupRow)]
    assert (row.problem, row.queries, row.hits) == ("the turn was stopped.", 1, 0)


# --- by meaning ---


@dataclass
class Meaning:
    """Says what it is told; remembers what it was asked."""

    nearest: str = ""
    word: str = "used"
    asked: list[tuple[str, Sequence[str], float]] = field(default_factory=list)

    async def nearness(
        self, question: str, texts: Sequence[str], within_s: float
    ) -> tuple[dict[str, float], str]:
        self.asked.append((question, texts, within_s))
        if self.word != "used":
            return {}, self.word
        return {text: float(self.nearest in text) for text in texts}, self.word


def test_passages_are_compared_by_meaning_where_that_is_wanted() -> None:
    meaning = Meaning(nearest="bridge of b")
    three = (Results("bridge opened", (hit("a", 1), hit("b", 2), hit("c", 3))),)
    told = gathered(Steps(results=three), meaning=meaning)
    ((question, texts, within_s),) = meaning.asked
    assert question == ASKED
    assert {text[:15] for text in texts} == {f"The bridge of {name}" for name in "abc"}
    assert 0 < within_s <= 12
    assert [source.site for source in told.evidence.sources][:1] == ["b.example"]
    assert told.row.detail["meaning"] == "used"
    blind = gathered(Steps(results=three))
    assert blind.row.detail["meaning"] == ""
    assert [source.site for source in blind.evidence.sources][:1] == ["a.example"]


def test_without_meaning_words_will_do() -> None:
    told = gathered(Steps(), meaning=Meaning(word="timeout"))
    assert len(told.evidence.sources) == 2
    assert told.row.detail["meaning"] == "timeout"
    assert told.degraded == ()
