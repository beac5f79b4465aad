"""From what the queries found to the few results that are worth reading.

Pure. Ranks are fused, never scores: SearXNG's score means position times agreement, and two
queries cannot be compared by it. Knows no page, only results, and the words of the question.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from .bm25 import bm25
from .passages import terms
from .types import Hit, Outcome, Results
from .urls import canonical_url, is_below, page_key, registrable_domain

# Cormack, Clarke and Buettcher 2009, "Reciprocal Rank Fusion": 60 was best over their runs, and
# nothing near it is much worse.
FUSION_K = 60
# Six pages are read at once, so that four good ones come of them (facts sheet, 6.4).
TAKE = 6
# Two of one owner leave room for somebody who disagrees.
PER_DOMAIN = 2


def fuse(rankings: Sequence[Sequence[int]]) -> list[float]:
    """Scores by reciprocal rank fusion; `rankings[r][i]` is the rank (from 1) of item i in r."""
    count = len(rankings[0]) if rankings else 0
    return [sum(1 / (FUSION_K + ranking[i]) for ranking in rankings) for i in range(count)]


def merge(
    results: Sequence[Results],
    denied: Collection[str] = (),
    *,
    wanted: Collection[str] = (),
    take: int = TAKE,
    per_domain: int = PER_DOMAIN,
) -> tuple[tuple[Hit, ...], tuple[Outcome, ...]]:
    """The results to read, best first; and what became of the others. Their rank is that among the
    results of all queries.

    `denied` are domains; what is below one is denied too. `wanted`: the words of the question. The
    best by these and by rank are taken, also where they are the third or fourth of one owner.
    """
    hits = [replace(hit, rank=rank) for rank, hit in enumerate(_by_page(results), start=1)]
    denied = frozenset(domain.strip().lower().removeprefix("www.") for domain in denied)
    taken: list[Hit] = []
    others: list[Outcome] = []
    owners: Counter[str] = Counter()
    for hit in _by_worth(hits, wanted):
        owner = registrable_domain(hit.url)
        if fate := _left_out(hit, denied, owners[owner] >= per_domain, len(taken) >= take):
            others.append(Outcome(hit.url, hit.rank, *fate))
        else:
            owners[owner] += 1
            taken.append(hit)
    return tuple(taken), tuple(others)


def _by_worth(hits: Sequence[Hit], wanted: Collection[str]) -> list[Hit]:
    """By what the search engine shows of them, and by its order."""
    by_words = bm25(wanted, [terms(f"{hit.title} {hit.snippet}") for hit in hits])
    scores = fuse([[hit.rank for hit in hits], places(by_words)])
    return [hit for hit, _ in sorted(zip(hits, scores, strict=True), key=lambda pair: -pair[1])]


def places(scores: Sequence[float]) -> list[int]:
    """How many are at least as good: what matches nothing is last, however few do match."""
    ordered = sorted(scores)
    return [len(ordered) - bisect_left(ordered, score) for score in scores]


def _left_out(
    hit: Hit, denied: frozenset[str], is_crowded: bool, is_full: bool
) -> tuple[str, str] | None:
    if not canonical_url(hit.url):
        return "dropped", "no web address"
    if is_below(hit.url, denied):
        return "dropped", "denied domain"
    if is_crowded:
        return "dropped", "enough of this domain"
    return ("unused", "enough results") if is_full else None


def _by_page(results: Sequence[Results]) -> list[Hit]:
    """One result for each page, best first; what a later one knows better is taken over."""
    found: dict[str, Hit] = {}
    scores: dict[str, float] = {}
    for result in results:
        for key, hit in _first_of_each(result).items():
            found[key] = _richer(found[key], hit) if key in found else hit
            scores[key] = scores.get(key, 0.0) + 1 / (FUSION_K + hit.rank)
    # Sorting is stable: the order of equals is that of the queries, the first of which is nearest
    # to the question.
    return [found[key] for key in sorted(found, key=lambda key: -scores[key])]


def _first_of_each(result: Results) -> dict[str, Hit]:
    first: dict[str, Hit] = {}
    for hit in sorted(result.hits, key=lambda hit: hit.rank):
        key = page_key(hit.url) or hit.url
        first[key] = _richer(first[key], hit) if key in first else hit
    return first


def _richer(hit: Hit, other: Hit) -> Hit:
    return replace(
        hit,
        title=hit.title or other.title,
        snippet=max(hit.snippet, other.snippet, key=len),
        date=hit.date or other.date,
    )
