"""Searches all that was sent for all values of a run, whoever's turn they were in.

`Traces` decides. With ten thousand values it is too slow to be asked about each of them for each
request, so an index names the candidates first: the first characters of every form of every value,
letters and digits alone, looked up at every place of the request as it is and decoded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hal.privacy.kinds import Kind
from hal.privacy.trace_forms import decoded, forms
from hal.privacy.traces import Hit, Traces

# The shortest value here, a date of birth, has more letters and digits than this.
GRAM_CHARS = 6


@dataclass(frozen=True, slots=True)
class Leak:
    """A value in what was sent; `sent` and `number` are places in what was searched."""

    sent: int
    number: int
    hit: Hit


class Audit:
    """`values` by number. A value too short for the index is looked for everywhere."""

    def __init__(self, values: Sequence[tuple[Kind, str]]) -> None:
        self._values = values
        self._by_gram: dict[str, set[int]] = defaultdict(set)
        self._short: set[int] = set()
        for number, (kind, value) in enumerate(values):
            for form in forms(kind, value):
                bare = _bare(form)
                if len(bare) < GRAM_CHARS:
                    self._short.add(number)
                self._by_gram[bare[:GRAM_CHARS]].add(number)

    def leaks(self, sent: Iterable[bytes]) -> list[Leak]:
        found = []
        for at, payload in enumerate(sent):
            for number in sorted(self._candidates(payload)):
                hits = Traces([self._values[number]]).find(payload)
                found += [Leak(at, number, hit) for hit in hits]
        return found

    def _candidates(self, payload: bytes) -> set[int]:
        text = payload.decode("utf-8", "replace")
        found = set(self._short)
        for view in {_bare(text), _bare(decoded(text))}:
            for at in range(len(view) - GRAM_CHARS + 1):
                found |= self._by_gram.get(view[at : at + GRAM_CHARS], set())
        return found


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
