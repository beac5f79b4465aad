"""Adds up turns, kind by kind, into totals, routes, targets and slots.

Pure. Knows kinds and sums, and not where they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from ...sessions.record import RUNNING
from ...sessions.summary import Kind, Sums
from ...types import DIFFICULTIES, Outcome, Route, Source
from .estimates import Spread
from .figures import Cause, Compared, Group, Slot, Totals
from .period import slot_name

# In the order in which they are shown; what is none of them (a log from elsewhere) comes after.
_ORDER = (*DIFFICULTIES, Route.ENRICH)
# Those who read the question to decide: the others take no time.
_READERS = frozenset(
    {Source.CLASSIFIER, Source.LEARNED, Source.STICKY, Source.EXPLORATION, Source.DEFAULT}
)


def is_task(kind: Kind) -> bool:
    return kind.is_task or kind.route == Route.META


def is_answered(kind: Kind) -> bool:
    """Somebody was shown an answer, or the beginning of one."""
    return kind.outcome != Outcome.FAILED and bool(kind.provider or kind.cache)


def target_of(kind: Kind) -> str:
    """Who made the answer, '' when nobody did in this turn."""
    return "" if kind.cache or not is_answered(kind) else f"{kind.provider} {kind.model}".strip()


@dataclass(slots=True)
class Times:
    """How many times are in each step, in ms; None: that were not measured."""

    classify: Counter[int | None] = field(default_factory=Counter)
    first: Counter[int | None] = field(default_factory=Counter)
    total: Counter[int | None] = field(default_factory=Counter)

    def count(
        self,
        classify: Iterable[int | None],
        first: Iterable[int | None],
        total: Iterable[int | None],
    ) -> None:
        self.classify.update(classify)
        self.first.update(first)
        self.total.update(total)


class Timer(Times):
    """The times of a route or a target, from those of its kinds."""

    __slots__ = ()

    def add(self, kind: Kind, times: Times) -> None:
        """Times of turns of one kind; those of the cache say nothing about a model."""
        if kind.source in _READERS:
            self.classify.update(times.classify)
        if is_answered(kind) and not kind.cache:
            self.first.update(times.first)
            if kind.outcome == Outcome.DONE:
                self.total.update(times.total)


@dataclass(slots=True)
class _Sum:
    turns: int = 0
    answered: int = 0
    local: int = 0
    prompt: int = 0
    completion: int = 0
    cost_usd: float = 0.0
    timer: Timer = field(default_factory=Timer)

    def add(self, kind: Kind, sums: Sums) -> None:
        self.turns += sums.turns
        self.prompt += sums.prompt_tokens
        self.completion += sums.completion_tokens
        self.cost_usd += sums.cost_usd
        if is_answered(kind):
            self.answered += sums.turns
            self.local += 0 if kind.leaves_machine else sums.turns


@dataclass(slots=True)
class _SlotSum:
    routes: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    local: int = 0
    cost_usd: float = 0.0
    cloud_usd: float = 0.0


@dataclass(slots=True)
class Tally:
    """Give it every kind with its sums in every slot, and ask when all are in."""

    unit: str
    _all: _Sum = field(default_factory=_Sum)
    _local_tokens: int = 0
    _cost_unknown: int = 0
    _compared: list[float] = field(default_factory=lambda: [0, 0.0, 0.0])
    _routes: dict[str, _Sum] = field(default_factory=dict)
    _targets: dict[str, _Sum] = field(default_factory=dict)
    _slots: dict[date, _SlotSum] = field(default_factory=dict)
    _tasks: list[int] = field(default_factory=lambda: [0, 0])
    _unfinished: int = 0
    _counts: dict[str, Counter[str]] = field(default_factory=dict)

    def open_slot(self, first: date) -> None:
        """One that is shown even when nothing falls into it."""
        self._slots[first] = _SlotSum()

    def add(self, kind: Kind, first: date, sums: Sums) -> None:
        """The turns of a kind in the slot that begins on this day."""
        if not sums.turns:
            return
        if is_task(kind):
            self._tasks[0] += sums.turns
            self._tasks[1] += sums.prompt_tokens + sums.completion_tokens
        elif kind.outcome == RUNNING:
            self._unfinished += sums.turns
        else:
            self._add_turns(kind, first, sums)

    def timers(self, kind: Kind) -> list[Timer]:
        """Those that the times of this kind belong to."""
        found = [self._routes[kind.route].timer] if kind.route in self._routes else []
        target = self._targets.get(target_of(kind))
        return found if target is None else [*found, target.timer]

    def totals(self) -> Totals:
        n, paid, cloud = self._compared
        return Totals(
            turns=self._all.turns,
            answered=self._all.answered,
            local=self._all.local,
            cached=sum(self.counted("cache").values()),
            tokens=self._all.prompt + self._all.completion,
            local_tokens=self._local_tokens,
            cost_usd=self._all.cost_usd,
            cost_unknown=self._cost_unknown,
            compared=Compared(int(n), paid, cloud),
            tasks=self._tasks[0],
            task_tokens=self._tasks[1],
            unfinished=self._unfinished,
        )

    def routes(self) -> tuple[Group, ...]:
        known = [route for route in _ORDER if route in self._routes]
        others = sorted(set(self._routes) - set(known))
        return tuple(_group(name or "undecided", self._routes[name]) for name in (*known, *others))

    def targets(self) -> tuple[Group, ...]:
        """The busiest first."""
        ordered = sorted(self._targets.items(), key=lambda item: (-item[1].turns, item[0]))
        return tuple(_group(name, found) for name, found in ordered)

    def slots(self) -> tuple[Slot, ...]:
        return tuple(
            Slot(
                first,
                slot_name(first, self.unit),
                dict(sorted(found.routes.items())),
                found.answered,
                found.local,
                found.cost_usd,
                found.cloud_usd,
            )
            for first, found in sorted(self._slots.items())
        )

    def counted(self, what: str) -> dict[str, int]:
        """Turns by source, cache, outcome or error; the most first."""
        found = self._counts.get(what, Counter())
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def causes(self) -> Iterator[Cause]:
        for what in ("outcome", "error"):
            for name, turns in self.counted(what).items():
                yield Cause(what, name, turns)

    def _add_turns(self, kind: Kind, first: date, sums: Sums) -> None:
        self._all.add(kind, sums)
        self._routes.setdefault(kind.route, _Sum()).add(kind, sums)
        if target := target_of(kind):
            self._targets.setdefault(target, _Sum()).add(kind, sums)
        if not kind.leaves_machine:
            self._local_tokens += sums.prompt_tokens + sums.completion_tokens
        self._cost_unknown += sums.turns - sums.cost_known
        for index, value in enumerate((sums.cloud_known, sums.paid_of_cloud, sums.cloud_usd)):
            self._compared[index] += value
        self._count(kind, sums.turns)
        self._add_slot(self._slots.setdefault(first, _SlotSum()), kind, sums)

    def _count(self, kind: Kind, turns: int) -> None:
        bad = "" if kind.outcome == Outcome.DONE else kind.outcome
        for what, name in (
            ("source", kind.source),
            ("cache", kind.cache),
            ("outcome", bad),
            ("error", kind.error_code),
        ):
            if name:
                self._counts.setdefault(what, Counter())[name] += turns

    @staticmethod
    def _add_slot(slot: _SlotSum, kind: Kind, sums: Sums) -> None:
        slot.routes[kind.route] += sums.turns
        slot.cost_usd += sums.cost_usd
        slot.cloud_usd += sums.cloud_usd
        if is_answered(kind):
            slot.answered += sums.turns
            slot.local += 0 if kind.leaves_machine else sums.turns


def _group(name: str, found: _Sum) -> Group:
    return Group(
        name,
        found.turns,
        found.local,
        found.prompt,
        found.completion,
        found.cost_usd,
        classify=_spread(found.timer.classify),
        first_token=_spread(found.timer.first),
        total=_spread(found.timer.total),
    )


def _spread(counts: Counter[int | None]) -> Spread:
    return Spread.of({step: count for step, count in counts.items() if step is not None})
