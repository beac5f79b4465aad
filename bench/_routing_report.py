"""The rows of bench/routing.py, and how they are printed: Markdown on stdout, JSON in a file.

Knows no data. Each row carries its interval; nothing is rounded before it is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from hal.lab.router.bootstrap import Interval, drawn_curves
from hal.lab.router.calibration import Bin
from hal.lab.router.curve import Curve, Floats, Outcomes, apgr, cpt, quality_curve

# As routellm/evals; fewer draws than in a fit's decision, as five splits are averaged anyway.
DRAWS = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One router on one table. `labels` is how many labels it saw, `n` how many prompts it judged;
    `spread` the standard deviation over splits of the labels, NaN where there was one; `first`
    the scores and outcomes of the first split, for a plot.
    """

    table: str
    router: str
    labels: int
    n: int
    apgr: Interval
    cpt50: Interval
    cpt80: Interval
    spread: float
    first: tuple[Floats, Outcomes] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that is not a curve, such as how often a promise was kept."""

    name: str
    value: float
    low: float
    high: float
    note: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was said against what came, for a plot."""

    name: str
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Confusions:
    """counts[wanted][got], for a plot."""

    name: str
    counts: dict[str, dict[str, int]]


Finding = Row | Fact | Reliability | Confusions


def row(
    table: str, router: str, labels: int, scores: Sequence[Floats], outcomes: Sequence[Outcomes]
) -> Row:
    """Of one or several splits: means of values and of the ends of the bootstrap's intervals."""
    splits = [_intervals(*split) for split in zip(scores, outcomes, strict=True)]
    found = list(zip(*splits, strict=True))
    values = [one.value for one in found[0]]
    middle = sum(values) / len(values)
    spread = (sum((one - middle) ** 2 for one in values) / max(1, len(values) - 1)) ** 0.5
    return Row(
        table,
        router,
        labels,
        len(outcomes[0]),
        *map(mean, found),
        spread=spread if len(values) > 1 else float("nan"),
        first=(scores[0], outcomes[0]),
    )


def _intervals(scores: Floats, outcomes: Outcomes) -> tuple[Interval, Interval, Interval]:
    """APGR, CPT50 and CPT80 of one split; one curve per draw serves all three."""
    values = _numbers(quality_curve(scores, outcomes.weak, outcomes.strong))
    drawn = [_numbers(curve) for curve in drawn_curves(scores, outcomes, draws=DRAWS)]
    ends = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    one, two, three = (
        Interval(value, float(low), float(high))
        for value, low, high in zip(values, *ends, strict=True)
    )
    return one, two, three


def _numbers(curve: Curve) -> tuple[float, float, float]:
    return apgr(curve), cpt(curve, 0.5), cpt(curve, 0.8)


def mean(intervals: Sequence[Interval]) -> Interval:
    count = len(intervals)
    return Interval(
        sum(one.value for one in intervals) / count,
        sum(one.low for one in intervals) / count,
        sum(one.high for one in intervals) / count,
    )


def markdown(rows: Sequence[Row], facts: Sequence[Fact]) -> str:
    """All tables in the order of their rows, then the facts."""
    lines: list[str] = []
    for table in dict.fromkeys(one.table for one in rows):
        lines += ["", f"### {table}", "| router | labels | n | APGR | CPT50 % | CPT80 % |"]
        lines.append("|---|---|---|---|---|---|")
        lines += [_line(one) for one in rows if one.table == table]
    if facts:
        lines += ["", "### Checks", "| check | value | note |", "|---|---|---|"]
        lines += [_fact(one) for one in facts]
    return "\n".join(lines).strip() + "\n"


def as_json(rows: Sequence[Row], facts: Sequence[Fact]) -> dict[str, object]:
    plain = [{k: v for k, v in asdict(one).items() if k != "first"} for one in rows]
    return {"rows": plain, "facts": [asdict(one) for one in facts]}


def _line(one: Row) -> str:
    spread = f" ±{one.spread:.3f}" if one.spread == one.spread else ""
    apgr = f"{one.apgr.value:.3f} [{one.apgr.low:.3f}, {one.apgr.high:.3f}]{spread}"
    calls = [
        f"{part.value:.1f} [{part.low:.1f}, {part.high:.1f}]" for part in (one.cpt50, one.cpt80)
    ]
    return f"| {one.router} | {one.labels:,} | {one.n:,} | {apgr} | {' | '.join(calls)} |"


def _fact(one: Fact) -> str:
    if one.low != one.low:
        return f"| {one.name} | {one.value:.3g} | {one.note} |"
    return f"| {one.name} | {one.value:.3g} [{one.low:.3g}, {one.high:.3g}] | {one.note} |"
