"""What the verdicts on a pair of answers are worth: both orders together, and against people.

Pure arithmetic on labels; knows no model, no text and no log. A judge that is shown the same pair
in both orders and changes its mind has judged the place, not the answers (Zheng et al. 2023,
"Judging LLM-as-a-Judge"): such a pair is unsure, not a tie. How far a judge is to be believed is
counted on the pairs that people have rated as well.

Convention of the outcomes, on which a router learns: the local answer is good enough where it is at
least as good as the cloud's, and the other way round. So a tie is good enough on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..report.estimates import Share

LOCAL, CLOUD, TIE, UNSURE = "local", "cloud", "tie", "unsure"
# What people say; `unsure` is a judge's alone.
TRUTHS = (LOCAL, CLOUD, TIE)
LABELS = (*TRUTHS, UNSURE)

# With fewer pairs rated by people, the interval of an agreement of 80 % is wider than 35 points.
LEAST_RATED = 20
# What nobody has checked counts half: enough to learn from, and two of them are outvoted by one
# pair that people rated. Its ties do not count: a model that is too small to tell calls everything
# one (see docs/decisions.md), and would teach that the local answer is always good enough. Without
# them the local model looks worse than it is, which costs money and no quality.
UNCHECKED_WEIGHT = 0.5
# Below this agreement (its lower end) a judge should not decide about a change of routing.
TRUSTED_FROM = 0.7

_OUTCOMES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        LOCAL: (1.0, 0.0),
        CLOUD: (0.0, 1.0),
        TIE: (1.0, 1.0),
        # Nobody knows; in the middle, and with a weight of nothing (`pair_weight`).
        UNSURE: (0.5, 0.5),
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`label` is one of LABELS; `value` is the score's: 1 the local answer is at least as good,
    -1 the cloud's is clearly better, 0 unsure."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class PairScore:
    """One score row about a pair. `source` is judge or human, `source_version` who exactly."""

    turn_id: str
    source: str
    source_version: str
    label: str


@dataclass(frozen=True, slots=True)
class JudgeCalibration:
    """One judge against people. `counts` maps (its label, theirs) to pairs; empty: nobody rated."""

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def rated(self) -> int:
        return sum(self.counts.values())

    @property
    def is_calibrated(self) -> bool:
        return self.rated >= LEAST_RATED

    @property
    def agreement(self) -> Share:
        """Same label, of all pairs that both judged; an unsure one agrees with nobody."""
        return Share(sum(self.counts.get((each, each), 0) for each in TRUTHS), self.rated)

    @property
    def is_trusted(self) -> bool:
        """Whether people agree often enough, at the lower end of the interval."""
        interval = self.agreement.interval
        return self.is_calibrated and interval is not None and interval[0] >= TRUSTED_FROM

    def posterior(self, label: str) -> dict[str, float]:
        """P(what people would say | the judge said `label`), with one pair more of each kind
        (Laplace), so that what was never seen is unlikely and not impossible."""
        seen = {truth: self.counts.get((label, truth), 0) for truth in TRUTHS}
        total = sum(seen.values()) + len(TRUTHS)
        return {truth: (count + 1) / total for truth, count in seen.items()}


def combined(local_first: str, cloud_first: str) -> Verdict:
    """One verdict of two: what the judge said (of LABELS) with each answer shown first.

    The same word twice is the verdict. "Local" once and "tie" once agree that the local answer is
    at least as good; "cloud" and "tie" agree on nothing that a router could use.
    """
    said = {local_first, cloud_first}
    if UNSURE in said:
        return Verdict(UNSURE, 0.0)
    if len(said) == 1:
        label = said.pop()
        return Verdict(label, -1.0 if label == CLOUD else 1.0)
    if said == {LOCAL, TIE}:
        return Verdict(TIE, 1.0)
    return Verdict(UNSURE, 0.0)


def human_verdict(label: str) -> Verdict:
    """A person's word about a pair, who has seen both at once."""
    return combined(label, label)


def calibrations(scores: Iterable[PairScore]) -> dict[str, JudgeCalibration]:
    """Each judge (by `source_version`) against people, on the turns that both have rated.

    `scores` in the order in which they were given: of several by the same source, the last counts.
    A judge whom nobody has checked has an empty calibration.
    """
    people: dict[str, str] = {}
    judges: dict[str, dict[str, str]] = {}
    for score in scores:
        if score.source == "human":
            people[score.turn_id] = score.label
        else:
            judges.setdefault(score.source_version, {})[score.turn_id] = score.label
    return {
        version: JudgeCalibration(
            Counter((label, people[turn]) for turn, label in labels.items() if turn in people)
        )
        for version, labels in judges.items()
    }


def pair_outcomes(label: str, calibration: JudgeCalibration | None = None) -> tuple[float, float]:
    """(local answer good enough, cloud's good enough), each 0..1, from one label.

    `calibration` None: a person said it, and it is taken at its word, as is a judge without enough
    ratings to check it. With enough of them: the means of what people would have said.
    """
    if calibration is None or not calibration.is_calibrated:
        return _OUTCOMES[label]
    p = calibration.posterior(label)
    return p[LOCAL] + p[TIE], p[CLOUD] + p[TIE]


def pair_weight(label: str, calibration: JudgeCalibration | None = None) -> float:
    """How much this pair counts, 0..1. `calibration` None: a person said it."""
    if calibration is None or calibration.is_calibrated:
        return 1.0
    return UNCHECKED_WEIGHT if label in (LOCAL, CLOUD) else 0.0


def unsure_share(labels: Iterable[str]) -> Share:
    """How often the judge was of two minds: when the answers changed places, or at once."""
    counts = Counter(labels)
    return Share(counts[UNSURE], sum(counts.values()))
