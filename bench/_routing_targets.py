"""What bench/routing.py is asked to reach, beside what it measured. Knows no data and no router."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from _routing_five_way import NOT_WORSE, TIME
from _routing_report import Fact, Row
from _routing_rows import ANYWHERE, CASCADE, FIVE_FOLDS, FROZEN, LABELS, Kind

# All parts together, on two cores.
LONGEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Target:
    """`value` and `wanted` as they are shown; `is_met` by the value itself, not by its interval."""

    name: str
    value: str
    wanted: str
    is_met: bool


def targets(rows: Sequence[Row], facts: Sequence[Fact]) -> Iterator[Target]:
    """Those whose part was run."""
    yield from _curves(rows)
    for fact in facts:
        value = float(fact.value)
        said = f"{fact.value:.3f} [{fact.low:.3f}, {fact.high:.3f}]"
        if fact.name == "target 95% met":
            yield Target("quality target of 95 % kept", said, ">= 0.95 of splits", value >= 0.95)
        elif fact.name == "null test":
            name = f"null test, {fact.note.rsplit(';', 1)[-1].strip()}"
            yield Target(name, said, "<= 0.05 of runs", value <= 0.05)
        elif fact.name == NOT_WORSE:
            yield Target(fact.note, said, "interval reaches 0", float(fact.high) >= 0)
        elif fact.name == TIME:
            yield Target(
                f"{TIME}, {fact.note.rsplit(';', 1)[-1].strip()}", said, "<= 2", value <= 2
            )


def duration(seconds: float) -> Target:
    return Target(
        "the whole run", f"{seconds:.0f} s", f"<= {LONGEST_S:.0f} s", seconds <= LONGEST_S
    )


def _curves(rows: Sequence[Row]) -> Iterator[Target]:
    gsm8k = FIVE_FOLDS.format("gsm8k")
    wanted = (
        (FROZEN, Kind.PLAIN, 0.65),
        (ANYWHERE, Kind.PLAIN, 0.65),
        (gsm8k, Kind.PLAIN, 0.63),
        (gsm8k, CASCADE, 0.75),
    )
    for table, router, least in wanted:
        for one in _named(rows, table, router):
            value = one.apgr.value
            name = f"APGR, {one.router}; {table}"
            yield Target(name, str(one.apgr), f">= {least}", value >= least)
    for one in _named(rows, gsm8k, CASCADE):
        value = one.cpt80.value
        said = f"{value:.1f} [{one.cpt80.low:.1f}, {one.cpt80.high:.1f}]"
        yield Target(f"CPT80 %, {CASCADE}; {gsm8k}", said, "<= 40", value <= 40)


def _named(rows: Sequence[Row], table: str, router: str) -> list[Row]:
    """A table of MMLU also has a row with fewer labels, for which nothing is promised."""
    found = [one for one in rows if (one.table, one.router) == (table, router)]
    return [one for one in found if table not in (FROZEN, ANYWHERE) or one.labels == LABELS]


def markdown(found: Sequence[Target]) -> str:
    lines = ["### Targets", "| target | measured | wanted | |", "|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.value} | {one.wanted} | {'met' if one.is_met else '**missed**'} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"
