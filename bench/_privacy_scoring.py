"""How predictions are held against the labels of the privacy data.

Pure. Offsets in characters, `end` exclusive. A label whose type begins with `_` is neither gold nor
a miss; what a prediction upon it counts as stands in PLAUSIBLE. Knows no detector and no file.

Wilson's intervals take every span as drawn on its own. Rows that share a template are not, so the
true intervals are wider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

# Of the 15 types, the two that rules alone cannot solve.
OPEN_TYPES = frozenset({"PERSON", "ADDRESS"})
SCORED_TYPES = OPEN_TYPES | {
    "EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "NATIONAL_ID", "IP", "MAC", "DOB", "SECRET",
    "URL_CRED", "CRYPTO", "PLATE", "MRN",
}  # fmt: skip
# From the data's README: found at half, still leaking below nine tenths.
FOUND_SHARE, COVERED_SHARE = 0.5, 0.9
# A login in a URL is a secret by another name: either finds the other. Nothing else is alike.
COMPATIBLE: Mapping[str, frozenset[str]] = {
    "SECRET": frozenset({"SECRET", "URL_CRED"}),
    "URL_CRED": frozenset({"SECRET", "URL_CRED"}),
}
_PLACE, _DAY, _WHO = frozenset({"ADDRESS"}), frozenset({"DOB"}), frozenset({"PERSON"})
# What may be predicted on a label that is not scored, without being wrong: a town is part of an
# address, a date may be a birthday, a title belongs to a name. Anything else there is a false
# positive: a person on an organisation, and every prediction on a look-alike (_BADCARD _SHA _UUID
# _NUM _CO) or on a number of a company (_NIP _REGON).
PLAUSIBLE: Mapping[str, frozenset[str]] = {
    "_LOC": _PLACE,
    "_LOCATION": _PLACE,
    "_GPE": _PLACE,
    "_POSTAL": _PLACE,
    "_ZIP_CODE": _PLACE,
    "_DATE": _DAY,
    "_DATE_TIME": _DAY,
    "_AGE": _DAY,
    "_TITLE": _WHO,
    "_PREFIX": _WHO,
}


@dataclass(frozen=True, slots=True)
class Label:
    """A typed stretch of a text: gold, or predicted."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row: which gold was found or leaks, which predictions are right or wrong."""

    found: tuple[Label, ...]
    missed: tuple[Label, ...]
    leaked: tuple[Label, ...]
    right: tuple[Label, ...]
    wrong: tuple[Label, ...]


def judge(labels: Sequence[Label], predicted: Sequence[Label]) -> Verdict:
    """Hold the predictions for one text against its labels."""
    gold = [label for label in labels if not label.type.startswith("_")]
    unscored = [label for label in labels if label.type.startswith("_")]
    found = tuple(g for g in gold if _covered(g, _alike(g, predicted)) >= FOUND_SHARE)
    leaked = tuple(g for g in gold if _covered(g, predicted) < COVERED_SHARE)
    right = tuple(p for p in predicted if any(_meets(p, g) for g in _alike(p, gold)))
    wrong = tuple(p for p in predicted if p not in right and not _is_ignored(p, unscored))
    return Verdict(found, tuple(g for g in gold if g not in found), leaked, right, wrong)


def _alike(label: Label, others: Sequence[Label]) -> list[Label]:
    types = COMPATIBLE.get(label.type, frozenset({label.type}))
    return [other for other in others if other.type in types]


def _covered(gold: Label, predicted: Iterable[Label]) -> float:
    """The share of its characters that lie in a prediction."""
    at: set[int] = set()
    for other in predicted:
        at.update(range(max(gold.start, other.start), min(gold.end, other.end)))
    return len(at) / max(gold.end - gold.start, 1)


def _meets(one: Label, other: Label) -> bool:
    """Whether they share at least half of the shorter one."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > 0 and 2 * shared >= min(one.end - one.start, other.end - other.start)


def _is_ignored(predicted: Label, unscored: Iterable[Label]) -> bool:
    under = [label.type for label in unscored if _meets(predicted, label)]
    return any(predicted.type in PLAUSIBLE.get(name, frozenset()) for name in under)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of some types over some rows, and what follows from them."""

    gold: int
    found: int
    leaked: int
    right: int
    wrong: int

    @property
    def recall(self) -> float | None:
        return self.found / self.gold if self.gold else None

    @property
    def precision(self) -> float | None:
        said = self.right + self.wrong
        return self.right / said if said else None

    @property
    def leak(self) -> float | None:
        return self.leaked / self.gold if self.gold else None

    @property
    def f2(self) -> float | None:
        """Recall weighs four times as much as precision."""
        recall, precision = self.recall, self.precision
        if recall is None or not recall or not precision:
            return None if recall is None else 0.0
        return 5 * precision * recall / (4 * precision + recall)


@dataclass(slots=True)
class Tally:
    """Adds verdicts up, by type."""

    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in sorted(SCORED_TYPES)}
    )

    def add(self, verdict: Verdict) -> None:
        for what in ("found", "missed", "leaked", "right", "wrong"):
            for label in getattr(verdict, what):
                self.counts[label.type][what] += 1

    def score(self, types: Iterable[str] = SCORED_TYPES) -> Score:
        """Micro-averaged over these types."""
        total: Counter[str] = sum((self.counts[name] for name in types), Counter())
        gold = total["found"] + total["missed"]
        return Score(gold, total["found"], total["leaked"], total["right"], total["wrong"])


def interval(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) when there is nothing to share."""
    if not n:
        return 0.0, 1.0
    z = 1.96
    p, zz = right / n, z * z / n
    middle, half = p + zz / 2, z * sqrt(p * (1 - p) / n + zz / (4 * n))
    return max(0.0, (middle - half) / (1 + zz)), min(1.0, (middle + half) / (1 + zz))
