"""What goes wrong: which route was chosen for which, how often, and what it costs.

Pure; counts cases and picks examples. Knows no prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...types import Route
from .cases import Case

# What a wrong decision costs beside the answer that was not wanted. A search that was missed gives
# a wrong answer; a cloud that was missed a weak one; the other two only time or money.
COST: Mapping[str, float] = {Route.ENRICH: 2.0, Route.COMPLEX: 1.5}
# A message of a line, of a paragraph, and what is longer.
SHORT_CHARS, MIDDLE_CHARS = 80, 400
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """Cases that went the same wrong way. `cost` ranks them; examples are masked cases."""

    chosen: str
    expected: str
    length: str
    script: str
    count: int
    cost: float
    examples: tuple[Case, ...]

    @property
    def words(self) -> str:
        return f"{self.chosen or 'nothing'} instead of {self.expected}"


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many cases of each expected route (rows) were decided as each route (columns)."""

    routes: tuple[str, ...]
    counts: Mapping[tuple[str, str], int]

    def row(self, expected: str) -> tuple[int, ...]:
        return tuple(self.counts.get((expected, chosen), 0) for chosen in self.routes)


def confusion(cases: Sequence[Case], chosen: Mapping[str, str]) -> Confusion:
    """`chosen` by case id."""
    counts = Counter((case.expected, chosen[case.id]) for case in cases)
    routes = sorted({name for pair in counts for name in pair}, key=_order)
    return Confusion(tuple(routes), counts)


def _order(route: str) -> int:
    names = [str(one) for one in Route]
    return names.index(route) if route in names else len(names)


def failures(cases: Sequence[Case], chosen: Mapping[str, str]) -> list[Failure]:
    """The kinds of failures, the dearest first. `chosen` by case id, as the prompt decides now."""
    groups: dict[tuple[str, str, str, str], list[Case]] = {}
    for case in cases:
        if chosen[case.id] != case.expected:
            kind = (chosen[case.id], case.expected, _length(case.question), _script(case.question))
            groups.setdefault(kind, []).append(case)
    found = [_failure(kind, group) for kind, group in groups.items()]
    return sorted(found, key=lambda failure: -failure.cost)


def _failure(kind: tuple[str, str, str, str], cases: Sequence[Case]) -> Failure:
    chosen, expected, length, script = kind
    cost = COST.get(expected, 1.0) * sum(case.weight for case in cases)
    surest = sorted(cases, key=lambda case: (-case.weight, case.id))[:EXAMPLES]
    return Failure(chosen, expected, length, script, len(cases), cost, tuple(surest))


def _length(text: str) -> str:
    if len(text) <= SHORT_CHARS:
        return "a line"
    return "a paragraph" if len(text) <= MIDDLE_CHARS else "long"


def _script(text: str) -> str:
    """As much of the language as can be told without a model."""
    letters = [letter for letter in text if letter.isalpha()]
    ascii_share = sum(letter.isascii() for letter in letters) / (len(letters) or 1)
    if ascii_share > 0.98:
        return "plain letters"
    return "letters with accents" if ascii_share > 0.5 else "another script"
