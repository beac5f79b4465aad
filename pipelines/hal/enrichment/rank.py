"""Chooses the sources of an answer and the passages to quote, within a budget of tokens.

Pure. Takes the passages in the order of `worth`; adds what a whole source is worth: whether it was
read, and how old it is. It cannot tell whether a passage is true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from ..sizes import text_tokens
from ..types import Target
from .bm25 import covered
from .cleaning import escaped
from .passages import is_same_text, shingles, terms
from .readable import Readable, outcome, readable
from .types import Cited, Freshness, Hit, Outcome, Page
from .urls import site
from .worth import Passage, by_worth

# Tokens for the material: five sources of 600 for a model of 30B, three of 400 for a small one,
# which more would confuse, eight of 750 for the cloud (facts sheet, 6.3).
LOCAL_TOKENS, SMALL_TOKENS, CLOUD_TOKENS = 3000, 1200, 6000
_SOURCES = ((SMALL_TOKENS, 3), (LOCAL_TOKENS, 5), (CLOUD_TOKENS, 8))
# A window like that is a small model's: more than three sources would confuse it.
SMALL_WINDOW_TOKENS = 8192
# The rest of the window is for the question, what was said before, and the answer.
WINDOW_SHARE = 0.4
# Number, site, date, kind and the tags around one source; the title counts by itself.
FRAME_TOKENS = 45
# One source must not crowd out the others: twice its even share.
SHARES = 2
# A page that could not be read keeps a place where the search engine has it among its first, and
# its excerpt holds half of the words that were asked for: it is likelier to be what was looked for
# than the fifth page that was read. It says less: so it steps back by two places.
FIRST_HITS = 3
GOOD_SHARE = 0.5
STEPS_BACK = 2
# How long something is new, with a day for time zones and one for the week's edge.
_NEW_FOR = {
    Freshness.DAY: timedelta(days=2),
    Freshness.WEEK: timedelta(days=8),
    Freshness.MONTH: timedelta(days=32),
    Freshness.YEAR: timedelta(days=367),
}
OLD = 2


def budget_tokens(context_tokens: int, wanted_tokens: int) -> int:
    """How many tokens of material fit a window of this size."""
    return min(wanted_tokens, int(WINDOW_SHARE * context_tokens))


def budget_for(targets: Sequence[Target]) -> int:
    """As much as is good for the first of them, and fits the window of each."""
    first, holds_tokens = targets[0], min(target.context_tokens for target in targets)
    if first.leaves_machine:
        return budget_tokens(holds_tokens, CLOUD_TOKENS)
    is_small = first.context_tokens <= SMALL_WINDOW_TOKENS
    return budget_tokens(holds_tokens, SMALL_TOKENS if is_small else LOCAL_TOKENS)


def source_count(budget: int) -> int:
    """How many sources a model with this budget is shown."""
    return next((count for tokens, count in _SOURCES if budget <= tokens), _SOURCES[-1][1])


def choose(  # noqa: PLR0913 - all of it decides, and none belongs together
    wanted: Collection[str],
    freshness: Freshness,
    hits: Sequence[Hit],
    pages: Sequence[Page],
    budget: int,
    today: date,
    near: Mapping[str, float] = MappingProxyType({}),
) -> tuple[tuple[Cited, ...], tuple[Outcome, ...]]:
    """The numbered sources, the best first and the second best last, and what became of each hit.

    `wanted`: the words of the question and of the queries. `budget`: tokens for all of it, with
    tags and titles. Every source keeps a passage at least; when not even these fit, there are fewer
    sources. `near`: how near some of the passages are by meaning, -1 to 1.
    """
    sources, outcomes = readable(hits, pages, today)
    ranked = by_worth(sources, wanted, freshness, near)
    shown = _shown_unread(sources, wanted, freshness, today)
    order = _order(sources, ranked, shown, freshness, today)
    order = _with_place(order, shown, source_count(budget))
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


def _shown_unread(
    sources: Sequence[Readable], wanted: Collection[str], freshness: Freshness, today: date
) -> frozenset[int]:
    """Which excerpts compete with the pages that were read."""
    texts = [terms(f"{source.title} {' '.join(source.passages)}") for source in sources]
    shares = covered(wanted, texts)
    return frozenset(
        at
        for at, source in enumerate(sources)
        if source.kind != "page"
        and source.hit.rank <= FIRST_HITS
        and shares[at] >= GOOD_SHARE
        and _age(source.at, freshness, today) < OLD
    )


def _order(
    sources: Sequence[Readable],
    ranked: Sequence[Passage],
    shown: frozenset[int],
    freshness: Freshness,
    today: date,
) -> list[int]:
    """The sources, best first: what is new before what is old, other excerpts behind all pages."""
    best = list(dict.fromkeys(passage.source for passage in ranked))

    def worth(at: int) -> tuple[bool, int, float]:
        is_page = sources[at].kind == "page"
        # By half a place more: a page that it would draw with goes first.
        place = best.index(at) + (0.0 if is_page else STEPS_BACK + 0.5)
        return not is_page and at not in shown, _age(sources[at].at, freshness, today), place

    return sorted(best, key=worth)


def _with_place(order: Sequence[int], shown: frozenset[int], count: int) -> list[int]:
    """As many as a model is shown; the best excerpt that competes is among them, at the end."""
    kept = list(order[:count])
    if shown and not shown & {*kept}:
        kept[-1:] = [next(at for at in order if at in shown)]
    return kept


def _age(day: date | None, freshness: Freshness, today: date) -> int:
    """0 for new enough, 1 for unknown, OLD for older; all alike where it does not matter."""
    if freshness is Freshness.ANY:
        return 0
    if day is None:
        return 1
    return 0 if today - day <= _NEW_FOR[freshness] else OLD


def _fill(
    sources: Sequence[Readable], ranked: Sequence[Passage], order: Sequence[int], budget: int
) -> dict[int, list[Passage]]:
    """The best passage of each source, then the best of all, while they fit; in this order."""
    first: dict[int, Passage] = {}
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


def _cited(number: int, source: Readable, kept: Sequence[Passage]) -> Cited:
    return Cited(
        number=number,
        url=source.url,
        title=source.title,
        site=site(source.url),
        passages=tuple(p.text for p in sorted(kept, key=lambda passage: passage.place)),
        date=source.at.isoformat() if source.at else "",
        kind=source.kind,
    )
