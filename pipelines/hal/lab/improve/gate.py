"""Decides which proposals may be staged. All conditions have to hold; the first that fails is told.

Pure: trials in, verdicts out. What it cannot tell yet it says with the number of cases that are
missing; `statistics.power` says what a number of cases can show. Knows no file and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from . import recall
from .statistics import bootstrap, cases_for, holm, mcnemar
from .trial import Trial, by_conversation, points

# 150 unseen cases find a gain of 10 points in four of five attempts, and hardly less than that.
MIN_CASES = 150
# Below 25 changed decisions a handful of cases decides, and the bootstrap has nothing to draw from.
MIN_DISCORDANT = 25
LEVEL = 0.05
# A prompt that grows without end makes every turn slower; up to a page, rules are worth it.
GROWTH, SMALL_CHARS = 1.6, 1500
# What the classifier may read for one decision, as a share of what it reads now. Reading is most of
# a decision, which is a fifth to a half of the wait for the first word of a short answer (sheet on
# improvement, section 1): a quarter more of it is a tenth of the wait. Tokens, not seconds: the
# same machine is up to twice as slow in another hour, and the verdict must not depend on that.
READS, SMALL_TOKENS = 1.25, 500
# Where nothing changed yet, as many cases again are a fair first guess.
_FEWEST_MORE = 25


class Outcome(StrEnum):
    PASS = "PASS"  # noqa: S105 - a verdict
    REJECT = "REJECT"
    NOT_ENOUGH_DATA = "NOT ENOUGH DATA"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`p` is adjusted for the number of proposals, None where it came not so far."""

    name: str
    outcome: Outcome
    reason: str
    cases_missing: int = 0
    p: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASS

    @property
    def sentence(self) -> str:
        if self.outcome is Outcome.NOT_ENOUGH_DATA:
            return f"{self.outcome}: {self.cases_missing} more cases needed ({self.reason})"
        return f"{self.outcome}: {self.reason}"


def judge(trials: Sequence[Trial], seed: int = 0) -> list[Verdict]:
    """One verdict for each trial of a run, in order."""
    adjusted = holm([mcnemar(trial.fixed, trial.broken) for trial in trials])
    return [_verdict(trial, p, seed) for trial, p in zip(trials, adjusted, strict=True)]


def _verdict(trial: Trial, p: float, seed: int) -> Verdict:
    for check in _CHECKS:
        reason = check(trial)
        if reason:
            return Verdict(trial.name, Outcome.REJECT, reason)
    missing = missing_cases(len(trial.first), trial.fixed + trial.broken)
    if missing:
        changed = f"{len(trial.first)} unseen, {trial.fixed + trial.broken} of them changed"
        return Verdict(trial.name, Outcome.NOT_ENOUGH_DATA, changed, missing)
    low, high = bootstrap(by_conversation(trial.first), seed)
    if p >= LEVEL or low <= 0:
        return _undecided(trial, p, (low, high))
    if points(trial.second) <= 0:
        reason = f"the gain of {trial.points:+.1f} points did not come again in the second run"
        return Verdict(trial.name, Outcome.REJECT, reason, 0, p, (low, high))
    reason = f"{trial.points:+.1f} points, {trial.fixed} fixed, {trial.broken} broken, p = {p:.2g}"
    reason += recall.words(trial.first)
    return Verdict(trial.name, Outcome.PASS, reason, 0, p, (low, high))


def allowed_chars(before: int) -> int:
    """How long the successor of a prompt of so many characters may be."""
    return int(max(GROWTH * before, SMALL_CHARS))


def allowed_tokens(before: float) -> float:
    """How much may be read for a decision where so much is read now."""
    return max(READS * before, SMALL_TOKENS)


def missing_cases(n: int, discordant: int) -> int:
    """How many more unseen cases it takes until the test may be done at all; 0 when it may."""
    more = max(0, MIN_CASES - n)
    if discordant >= MIN_DISCORDANT:
        return more
    expected = ceil(MIN_DISCORDANT * n / discordant) - n if discordant else max(n, _FEWEST_MORE)
    return max(more, expected, 1)


def _undecided(trial: Trial, p: float, interval: tuple[float, float]) -> Verdict:
    """Enough cases to look at, and chance is still an explanation."""
    n = len(trial.first)
    needed = cases_for(trial.points / 100, (trial.fixed + trial.broken) / n)
    reason = f"{trial.points:+.1f} points may be chance: p = {p:.2g}, lower end {interval[0]:+.3f}"
    missing = max(needed - n, _FEWEST_MORE)
    return Verdict(trial.name, Outcome.NOT_ENOUGH_DATA, reason, missing, p, interval)


def _private_stays(trial: Trial) -> str:
    new = sum(p.newly_leaves for p in (*trial.first, *trial.pins) if p.is_private)
    return f"{new} private turn(s) would leave the machine that stay now" if new else ""


def _pins_hold(trial: Trial) -> str:
    broken = sum(pair.is_broken for pair in trial.pins)
    return f"{broken} of {len(trial.pins)} pinned decisions would be wrong again" if broken else ""


def _is_small(trial: Trial) -> str:
    limit = allowed_chars(trial.chars_before)
    if trial.chars_after <= limit:
        return ""
    return f"the prompt has {trial.chars_after} characters, {limit} are allowed"


def _is_no_loss(trial: Trial) -> str:
    """A candidate that wins nothing needs no more cases to be turned down."""
    if trial.fixed + trial.broken < MIN_DISCORDANT or trial.points > 0:
        return ""
    return f"no gain: {trial.points:+.1f} points, {trial.fixed} fixed, {trial.broken} broken"


def _reads_little(trial: Trial) -> str:
    limit = allowed_tokens(trial.tokens_before)
    if trial.tokens_after <= limit:
        return ""
    return f"{trial.tokens_after:.0f} tokens would be read for a decision, {limit:.0f} are allowed"


def _no_route_suffers(trial: Trial) -> str:
    """Only where there are enough cases for a verdict: of ten, one is ten points."""
    return recall.objection(trial.first) if len(trial.first) >= MIN_CASES else ""


_CHECKS: tuple[Callable[[Trial], str], ...] = (
    *(_private_stays, _pins_hold, _is_small, _reads_little, _is_no_loss, _no_route_suffers),
)
