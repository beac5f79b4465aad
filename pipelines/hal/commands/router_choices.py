"""What a calibration came to, as a table for the terminal and as JSON.

Knows words and columns; chooses nothing and writes no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any

from ..lab.report.table import Row, Table
from ..lab.report.words import money, percent
from ..lab.router.target import Measured
from ..routing.learned.calibration import SAME_TARGET, Calibration, Choice
from ..settings import RouterSettings
from .router_place import show_tables


@dataclass(frozen=True, slots=True)
class Found:
    """What was calibrated, and what it is compared with."""

    calibration: Calibration
    today: Measured
    usd: float
    asked: float | None
    before: Choice | None
    notes: tuple[str, ...]


def show(settings: RouterSettings, found: Found, *, written: bool) -> None:
    made = found.calibration
    target = settings.quality_target
    chosen = made.choice_for(target)
    notes = [
        f"{made.turns:,} turns with both outcomes, {made.since} to {made.until}: "
        + ", ".join(f"{count:,} {name}" for name, count in made.labels.items()),
        *found.notes,
    ]
    headline = _headline(target, chosen, found.usd) if chosen else "No threshold keeps this target."
    show_tables(headline, notes, [_table(found, chosen)])
    print()
    for line in _next(settings, found, chosen, written=written):
        print(line)


def _headline(target: float, chosen: Choice, usd: float) -> str:
    cost = _dollars(chosen.cloud_share, usd)
    if chosen.target is None:
        return (
            f"{percent(chosen.cloud_share)} of the turns to the cloud keep "
            f"{percent(chosen.quality)} of its quality, at least {percent(chosen.worst_case)}: "
            f"{cost} per 100 turns."
        )
    return (
        f"To keep {_target(target)} of the cloud's quality, {percent(chosen.cloud_share)} of the "
        f"turns go there: {cost} per 100 turns."
    )


def _table(found: Found, chosen: Choice | None) -> Table:
    made = found.calibration
    choices = [*([made.fixed] if made.fixed else []), *made.choices]
    rows = [_row(one, found.usd, is_chosen=one is chosen) for one in choices]
    today = found.today
    rows.append(
        (
            *("until now", "", percent(today.cloud_share)),
            *(_dollars(today.cloud_share, found.usd), percent(today.quality)),
            *(percent(today.worst_case), "", ""),
        )
    )
    return Table(
        key="choices",
        title="What each promise takes",
        heads=(
            *("<target", ">gain", ">cloud", ">per 100", ">quality", ">worst", ">sure"),
            ">drafts",
        ),
        rows=tuple(rows),
        notes=(
            "gain: what the cloud has to add for a turn to go there. per 100: dollars for 100 "
            "turns. quality: share of always-cloud's, and its worst case (one-sided 97.5 %). "
            "sure: decided without asking the classifier. drafts: the cloud's share where CASCADE "
            "is on.",
        ),
    )


def _row(one: Choice, usd: float, *, is_chosen: bool) -> Row:
    name = "asked for" if one.target is None else _target(one.target)
    return (
        f"{name} *" if is_chosen else name,
        _gain(one.threshold),
        percent(one.cloud_share),
        _dollars(one.cloud_share, usd),
        percent(one.quality),
        percent(one.worst_case),
        percent(one.sure_share) if isfinite(one.margin) else "never",
        percent(one.draft.cloud_share) if one.draft else "-",
    )


def _target(share: float) -> str:
    return f"{100 * share:g} %"


def _gain(threshold: float) -> str:
    return {inf: "none", -inf: "all"}.get(threshold, f"{threshold:+.4f}")


def _dollars(share: float, usd: float) -> str:
    return money(100 * share * usd) if isfinite(usd) else "-"


def _next(
    settings: RouterSettings, found: Found, chosen: Choice | None, *, written: bool
) -> Iterator[str]:
    before = found.before
    if before is not None and chosen is not None:
        yield (
            f"In force until now: gain from {_gain(before.threshold)}, "
            f"{percent(before.cloud_share)} to the cloud; new: {_gain(chosen.threshold)}, "
            f"{percent(chosen.cloud_share)}."
        )
    target = settings.quality_target
    if found.asked is not None and abs(found.asked - target) > SAME_TARGET:
        yield f"QUALITY_TARGET is {target:g}; set it to {found.asked:g} to be served by that row."
    if found.calibration.fixed is not None:
        yield "The share goes before QUALITY_TARGET until `hal router calibrate` runs without it."
    if not settings.learned:
        yield "LEARNED_ROUTER is off: the classifier decides until it is switched on."
    if written:
        yield "It is in force with the next turn (* is the row that is served)."
    else:
        yield "Nothing was written. To put it in force: hal router calibrate --apply"


def document(settings: RouterSettings, found: Found, *, written: bool) -> dict[str, Any]:
    made = found.calibration
    chosen = made.choice_for(settings.quality_target)
    return {
        "calibrated": True,
        "written": written,
        "router_id": made.router_id,
        "local_model": made.local_model,
        "local_digest": made.local_digest,
        "cloud_model": made.cloud_model,
        "quality_target": settings.quality_target,
        "served": _choice(chosen, found.usd) if chosen else None,
        "choices": [_choice(one, found.usd) for one in made.choices],
        "fixed": _choice(made.fixed, found.usd) if made.fixed else None,
        "as_it_was_decided": asdict(found.today),
        "usd_per_cloud_turn": found.usd if isfinite(found.usd) else None,
        "pairs": made.turns,
        "since": made.since,
        "until": made.until,
        "labels": made.labels,
        "made_at": made.made_at,
        "notes": list(found.notes),
    }


def _choice(one: Choice, usd: float) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in asdict(one).items()}
    return {**values, "usd_per_100": _plain(100 * one.cloud_share * usd)}


def _plain(value: Any) -> Any:
    """JSON has no infinity: "never" and "always", as in the file; null where nobody knows."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, float) and not isfinite(value):
        return {inf: "never", -inf: "always"}.get(value)
    return value
