"""What the privacy benchmark measures where nothing is labelled.

False-local: how many harmless prompts hold something that would keep them on this machine. Clear:
how much of what people marked as private in real requests can still be read once everything found
is masked. Time: CPU milliseconds for 1,000 characters. Only totals leave this module; no text does.
"""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from _privacy_data import rows
from _privacy_scoring import SCORED_TYPES, Label, interval
from _privacy_systems import System

HALVES: dict[str, bool | None] = {"development": False, "held-out": True, "all": None}
# A lone name has no effect on where a turn goes; everything else has.
KEEPS_LOCAL = SCORED_TYPES - {"PERSON"}
MASK = "█"
TURN_CHARS = 1000
# Enough turns for a 95th percentile, few enough for two seconds.
TURNS = 400
# The quickest of some tries: the machine does other things as well.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One number that is no score: `count` of `n`, or a time."""

    system: str
    what: str
    half: str
    n: int
    count: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None

    @property
    def sentence(self) -> str:
        start = f"{self.system:10}{self.what:46}{self.half:13}"
        if self.count is None:
            return f"{start}p50 {self.p50_ms:.3f} ms, p95 {self.p95_ms:.3f} ms (n {self.n})"
        low, high = interval(self.count, self.n)
        share = 100 * self.count / max(self.n, 1)
        return f"{start}{share:.1f} % ({self.count}/{self.n}, 95 % {low:.3f} to {high:.3f})"

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def false_local(name: str, system: System, half: str) -> Measured:
    """Of prompts with almost nothing private in them, those with a HARD or CONTACT finding."""
    texts = [row["text"] for row in rows("arena_neg", held_out=HALVES[half])]
    kept = sum(any(found.type in KEEPS_LOCAL for found in system(text)) for text in texts)
    return Measured(name, "harmless prompts kept local (arena_neg)", half, len(texts), kept)


def left_in_clear(name: str, system: System, half: str) -> Measured:
    """Of the marked units that stand in the request, those that still stand there when masked.

    A unit counts as hidden as soon as it can no longer be read whole. Units include public people,
    organisations and places, which rules do not look for.
    """
    n = clear = 0
    for row in rows("pupa", held_out=HALVES[half]):
        text = row["text"]
        masked = _masked(text, system(text))
        for unit in filter(None, map(str.strip, row["units"])):
            if _holds(text, unit):
                n += 1
                clear += _holds(masked, unit)
    return Measured(name, "marked units left in clear (pupa)", half, n, clear)


def _masked(text: str, found: Sequence[Label]) -> str:
    for label in sorted(found, key=lambda each: each.start, reverse=True):
        text = text[: label.start] + MASK + text[label.end :]
    return text


def _holds(text: str, unit: str) -> bool:
    """As a whole word: "Al" does not stand in "also"."""
    return re.search(rf"(?<!\w){re.escape(unit)}(?!\w)", text, re.IGNORECASE) is not None


def cpu_time(name: str, what: str, system: System, *, warmed: bool = False) -> Measured:
    """CPU milliseconds for turns of 1,000 characters, made of chat turns and harmless prompts."""
    turns = _turns()
    if warmed:
        for turn in turns:
            system(turn)
    gc.collect()
    times = [min(_cpu_ms(system, turn) for _ in range(TRIES)) for turn in turns]
    p95 = statistics.quantiles(times, n=20)[-1]
    return Measured(name, what, "development", len(turns), None, statistics.median(times), p95)


def _turns() -> list[str]:
    names = ("chat", "arena_neg")
    text = "\n".join(row["text"] for name in names for row in rows(name, held_out=False))
    cut = [text[at : at + TURN_CHARS] for at in range(0, len(text), TURN_CHARS)]
    step = max(1, len(cut) // TURNS)
    return cut[::step]


def _cpu_ms(system: System, text: str) -> float:
    start = time.process_time()
    system(text)
    return (time.process_time() - start) * 1000


def of(name: str, system: System, sets: Sequence[str], halves: Sequence[str]) -> Iterator[Measured]:
    """Everything of this module that the chosen sets allow."""
    for half in halves:
        if "arena_neg" in sets:
            yield false_local(name, system, half)
        if "pupa" in sets:
            yield left_in_clear(name, system, half)
