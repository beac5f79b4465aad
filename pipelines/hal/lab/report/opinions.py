"""What scores say, turn by turn and added up: ratings, signals, and whether a decision was right.

Pure. The newest of a turn, name and source counts. Knows neither a database nor a chart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ...sessions.signals import Name, Origin
from ...sessions.summary import Kind
from .estimates import Share
from .figures import Bin, Quality, Rated, Signal

# What a person says outright, or a judge that compared two answers.
_RATINGS = frozenset({Name.USER_THUMB, Name.USER_RATING})
_VERDICTS = _RATINGS | {Name.JUDGE_PAIR}
Opinion = tuple[str, str, float | None]


def newest(
    scores: Iterable[tuple[str, str, str, float | None, float]],
) -> dict[str, list[Opinion]]:
    """By turn; a rating that was taken back is none."""
    last: dict[tuple[str, str, str], tuple[float, float | None]] = {}
    for turn, name, source, value, at in scores:
        key = (turn, name, source)
        if key not in last or at >= last[key][0]:
            last[key] = (at, value)
    found: dict[str, list[Opinion]] = {}
    for (turn, name, source), (_, value) in last.items():
        if value is not None or source != Origin.HUMAN:
            found.setdefault(turn, []).append((name, source, value))
    return found


def about_turns(kind: Kind, opinions: Iterable[Opinion]) -> list[Opinion]:
    """A verdict on a pair is seen from the local model; of a turn that the cloud answered, that the
    cloud was better says that the turn was right."""
    if not kind.leaves_machine:
        return list(opinions)
    return [
        (name, source, -value if value and name == Name.JUDGE_PAIR else value)
        for name, source, value in opinions
    ]


def doubt(opinions: Iterable[Opinion]) -> float:
    """0..1: the chance that one of the signs against the turn is right, as if each were alone."""
    innocence = 1.0
    for _, _, value in opinions:
        if value is not None and value < 0:
            innocence *= 1.0 - min(1.0, -value)
    return round(1.0 - innocence, 6)


def verdict(opinions: Iterable[Opinion]) -> bool | None:
    """Whether it was right: people before judges; None when nobody said so, or both ways."""
    people = judges = 0.0
    for name, source, value in opinions:
        if value and name in _VERDICTS:
            if source == Origin.HUMAN:
                people += value
            else:
                judges += value
    said = people or judges
    return said > 0 if said else None


@dataclass(slots=True)
class _Decisions:
    turns: int = 0
    confidence: float = 0.0
    contested: int = 0
    judged: int = 0
    right: int = 0


@dataclass(slots=True)
class Tally:
    """Adds up the opinions of turns, kind by kind."""

    _routes: dict[str, list[int]] = field(default_factory=dict)
    _targets: dict[str, list[int]] = field(default_factory=dict)
    _signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _values: dict[tuple[str, str], list[tuple[float, int]]] = field(default_factory=dict)
    _tenths: dict[int, _Decisions] = field(default_factory=dict)

    def decided(self, kind: Kind, turns: int, confidence: float) -> None:
        """So many turns of this kind; `confidence` is their sum."""
        if kind.tenth is not None:
            decisions = self._tenths.setdefault(kind.tenth, _Decisions())
            decisions.turns += turns
            decisions.confidence += confidence

    def add(self, kind: Kind, target: str, turns: Sequence[Sequence[Opinion]]) -> None:
        """What is said about turns of one kind; the same is said of many, and counted first."""
        for (name, source, value), count in Counter(chain.from_iterable(turns)).items():
            self._signals[name, source] += count
            if value is not None:
                self._values.setdefault((name, source), []).append((value, count))
            if name in _RATINGS and value:
                self._rate(self._routes, kind.route, value > 0, count)
                if target:
                    self._rate(self._targets, target, value > 0, count)
        if kind.tenth is not None:
            decisions = self._tenths.setdefault(kind.tenth, _Decisions())
            for opinions in turns:
                self._judge(decisions, opinions)

    def quality(self, turns: int) -> Quality:
        return Quality(
            by_route=tuple(_rated(self._routes)),
            by_target=tuple(_rated(self._targets)),
            signals=tuple(self._counted(turns)),
        )

    def bins(self) -> tuple[Bin, ...]:
        """From the lowest confidence to the highest; empty ones are left out."""
        return tuple(
            Bin(
                low=tenth / 10,
                high=(tenth + 1) / 10,
                mean=found.confidence / found.turns,
                judged=Share(found.right, found.judged),
                uncontested=Share(found.turns - found.contested, found.turns),
            )
            for tenth, found in sorted(self._tenths.items())
            if found.turns
        )

    def _counted(self, turns: int) -> Iterator[Signal]:
        for (name, source), count in sorted(
            self._signals.items(), key=lambda item: (-item[1], item[0])
        ):
            values = self._values.get((name, source), [])
            n = sum(n for _, n in values)
            mean = sum(value * n for value, n in values) / n if n else None
            yield Signal(name, source, Share(count, turns), mean)

    @staticmethod
    def _rate(ratings: dict[str, list[int]], name: str, is_up: bool, count: int) -> None:
        counts = ratings.setdefault(name, [0, 0])
        counts[0] += count if is_up else 0
        counts[1] += count

    @staticmethod
    def _judge(decisions: _Decisions, opinions: Sequence[Opinion]) -> None:
        decisions.contested += any(value is not None and value < 0 for _, _, value in opinions)
        right = verdict(opinions)
        if right is not None:
            decisions.judged += 1
            decisions.right += right


def _rated(ratings: dict[str, list[int]]) -> Iterator[Rated]:
    for name, (up, n) in sorted(ratings.items(), key=lambda item: (-item[1][1], item[0])):
        yield Rated(name, Share(up, n))
