"""Whether a text repeats what somebody else said, word for word.

Pure. Looks for runs of words, and for whole short messages. Capitals and punctuation do not hide a
copy. Linear in both texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Six words in a row are hardly ever the same by chance; "what is the capital of" is five.
RUN = 6
# A short message is a copy as a whole; two words ("good morning") are everybody's.
SHORTEST = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Phrases:
    """`runs` are all runs of six words, `whole` the messages that are shorter."""

    runs: frozenset[tuple[str, ...]]
    whole: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Phrases:
        runs: set[tuple[str, ...]] = set()
        whole: set[tuple[str, ...]] = set()
        for text in texts:
            words = _words(text)
            runs.update(_runs(words, RUN))
            if SHORTEST <= len(words) < RUN:
                whole.add(tuple(words))
        return cls(frozenset(runs), frozenset(whole))

    def are_in(self, text: str) -> bool:
        """Whether a run stands in the text, or a short message as a line of it, or behind a bar."""
        lines = [line.rpartition("|")[2] for line in text.splitlines()]
        if any(tuple(_words(line)) in self.whole for line in lines):
            return True
        return any(run in self.runs for line in lines for run in _runs(_words(line), RUN))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
