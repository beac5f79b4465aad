"""A run as one JSON object, without any text of a user.

Values in, values out.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .outcome import Outcome, Result
from .recall import recalls
from .review import headline
from .trial import accuracy


def document(outcome: Outcome) -> dict[str, Any]:
    sides = outcome.sides
    return {
        "run": outcome.run_id,
        "prompt": outcome.name,
        "prompt_id": outcome.prompt.id,
        "model": outcome.model,
        "model_digest": outcome.digest,
        "headline": headline(outcome),
        "cases": {
            "train": len(sides.train),
            "validation": len(sides.validation),
            "test": len(sides.test),
            "pins": len(sides.pins),
            "left_out": dict(outcome.left_out),
        },
        "failures": [
            {"chosen": f.chosen, "expected": f.expected, "length": f.length, "count": f.count}
            for f in outcome.failures
        ],
        "attempts": [
            {key: value for key, value in asdict(one).items() if key != "text"}
            for one in outcome.tree.attempts
        ],
        "calls": dict(outcome.calls),
        "reflections": outcome.reflections,
        "cases_missing": outcome.missing,
        "results": [_result(one) for one in outcome.results],
        "stopped_after": outcome.stopped_after,
    }


def _result(one: Result) -> dict[str, Any]:
    before, after = accuracy(one.trial.first)
    return {
        "proposer": one.attempt.proposer,
        "version": one.attempt.version,
        "staged": bool(one.staged),
        "live": one.is_live,
        "accuracy_before": before,
        "accuracy_after": after,
        "fixed": one.trial.fixed,
        "broken": one.trial.broken,
        "recall_points": {r.route: r.points for r in recalls(one.trial.first)},
        "tokens_before": one.trial.tokens_before,
        "tokens_after": one.trial.tokens_after,
        "verdict": one.verdict.outcome,
        "reason": one.verdict.reason,
        "p": one.verdict.p,
        "interval": one.verdict.interval,
        "cases_missing": one.verdict.cases_missing,
    }
