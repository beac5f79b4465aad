"""An evaluation as a sentence, notes and tables, for the terminal and the page.

Pure; says nothing that the numbers do not hold: with too few turns nothing is called better.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from ..report.table import Row, Table
from ..report.words import duration, money, percent, things
from .bootstrap import Interval
from .evaluating import LEAST_RANKED, Ranked
from .evaluation import IN_FORCE, Evaluation, Policy

_NONE = "-"


def headline(found: Evaluation) -> str:
    """The one sentence."""
    ranking = found.ranking
    n = things(ranking.n, "turn")
    if not ranking.n:
        return "No unseen turn has an outcome of both models: there is nothing to rank by."
    if not ranking.differ:
        return f"Both models are equally good on {n}: there is nothing to rank by."
    known = {one.name: one for one in (*ranking.routers, *ranking.baselines)}
    now, length = known[IN_FORCE], known["prompt length"]
    if ranking.is_descriptive:
        return (
            f"{n} with both outcomes: too few to rank routers, {LEAST_RANKED - ranking.n} are "
            "missing. The numbers only describe these turns."
        )
    said = f"{found.router_id} recovers {_plain(now.apgr)} of the gap between the models (APGR)"
    if now.apgr.low > length.apgr.high:
        return f"{said}, more than prompt length does ({length.apgr.value:.3f})."
    if now.apgr.high < length.apgr.low:
        return f"{said}, less than prompt length does ({length.apgr.value:.3f})."
    return f"{said}; prompt length alone {length.apgr.value:.3f}, which is not clearly different."


def notes(found: Evaluation) -> Iterator[str]:
    """On what the numbers stand."""
    labels = ", ".join(f"{count:,} {name}" for name, count in found.labels.items())
    span = f", {found.since} to {found.until}" if found.since else ""
    yield f"From {found.source}{span}. Labels: {labels or 'none'}."
    if found.seen:
        yield (
            f"{things(found.seen, 'turn')} of {found.turns:,} left out: a router learned from "
            "them, or from other turns of their conversations or before."
        )
    if found.other_models:
        yield f"{things(found.other_models, 'judged turn')} left out: other models answered."
    yield from found.judges
    if found.is_drawn_apart:
        yield (
            "Some pairs were likelier to be asked for than others (routers disagreed there). The "
            "ranking takes them as they are; what policies come to is weighted back."
        )


def tables(found: Evaluation) -> Iterator[Table]:
    """Those that there are numbers for, what matters most first."""
    if found.ranking.routers:
        yield _ranking(found)
    if found.policies:
        yield _policies(found)
    if found.believed:
        yield _believed(found)
    if found.confusions:
        yield _confusions(found)
    if found.latencies:
        yield _latencies(found)
    if found.replayed:
        yield _replayed(found)


def _ranking(found: Evaluation) -> Table:
    ranking = found.ranking
    rows = [_ranked(one) for one in (*ranking.routers, *ranking.baselines)]
    why = "not a ranking: too few turns. " if ranking.is_descriptive else ""
    return Table(
        key="ranking",
        title=f"Cost and quality, {things(ranking.n, 'unseen turn')}",
        heads=("<router", ">APGR", ">CPT50 %", ">CPT80 %"),
        rows=tuple(rows),
        notes=(
            f"{why}APGR: 0 always local ({ranking.always_local:.3f} right), 1 always cloud "
            f"({ranking.always_cloud:.3f}), .5 chance; may exceed 1. CPT: share of turns for half, "
            "or four fifths, of what the cloud adds. By RouteLLM's definitions, ties at their "
            "expectation; 95 % bootstrap by conversation.",
        ),
    )


def _ranked(one: Ranked) -> Row:
    return one.name, str(one.apgr), _percents(one.cpt50), _percents(one.cpt80)


def _policies(found: Evaluation) -> Table:
    return Table(
        key="policies",
        title="What ways to decide come to",
        heads=("<way", ">cloud", ">quality", ">worst", ">per 100 turns"),
        rows=tuple(map(_policy, found.policies)),
        notes=("quality: share of always-cloud's, and its worst case (one-sided 97.5 %).",),
    )


def _policy(one: Policy) -> Row:
    dollars = money(one.usd_per_100) if isfinite(one.usd_per_100) else _NONE
    return (
        *(one.name, percent(one.cloud_share)),
        *(percent(one.quality), percent(one.worst_case), dollars),
    )


def _believed(found: Evaluation) -> Table:
    assert found.believed is not None  # noqa: S101  (asked only where there is one)
    believed = found.believed
    rows = tuple(
        (f"{each.said:.2f}", _plain(each.came), f"{each.count:,}") for each in believed.bins
    )
    return Table(
        key="reliability",
        title="How far P(local answer good enough) can be believed",
        heads=(">said", ">came true", ">turns"),
        rows=rows,
        notes=(
            f"{things(believed.n, 'turn')}; Brier {believed.brier:.3f} (0 perfect, .25 always one "
            f"half), ECE {believed.error:.3f}.",
        ),
    )


def _confusions(found: Evaluation) -> Table:
    assert found.confusions is not None  # noqa: S101
    counts, recalls = found.confusions.counts, found.confusions.recalls
    labels = [label for label in counts if label in recalls or _is_decided(counts, label)]
    rows = tuple(
        (
            label,
            *(f"{counts[label][got]:,}" for got in labels),
            _plain(recalls[label]) if label in recalls else _NONE,
        )
        for label in labels
    )
    return Table(
        key="confusion",
        title="What was wanted (rows) and what was decided",
        heads=("<wanted", *(f">{label}" for label in labels), ">recall"),
        rows=rows,
        notes=("Wanted: what users said, in ratings, commands and corrections; see the labels.",),
    )


def _is_decided(counts: object, label: str) -> bool:
    return isinstance(counts, dict) and any(row[label] for row in counts.values())


def _latencies(found: Evaluation) -> Table:
    rows = tuple(
        (one.name, f"{one.n:,}", duration(one.p50_ms), duration(one.p95_ms))
        for one in found.latencies
    )
    sure = f"{percent(found.sure_share)} of the newest turns" if isfinite(found.sure_share) else ""
    return Table(
        key="latency",
        title="How long decisions took",
        heads=("<by", ">turns", ">p50", ">p95"),
        rows=rows,
        notes=(f"Decided without the classifier: {sure}.",) if sure else (),
    )


def _replayed(found: Evaluation) -> Table:
    assert found.replayed is not None  # noqa: S101
    replayed = found.replayed
    rows: tuple[Row, ...] = ()
    extra: tuple[str, ...] = ()
    if replayed.estimate is not None:
        known = replayed.estimate
        rows = (
            ("as logged", f"{known.logged:.3f}"),
            ("doubly robust", _plain(known.doubly_robust)),
            ("IPS", _plain(known.ips)),
            ("IPS, normalised", _plain(known.snips)),
        )
        extra = (
            f"{things(replayed.explored, 'explored turn')}, worth {known.effective_turns:.0f}; "
            f"{percent(known.clipped_share)} of the weights were cut. Mean outcome, 0 to 1.",
        )
    return Table(
        key="off_policy",
        title="What the router in force would have come to on explored turns",
        heads=("<estimate", ">mean outcome"),
        rows=rows,
        empty=replayed.why_not,
        notes=extra,
    )


def _plain(found: Interval) -> str:
    return str(found)


def _percents(found: Interval) -> str:
    return f"{found.value:.1f} [{found.low:.1f}, {found.high:.1f}]"
