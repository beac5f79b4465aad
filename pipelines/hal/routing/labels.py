"""From the log-probabilities of one token to the probabilities of a few labels.

Pure arithmetic; knows no model. Contextual calibration after Zhao et al. 2021, "Calibrate Before
Use" (arXiv 2102.09690): what a model says about content-free inputs is its bias, and is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

# A label that is not among the 20 tokens a server reports is less likely than the last of them; by
# how much nobody knows. One nat is a factor of 2.7: enough to rank it last, not to rule it out.
BELOW_THE_LIST_NATS = 1.0
# llama.cpp reports a token that cannot come with the lowest float there is, whose exponential is 0.
LEAST_MASS = 1e-300


def label_logprobs(tokens: Mapping[str, float], labels: Sequence[str]) -> dict[str, float] | None:
    """Normalised log-probability per label; None when no label is among the tokens.

    `tokens` maps token text to log-probability (natural log) at the first position. A token speaks
    for the one label that it begins: " easy", "Easy" and "eas" all count for "easy".
    """
    mass = dict.fromkeys(labels, 0.0)
    for token, logprob in tokens.items():
        label = _begun(token.strip().lower(), labels)
        if label is not None:
            mass[label] += exp(logprob)
    if not any(mass.values()):
        return None
    floor = max(exp(min(tokens.values()) - BELOW_THE_LIST_NATS), LEAST_MASS)
    total = sum(value or floor for value in mass.values())
    return {label: log((value or floor) / total) for label, value in mass.items()}


def _begun(text: str, labels: Sequence[str]) -> str | None:
    begun = [label for label in labels if text and label.lower().startswith(text)]
    return begun[0] if len(begun) == 1 else None


def mean_prior(observations: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The label bias: mean log-probability over content-free inputs."""
    return {
        label: sum(seen[label] for seen in observations) / len(observations)
        for label in observations[0]
    }


def probabilities(
    logprobs: Mapping[str, float],
    prior: Mapping[str, float] | None = None,
    base_rates: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Probabilities that add up to 1; with a prior, the label bias is replaced by the base rates.

    Taking the bias off alone would claim that all labels are equally common, which makes a rare one
    (a question that needs a search) far too likely. `base_rates` None: equally common.
    """
    scores = dict(logprobs)
    if prior is not None:
        rates = base_rates or dict.fromkeys(logprobs, 1.0)
        scores = {label: lp - prior[label] + log(rates[label]) for label, lp in logprobs.items()}
    highest = max(scores.values())
    weights = {label: exp(score - highest) for label, score in scores.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}
