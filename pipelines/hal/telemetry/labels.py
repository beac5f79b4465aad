"""Label values of metrics, kept few: each one is a time series for ever, and takes memory.

Pure. Knows no metric.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import HalError

OTHER, NONE = "other", "none"
# Causes and purposes are words of ours, some dozens of them; more would be a mistake somewhere.
MOST = 100


class Known:
    """Words from a list; every other one is "other", and an empty one "none"."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)

    def of(self, word: str) -> str:
        return word if word in self._words else OTHER if word else NONE


class Few:
    """The first `most` words that come; every later one is "other", and an empty one "none"."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._words: set[str] = set()

    def of(self, word: str) -> str:
        if not word:
            return NONE
        if word not in self._words:
            if len(self._words) >= self._most:
                return OTHER
            self._words.add(word)
        return word


def error_codes() -> frozenset[str]:
    """Every code that an error of ours can have, and the one of a mistake of ours."""
    codes, classes = {"internal"}, [HalError]
    while classes:
        kind = classes.pop()
        codes.add(kind.code)
        classes += kind.__subclasses__()
    return frozenset(codes)
