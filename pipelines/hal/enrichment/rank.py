"""Chooses the sources of an answer and the passages to quote, within a budget of tokens.

Pure. Ranks by words, by the search engine's order, by the title and, where it matters, by the day.
It cannot tell whether a passage is true.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..sizes import text_tokens
from .bm25 import bm25
from .cleaning import escaped
from .merge import fuse
from .passages import is_same_text, shingles, terms
from .readable import Readable, outcome, readable
from .types import Cited, Freshness, Hit, Outcome, Page, Search
from .urls import site

# Tokens for the material: five sources of 600 for a model of 30B, three of 400 for a small one,
# which more would confuse, eight of 750 for the cloud (facts sheet, 6.3).
LOCAL_TOKENS, SMALL_TOKENS, CLOUD_TOKENS = 3000, 1200, 6000
_SOURCES = ((SMALL_TOKENS, 3), (LOCAL_TOKENS, 5), (CLOUD_TOKENS, 8))
# The rest of the window is for the question, what was said before, and the answer.
WINDOW_SHARE = 0.4
# Number, site, date, kind and the tags around one source; the title counts by itself.
FRAME_TOKENS = 45
# One source must not crowd out the others: twice its even share.
SHARES = 2
# How long something is new, with a day for time zones and one for the week's edge.
_NEW_FOR = {
    Freshness.DAY: timedelta(days=2),
    Freshness.WEEK: timedelta(days=8),
    Freshness.MONTH: timedelta(days=32),
    Freshness.YEAR: timedelta(days=367),
}


@dataclass(frozen=True, slots=True)
class _Passage:
    source: int
    place: int
    text: str
    score: float
    matches: bool

    @property
    def tokens(self) -> int:
        return text_tokens(escaped(self.text))


def budget_tokens(context_tokens: int, wanted_tokens: int) -> int:
    """How many tokens of material fit a window of this size."""
    return min(wanted_tokens, int(WINDOW_SHARE * context_tokens))


def source_count(budget: int) -> int:
    """How many sources a model with this budget is shown."""
    return next((count for tokens, count in _SOURCES if budget <= tokens), _SOURCES[-1][1])


def choose(  # noqa: PLR0913 - all of it decides, and none belongs together
    question: str,
    search: Search,
    hits: Sequence[Hit],
    pages: Sequence[Page],
    budget: int,
    today: date,
) -> tuple[tuple[Cited, ...], tuple[Outcome, ...]]:
    """The numbered sources, the best first and the second best last, and what became of each hit.

    `budget`: tokens for all of it, with tags and titles. Every source keeps a passage at least;
    when not even these fit, there are fewer sources.
    """
    sources, outcomes = readable(hits, pages, today)
    query = {term for text in (question, *search.queries) for term in terms(text)}
    ranked = _by_worth(sources, query, search.freshness)
    order = _order(sources, ranked, search.freshness, today)[: source_count(budget)]
    kept = _fill(sources, ranked, order, budget)
    edges = enumerate(_edges(list(kept)), start=1)
    cited = [_cited(number, sources[at], kept[at]) for number, at in edges]
    for at, source in enumerate(sources):
        count = len(kept.get(at, ()))
        # An excerpt is cited for a reason: the page could not be read.
        why = source.page.reason if source.page is not None else ""
        fate = ("cited", why) if count else ("unused", "better ones filled the budget")
        outcomes.append(outcome(source.hit, source.page, *fate, kept=count))
    return tuple(cited), tuple(sorted(outcomes, key=lambda outcome: outcome.rank))


def _by_worth(sources: Sequence[Readable], query: set[str], freshness: Freshness) -> list[_Passage]:
    """All passages, best first."""
    places = [(at, place) for at, s in enumerate(sources) for place in range(len(s.passages))]
    if not places:
        return []
    words = [terms(sources[at].passages[place]) for at, place in places]
    by_words = bm25(query, words)
    by_title = bm25(query, [terms(source.title) for source in sources])
    rankings = [
        _places(by_words),
        [sources[at].hit.rank for at, _ in places],
        _ranks([by_title[at] for at, _ in places]),
    ]
    if freshness is not Freshness.ANY:
        days = [float(day.toordinal()) if (day := s.at) else 0.0 for s in sources]
        rankings.append(_ranks([days[at] for at, _ in places]))
    scores = fuse(rankings)
    found = [
        _Passage(at, place, sources[at].passages[place], score, matched > 0)
        for (at, place), score, matched in zip(places, scores, by_words, strict=True)
    ]
    return sorted(found, key=lambda passage: -passage.score)


def _places(scores: Sequence[float]) -> list[int]:
    """How many are at least as good: what matches nothing is last, however few do match."""
    ordered = sorted(scores)
    return [len(ordered) - bisect_left(ordered, score) for score in scores]


def _ranks(scores: Sequence[float]) -> list[int]:
    """From 1 for the highest; equals share a rank, and the next one follows at once."""
    rank = {score: place for place, score in enumerate(sorted(set(scores), reverse=True), start=1)}
    return [rank[score] for score in scores]


def _order(
    sources: Sequence[Readable], ranked: Sequence[_Passage], freshness: Freshness, today: date
) -> list[int]:
    """The sources, best first: what was read before snippets, what is new before what is old."""
    best: dict[int, int] = {}
    for place, passage in enumerate(ranked):
        best.setdefault(passage.source, place)
    return sorted(
        best,
        key=lambda at: (
            sources[at].kind != "page",
            _age(sources[at].at, freshness, today),
            best[at],
        ),
    )


def _age(day: date | None, freshness: Freshness, today: date) -> int:
    """0 for new enough, 1 for unknown, 2 for older; all alike where it does not matter."""
    if freshness is Freshness.ANY:
        return 0
    if day is None:
        return 1
    return 0 if today - day <= _NEW_FOR[freshness] else 2


def _fill(
    sources: Sequence[Readable], ranked: Sequence[_Passage], order: Sequence[int], budget: int
) -> dict[int, list[_Passage]]:
    """The best passage of each source, then the best of all, while they fit; in this order."""
    first: dict[int, _Passage] = {}
    for passage in ranked:
        first.setdefault(passage.source, passage)
    spent = _that_fit({at: _frame(sources[at]) + first[at].tokens for at in order}, budget)
    kept = {at: [first[at]] for at in spent}
    left = budget - sum(spent.values())
    share = SHARES * budget // max(1, len(kept))
    seen = [shingles(first[at].text) for at in kept]
    for passage in ranked:
        at = passage.source
        if at not in kept or passage is first[at] or not passage.matches:
            continue
        if passage.tokens > min(left, share - spent[at]) or _is_repeated(passage.text, seen):
            continue
        kept[at].append(passage)
        left -= passage.tokens
        spent[at] += passage.tokens
    return kept


def _that_fit(costs: Mapping[int, int], budget: int) -> dict[int, int]:
    """The first of these that fit together: the last ones are the first to go."""
    fitting = dict(costs)
    while sum(fitting.values()) > budget:
        fitting.popitem()
    return fitting


def _is_repeated(text: str, seen: list[frozenset[tuple[str, ...]]]) -> bool:
    """Whether another source says it already in these words; if not, it counts as said."""
    shingled = shingles(text)
    is_repeated = any(is_same_text(shingled, other) for other in seen)
    if not is_repeated:
        seen.append(shingled)
    return is_repeated


def _frame(source: Readable) -> int:
    return FRAME_TOKENS + text_tokens(escaped(source.title)) + text_tokens(site(source.url))


def _edges(order: Sequence[int]) -> list[int]:
    """A model reads the beginning and the end best: the best first, the second best last."""
    return [*order[:1], *order[2:], *order[1:2]]


def _cited(number: int, source: Readable, kept: Sequence[_Passage]) -> Cited:
    return Cited(
        number=number,
        url=source.url,
        title=source.title,
        site=site(source.url),
        passages=tuple(p.text for p in sorted(kept, key=lambda passage: passage.place)),
        date=source.at.isoformat() if source.at else "",
        kind=source.kind,
    )
