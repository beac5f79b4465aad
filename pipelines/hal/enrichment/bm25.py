"""How well each of some texts answers a query by its words: BM25 over these texts alone.

Pure. Knows no stems and no stop words: a word that is in every passage weighs next to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import log

# Robertson and Zaragoza 2009: 1.2 to 2 and .5 to .8 do for most collections; Lucene's defaults.
SATURATION = 1.2
LENGTH_SHARE = 0.75


def bm25(query: Collection[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """A score for each text (lists of terms), 0 where no word of the query is in it."""
    wanted = set(query)
    counts = [Counter(term for term in text if term in wanted) for text in texts]
    mean_length = max(1.0, sum(map(len, texts)) / max(1, len(texts)))
    holders = Counter(term for count in counts for term in count)
    weights = {
        term: log(1 + (len(texts) - held + 0.5) / (held + 0.5)) for term, held in holders.items()
    }
    return [
        _score(count, weights, 1 - LENGTH_SHARE + LENGTH_SHARE * len(text) / mean_length)
        for count, text in zip(counts, texts, strict=True)
    ]


def covered(query: Collection[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """Which share of the query's words each text has, 0 to 1, of those that any of the texts has.

    Not by their weight: in texts that answer, the rare words are those of the question's form.
    """
    held = [{*text} & {*query} for text in texts]
    count = len(frozenset().union(*held)) or 1
    return [len(words) / count for words in held]


def _score(count: Counter[str], weights: dict[str, float], length: float) -> float:
    return sum(
        weights[term] * n * (SATURATION + 1) / (n + SATURATION * length)
        for term, n in count.items()
    )
