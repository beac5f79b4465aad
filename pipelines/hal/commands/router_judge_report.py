"""What `hal router judge` says at its end: the verdicts of this run, and what the judge is worth.

Words and JSON; the arithmetic is `lab.router.judging`'s.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..lab.report.estimates import Share
from ..lab.router.judging import (
    CLOUD,
    LABELS,
    LEAST_RATED,
    LOCAL,
    TIE,
    TRUSTED_FROM,
    TRUTHS,
    UNSURE,
    JudgeCalibration,
    PairScore,
    calibrations,
    unsure_share,
)
from ..sessions.signals import Origin

_WORDS = (
    (LOCAL, "the local answer is better"),
    (TIE, "equally good"),
    (CLOUD, "the cloud's is better"),
    (UNSURE, "unsure"),
)


@dataclass(slots=True)
class Judged:
    """What one run came to. `who` is judge or human; `problem` is a sentence, "" for none."""

    version: str
    who: str
    labels: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    problem: str = ""


def tell(judged: Judged, scores: Sequence[PairScore], *, as_json: bool) -> None:
    """`scores` are all of the log, this run's among them."""
    if as_json:
        json.dump(_document(judged, scores), sys.stdout, indent=2, ensure_ascii=False)
        print()
        return
    for line in (*_run(judged), *_worth(judged, scores)):
        print(line)


def _run(judged: Judged) -> Iterator[str]:
    count = sum(judged.labels.values())
    verb = "rated" if judged.who == Origin.HUMAN else "judged"
    yield f"{count} pairs {verb} now" + (":" if count else ".")
    for label, words in _WORDS:
        if judged.labels[label]:
            yield f"  {words:<28}{judged.labels[label]:>5}"
    if judged.unreadable:
        yield f"  {'answered something else':<28}{judged.unreadable:>5}"
    if judged.problem:
        yield f"It ended early: {judged.problem} Run it again to go on."


def _worth(judged: Judged, scores: Sequence[PairScore]) -> Iterator[str]:
    for version, calibration in _judges(judged, scores):
        labels = _labels(scores, version)
        if not labels:
            continue
        yield ""
        yield f"judge {version}: {len(labels)} pairs"
        yield f"  unsure, or changes its mind with the order: {_share(unsure_share(labels))}"
        yield f"  agrees with people: {_share(calibration.agreement)}"
        if calibration.rated:
            yield from _confusion(calibration)
        yield f"  {_standing(calibration)}"


def _standing(calibration: JudgeCalibration) -> str:
    missing = LEAST_RATED - calibration.rated
    if missing > 0:
        return (
            "uncalibrated: its verdicts count half, its ties not at all. Rate "
            f"{missing} more of its pairs yourself: hal router judge --human"
        )
    if not calibration.is_trusted:
        return (
            f"calibrated, and not to be relied on: it may agree in less than {TRUSTED_FROM:.0%}. "
            "Its verdicts count for what people said when it said so."
        )
    return "calibrated: its verdicts count for what people said when it said so."


def _confusion(calibration: JudgeCalibration) -> Iterator[str]:
    yield f"  {'it said':<10}" + "".join(f"{'people: ' + t:>15}" for t in TRUTHS)
    for label in LABELS:
        counts = [calibration.counts.get((label, truth), 0) for truth in TRUTHS]
        if not any(counts):
            continue
        odds = calibration.posterior(label)
        cells = (f"{n} (p {odds[truth]:.2f})" for n, truth in zip(counts, TRUTHS, strict=True))
        yield f"  {label:<10}" + "".join(f"{cell:>15}" for cell in cells)


def _share(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "nobody has rated a pair that it judged"
    low, high = share.interval
    return f"{share.hits} of {share.n} ({share.value:.0%}, 95 % interval {low:.0%} to {high:.0%})"


def _judges(judged: Judged, scores: Sequence[PairScore]) -> list[tuple[str, JudgeCalibration]]:
    """The one of this run; where a person has rated, all of them."""
    found = calibrations(scores)
    if judged.who == Origin.JUDGE:
        return [(judged.version, found.get(judged.version, JudgeCalibration()))]
    return sorted(found.items())


def _labels(scores: Sequence[PairScore], version: str) -> list[str]:
    return [
        score.label
        for score in scores
        if score.source == Origin.JUDGE and score.source_version == version
    ]


def _document(judged: Judged, scores: Sequence[PairScore]) -> dict[str, Any]:
    return {
        "by": judged.who,
        "now": {label: judged.labels[label] for label in LABELS},
        "unreadable": judged.unreadable,
        "problem": judged.problem,
        "judges": [
            {
                "version": version,
                "pairs": len(_labels(scores, version)),
                "unsure": _json_share(unsure_share(_labels(scores, version))),
                "agreement": _json_share(calibration.agreement),
                "is_calibrated": calibration.is_calibrated,
                "is_trusted": calibration.is_trusted,
                "rated": calibration.rated,
                "missing": max(0, LEAST_RATED - calibration.rated),
                "people_said": {label: calibration.posterior(label) for label in LABELS},
                "counts": {
                    label: {truth: calibration.counts.get((label, truth), 0) for truth in TRUTHS}
                    for label in LABELS
                },
            }
            for version, calibration in _judges(judged, scores)
        ],
    }


def _json_share(share: Share) -> dict[str, Any]:
    return {"hits": share.hits, "n": share.n, "value": share.value, "interval": share.interval}
