"""Puts passages into the order in which they are worth quoting.

Pure. By words, by the search engine's order, by the title and, where they are known or matter, by
meaning and by the day: all of them as ranks, fused as in `merge`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ..sizes import text_tokens
from .bm25 import bm25
from .cleaning import escaped
from .merge import fuse, places
from .passages import terms
from .readable import Readable, readable
from .types import Freshness, Hit, Page

# For a model that compares by meaning: about a second on a CPU (all-minilm, 5 to 30 ms each).
CANDIDATES = 60
# Of these so many may be quoted although they share no word with the question: two for each of five
# sources. A limit on the nearness itself would be another one for each model.
NEAREST = 10


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of a source, both by their numbers. `matches`: it has to do with the question."""

    source: int
    place: int
    text: str
    score: float
    matches: bool

    @property
    def tokens(self) -> int:
        return text_tokens(escaped(self.text))


def candidates(
    wanted: Collection[str], hits: Sequence[Hit], pages: Sequence[Page], today: date
) -> tuple[str, ...]:
    """The passages that are worth comparing by meaning: the best of each source by its words, then
    the second best of each, and so on, CANDIDATES at most."""
    sources, _ = readable(hits, pages, today)
    seen: Counter[int] = Counter()
    rounds: list[tuple[int, str]] = []
    for passage in by_worth(sources, wanted):
        rounds.append((seen[passage.source], passage.text))
        seen[passage.source] += 1
    texts = (text for _, text in sorted(rounds, key=lambda pair: pair[0]))
    return tuple(dict.fromkeys(texts))[:CANDIDATES]


def by_worth(
    sources: Sequence[Readable],
    wanted: Collection[str],
    freshness: Freshness = Freshness.ANY,
    near: Mapping[str, float] | None = None,
) -> list[Passage]:
    """All passages, best first. `near`: how near some of the texts are by meaning, -1 to 1."""
    at_places = [(at, place) for at, s in enumerate(sources) for place in range(len(s.passages))]
    if not at_places:
        return []
    texts = [sources[at].passages[place] for at, place in at_places]
    by_words = bm25(wanted, [terms(text) for text in texts])
    rankings = [places(by_words), *_of_sources(sources, [at for at, _ in at_places], wanted)]
    if freshness is not Freshness.ANY:
        days = [float(day.toordinal()) if (day := source.at) else 0.0 for source in sources]
        rankings.append(_ranks([days[at] for at, _ in at_places]))
    if near:  # what was not compared is behind all that was
        rankings.append(places([near.get(text, -math.inf) for text in texts]))
    nearest = _nearest(near or {})
    found = [
        Passage(at, place, text, score, matched > 0 or text in nearest)
        for (at, place), text, score, matched in zip(
            at_places, texts, fuse(rankings), by_words, strict=True
        )
    ]
    return sorted(found, key=lambda passage: -passage.score)


def _of_sources(
    sources: Sequence[Readable], of: Sequence[int], wanted: Collection[str]
) -> tuple[list[int], list[int]]:
    """The ranks of each passage's source: the search engine's, and that of its title."""
    by_title = bm25(wanted, [terms(source.title) for source in sources])
    return [sources[at].hit.rank for at in of], _ranks([by_title[at] for at in of])


def _nearest(near: Mapping[str, float]) -> frozenset[str]:
    return frozenset(sorted(near, key=lambda text: -near[text])[:NEAREST])


def _ranks(scores: Sequence[float]) -> list[int]:
    """From 1 for the highest; equals share a rank, and the next one follows at once."""
    rank = {score: place for place, score in enumerate(sorted(set(scores), reverse=True), start=1)}
    return [rank[score] for score in scores]
