"""The tables about whether turns were right: ratings, signals, confidence, and what to look at.

Pure.
"""

from __future__ import annotations

from datetime import tzinfo

from ...sessions.render import short_id_chars, when
from . import words
from .estimates import ENOUGH, Share
from .figures import Bin, Report, Suspect
from .table import Row, Table
from .words import NONE, percent


def quality(report: Report) -> Table:
    """What people said, with how sure that is."""
    rated = (*report.quality.by_route, *report.quality.by_target)
    rows = tuple((each.name, f"{each.up.n:,}", *_estimate(each.up)) for each in rated)
    return Table(
        "quality",
        "Thumbs up, of all thumbs and ratings",
        ("~ROUTE, TARGET", ">N", ">UP", ">95 % INTERVAL"),
        rows,
        empty="Nobody has rated an answer in this time. `hal feedback pull` brings ratings here.",
        notes=(f"Fewer than {ENOUGH} are too few to tell.",),
    )


def signals(report: Report) -> Table:
    rows = tuple(
        (
            signal.name,
            signal.source,
            f"{signal.turns.hits:,}",
            percent(signal.turns.value),
            words.interval(signal.turns),
            NONE if signal.mean is None else f"{signal.mean:+.2f}",
        )
        for signal in report.quality.signals
    )
    return Table(
        "signals",
        "Signals, of all turns",
        ("<SIGNAL", "<SOURCE", ">TURNS", ">OF ALL", ">95 % INTERVAL", ">MEAN"),
        rows,
        notes=("MEAN: from -1, the turn was wrong, to +1, it was right.",) if rows else (),
    )


def calibration(report: Report) -> Table:
    return Table(
        "calibration",
        "Was the classifier as right as it was sure?",
        ("<CONFIDENCE", ">DECISIONS", ">UNCONTESTED", ">JUDGED", ">RIGHT", ">95 % INTERVAL"),
        tuple(_bin_row(each) for each in report.bins),
        empty="The classifier has decided nothing in this time.",
        notes=(
            "JUDGED: rated by a person or a judge; RIGHT: those that were found right.",
            "UNCONTESTED: no sign of being wrong; most wrong answers give none either.",
        ),
    )


def suspects(report: Report, tz: tzinfo | None) -> Table:
    """The turns most worth looking at; the question only where it was asked for."""
    with_texts = any(suspect.question for suspect in report.suspects)
    chars = short_id_chars([suspect.turn.id for suspect in report.suspects])
    extra = ("~QUESTION",) if with_texts else ()
    return Table(
        "suspects",
        "Turns most worth a look",
        ("tTIME", "<ID", "<ROUTE", "~SIGNALS", "~REASON", *extra),
        tuple(_suspect_row(each, chars, tz, with_texts) for each in report.suspects),
        empty="No turn stands out in this time.",
        notes=("`hal sessions show ID` shows all of one.",) if report.suspects else (),
    )


def _estimate(share: Share) -> Row:
    if not share.is_enough:
        return words.TOO_FEW, NONE
    return percent(share.value), words.interval(share)


def _bin_row(each: Bin) -> Row:
    return (
        f"{each.low:.1f} to {each.high:.1f}",
        f"{each.uncontested.n:,}",
        percent(each.uncontested.value),
        f"{each.judged.n:,}",
        *_estimate(each.judged),
    )


def _suspect_row(each: Suspect, chars: int, tz: tzinfo | None, with_texts: bool) -> Row:
    turn = each.turn
    row = (
        when(turn.started_at, tz)[:16],
        turn.id[:chars],
        turn.route or NONE,
        ", ".join(each.signals) or turn.outcome,
        turn.reason,
    )
    return (*row, " ".join(each.question.split())) if with_texts else row
