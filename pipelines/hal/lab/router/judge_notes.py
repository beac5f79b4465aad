"""What is to be known of the judges whose word a router learns from, in words.

Pure; the arithmetic is `judging`'s.
"""

from __future__ import annotations

from .judging import LEAST_RATED, JudgeCalibration
from .labels import JUDGED_PAIR
from .logged import Log


def judge_notes(log: Log) -> list[str]:
    """What is to be known of the judges whose word is used."""
    used = any(JUDGED_PAIR in turn.label.origins for turn in log.turns)
    return [_judge_note(name, judge) for name, judge in log.judges.items() if used]


def _judge_note(name: str, judge: JudgeCalibration) -> str:
    said = f"{name or 'the judge'}: {judge.rated:,} of its pairs were rated by people as well"
    if not judge.is_calibrated:
        more = LEAST_RATED - judge.rated
        return (
            f"{said}; {more} more are needed to check it (hal router judge --human). Until then "
            "its ties do not count: the local model looks worse than it is, and a promise costs "
            "more."
        )
    low = judge.agreement.interval[0] if judge.agreement.interval else 0.0
    doubt = "" if judge.is_trusted else ", which is too little to rely on"
    return f"{said}; they agree in {judge.agreement.value:.0%}, at least {low:.0%}{doubt}"
