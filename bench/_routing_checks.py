"""Checks of bench/routing.py that are not curves: kept promises, believable probabilities, null
labels. Each says in its note on how many turns it was made.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from _routing_data import Benchmark
from _routing_report import Fact, Reliability
from _routing_rows import LABELS, Setup

from hal.lab.router.batch import values
from hal.lab.router.bootstrap import difference, wilson
from hal.lab.router.calibration import brier, expected_calibration_error, reliability
from hal.lab.router.curve import Outcomes, apgr_of, length_scores
from hal.lab.router.examples import PieceTable
from hal.lab.router.ridge import duals, inverse, kernel, scaled, scaling
from hal.lab.router.takeover import takes_over
from hal.lab.router.target import choose_threshold

TARGETS = (0.95, 0.98)
TARGET_SPLITS = 200
# As many as a log of some months: half of it learns, half judges.
NULL_RUNS, NULL_LABELS, NULL_HELD_OUT = 100, 400, 400
NULL_DRAWS = 300


def target_facts(setup: Setup, data: Benchmark) -> Iterator[Fact]:
    """A promise is made on 1,500 turns and looked up on all that neither learned nor chose."""
    order = np.random.default_rng(0).permutation(len(data))
    train, rest = order[:LABELS], np.sort(order[LABELS:])
    weights = setup.fit(data, train)
    scores = setup.gains(weights, data, rest)
    weak, strong = data.weak[rest], data.strong[rest]
    for target in TARGETS:
        met, shares, got = 0, [], []
        for seed in range(TARGET_SPLITS):
            mixed = np.random.default_rng(seed).permutation(len(rest))
            chosen_on, judged_on = mixed[:LABELS], mixed[LABELS:]
            chosen = choose_threshold(scores[chosen_on], weak[chosen_on], strong[chosen_on], target)
            is_cloud = scores[judged_on] >= chosen.score
            quality = np.where(is_cloud, strong[judged_on], weak[judged_on]).mean()
            got.append(quality / strong[judged_on].mean())
            shares.append(is_cloud.mean())
            met += got[-1] >= target
        kept = wilson(met, TARGET_SPLITS)
        note = (
            f"share of {TARGET_SPLITS} splits; quality {np.mean(got):.3f}, worst {min(got):.3f}; "
            f"cloud share {np.mean(shares):.3f}, {min(shares):.3f} to {max(shares):.3f}"
        )
        yield Fact(f"target {target:.0%} met", kept.value, kept.low, kept.high, note)


def frozen_facts(setup: Setup, data: Benchmark) -> Iterator[Fact | Reliability]:
    """On the frozen half, learned on 1,500 of the other: how far above prompt length, and how far
    P(local ok) can be believed.
    """
    frozen, development = np.flatnonzero(data.is_frozen), np.flatnonzero(~data.is_frozen)
    train = np.random.default_rng(0).permutation(development)[:LABELS]
    weights = setup.fit(data, train)
    prompts = setup.read(data).rows(frozen)
    length = length_scores(list(data.rows(frozen).prompts))
    gains = values(weights, weights.gain, prompts)
    above = difference(apgr_of, gains, length, data.rows(frozen).outcomes)
    note = f"APGR, learned less prompt length, {data.name}, frozen half, first split, paired"
    yield Fact("above length", above.value, above.low, above.high, note)
    p = values(weights, weights.local_ok, prompts)
    happened, nan = data.weak[frozen], float("nan")
    note = f"P(local ok), {data.name}, frozen half, n {len(frozen):,}"
    yield Fact("ECE", expected_calibration_error(p, happened), nan, nan, note)
    base = brier(np.full(len(p), happened.mean()), happened)
    yield Fact("Brier", brier(p, happened), nan, nan, f"{note}; always the mean {base:.3f}")
    yield Reliability(note, reliability(p, happened))


def null_facts(setup: Setup, data: Benchmark) -> Iterator[Fact]:
    """Labels that were dealt anew must not replace the prior (here: prompt length)."""
    order = np.random.default_rng(0).permutation(np.flatnonzero(~data.is_frozen))
    at = order[: NULL_LABELS + NULL_HELD_OUT]
    train = np.arange(NULL_LABELS)
    held_out = np.arange(NULL_LABELS, len(at))
    prompts = setup.read(data).rows(at)
    nothing = PieceTable().vectors
    how = scaling(prompts.rows(train), nothing, setup.recipe)
    both = scaled(prompts, how, nothing)
    gram = kernel(both, both)
    inverted = inverse(gram[np.ix_(train, train)], setup.recipe.penalty)
    length = length_scores(list(data.rows(at).prompts))[held_out]
    for name, deals_all in (("labels to learn from", False), ("all labels", True)):
        replaced = 0
        for seed in range(NULL_RUNS):
            dealt = _dealt(data, at, train if not deals_all else np.arange(len(at)), seed)
            gain = dealt.strong - dealt.weak
            learned = gram[np.ix_(held_out, train)] @ duals(inverted, gain[train])
            judged = dealt.rows(held_out)
            replaced += takes_over(length, learned, judged, seed, NULL_DRAWS).takes_over
        share = wilson(replaced, NULL_RUNS)
        note = f"share of {NULL_RUNS} runs in which the prior was replaced; {name} shuffled"
        yield Fact("null test", share.value, share.low, share.high, note)


def _dealt(data: Benchmark, at: np.ndarray, which: np.ndarray, seed: int) -> Outcomes:
    """The outcomes of the rows `at`, those in `which` in another order."""
    mixed = np.arange(len(at))
    mixed[which] = np.random.default_rng(seed).permutation(which)
    return Outcomes(data.weak[at][mixed], data.strong[at][mixed])
