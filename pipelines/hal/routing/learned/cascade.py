"""What the learned router says about a turn once its local draft is there.

Pure. Knows no time limit and no target: whoever drafts decides what to do with the risk.
"""

from __future__ import annotations

from dataclasses import dataclass

from .draft import draft_features
from .predict import Prediction, log_odds, sigmoid, standardised
from .weights import DraftHead, Link, Weights


@dataclass(frozen=True, slots=True)
class DraftPrediction:
    """`p_ok`: that the draft is good enough, 0..1; `gain`: what the cloud would add to it."""

    p_ok: float
    gain: float


def judge_draft(
    weights: Weights,
    question: str,
    draft: str,
    prediction: Prediction,
    mean_logprob: float | None = None,
) -> DraftPrediction | None:
    """None where the weights know nothing of drafts. `prediction` is the one for the question."""
    heads = weights.draft
    if heads is None:
        return None
    features = draft_features(question, draft, mean_logprob)
    standard = standardised(features, heads.mean, heads.scale)
    return DraftPrediction(
        p_ok=_value(heads.ok, standard, prediction),
        gain=_value(heads.gain, standard, prediction),
    )


def _value(head: DraftHead, standard: tuple[float, ...], prediction: Prediction) -> float:
    total = (
        head.bias
        + head.local_ok * log_odds(prediction.p_local_ok)
        + head.gain * prediction.gain
        + sum(weight * number for weight, number in zip(head.features, standard, strict=True))
    )
    return sigmoid(total) if head.link is Link.LOGISTIC else total
