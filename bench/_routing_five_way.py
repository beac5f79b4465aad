"""The five-way set for bench/routing.py: a language model's classifier, the learned router, both.

Labels there are by source, so a router is judged on a source that it has never seen. SIMPLE and
MODERATE are one class here (LOCAL), as the same model answers them. Where no source is left that
needs a search, nobody has learned what that is, and the classifier's word stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter, process_time

import numpy as np
from _routing_data import Labelled
from _routing_report import Confusions, Fact
from _routing_rows import Setup

from hal.lab.router.bootstrap import Z_TWO_SIDED, Interval, wilson
from hal.lab.router.calibration import confusion
from hal.lab.router.curve import Floats
from hal.lab.router.examples import Examples
from hal.lab.router.features import read_prompts
from hal.lab.router.fit import fit_router, folds_of, predict_many
from hal.lab.router.sure import choose_confidence
from hal.routing.decide import Verdict, decide
from hal.routing.learned.predict import LearnedRouter
from hal.routing.learned.weights import LABELS, Weights
from hal.settings_reader import read_valves
from hal.types import Route
from hal.valves import Valves

CLASSES = ("LOCAL", "COMPLEX", "ENRICH")
CLASSIFIER, LEARNED, BOTH = "classifier", "learned", "learned and classifier"
CLASS_OF = {"SIMPLE": "LOCAL", "MODERATE": "LOCAL", "COMPLEX": "COMPLEX", "ENRICH": "ENRICH"}
TIME, NOT_WORSE = "decision time, ms", "both less the better of the two"
# A long chat turn; most are shorter.
LONG_WORDS = 200
# Decisions that are timed: enough for a median that stands still.
TIMED = 400
# As shipped.
SETTINGS = read_valves(Valves(), {}).routing
Said = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`learned` (n, 3): P(local ok), gain (not used) and P(needs search), NaN without such a head,
    of turns that were not learned from; `got` are the classes by system.
    """

    learned: Floats
    got: dict[str, np.ndarray]
    wanted: np.ndarray
    sources: np.ndarray


def five_way_facts(setup: Setup, data: Labelled, said: Said) -> Iterator[Fact | Confusions]:
    """Recall by source and by class, with the classifier on the turns that it was asked about."""
    sources = np.unique(data.sources, return_inverse=True)[1]
    judged = _judge(setup, data, said, sources, sources)
    for source in np.unique(judged.sources):
        yield from _recalls(judged, judged.sources == source, str(source))
    for one in CLASSES:
        yield from _recalls(judged, judged.wanted == one, f"all {one}")
    for name, got in judged.got.items():
        yield Confusions(
            f"{name}, source held out", confusion(list(judged.wanted), list(got), CLASSES)
        )
    if BOTH in judged.got:
        yield from _not_worse(judged)
        yield _sure(judged, "source held out")
        # More like a log, where tomorrow's turns are of the kinds of yesterday's; but labels are by
        # source here, so that this flatters.
        rows = np.arange(len(data.ids))
        known = _judge(setup, data, said, folds_of(rows), rows)
        yield _sure(known, "source known")


def time_facts(setup: Setup, data: Labelled) -> Iterator[Fact]:
    """How long the served arithmetic takes with all heads, one prompt after the other."""
    examples = _examples(data, {})
    router = LearnedRouter(fit_router(examples, None, setup.recipe))
    chosen = np.random.default_rng(0).choice(len(data.prompts), TIMED, replace=False)
    long = " ".join(" ".join(data.prompts).split()[: LONG_WORDS * TIMED]).split(" ")
    texts = {
        "prompts of the five-way set": [data.prompts[at] for at in chosen],
        "long prompts": [
            " ".join(long[at : at + LONG_WORDS]) for at in range(0, len(long), LONG_WORDS)
        ],
    }
    for name, prompts in texts.items():
        wall, cpu = zip(*(_timed(router, prompt) for prompt in prompts), strict=True)
        words = median(len(prompt.split()) for prompt in prompts)
        low, high = np.quantile(wall, (0.05, 0.95))
        note = f"p50 of {len(wall)}, wall [p5, p95]; CPU {median(cpu):.2f}; {name}, {words:g} words"
        yield Fact(TIME, median(wall), float(low), float(high), note)


def _timed(router: LearnedRouter, prompt: str) -> tuple[float, float]:
    wall, cpu = perf_counter(), process_time()
    router.predict(prompt)
    return (perf_counter() - wall) * 1000, (process_time() - cpu) * 1000


def _judge(
    setup: Setup, data: Labelled, said: Said, parts: np.ndarray, groups: np.ndarray
) -> Judged:
    """Each turn that was asked about, by a router that has not seen its part (shape (n,)). Groups
    stay together when the router finds out how far its own score can be believed: for another
    source, that is less than for another turn of the same.
    """
    examples = replace(_examples(data, said), groups=groups)
    sources = np.array(data.sources)
    wanted = np.array([CLASS_OF[label] for label in data.labels])
    is_asked = np.isfinite(examples.labels).all(axis=1) if said else np.full(len(sources), True)
    is_learned = _same_mix(wanted, is_asked)
    prompts = read_prompts(data.prompts, {})
    learned = np.full((len(sources), 3), np.nan)
    both = learned.copy()
    for part in np.unique(parts):
        held_out = np.flatnonzero((parts == part) & is_asked)
        rest = np.flatnonzero((parts != part) & is_learned)
        weights: Weights = fit_router(
            examples.rows(rest), None, setup.recipe, prompts=prompts.rows(rest)
        )
        held = examples.rows(held_out)
        learned[held_out] = predict_many(weights, without_labels(held))
        both[held_out] = predict_many(weights, held)
    at = np.flatnonzero(is_asked)
    got = {LEARNED: classes(learned[at])}
    if said:
        labels = examples.labels[at]
        got |= {CLASSIFIER: said_classes(labels), BOTH: classes(both[at], labels)}
    return Judged(learned[at], got, wanted[at], sources[at])


def _same_mix(wanted: np.ndarray, is_asked: np.ndarray) -> np.ndarray:
    """Which turns to learn from: those that the classifier was asked about, and as many others as
    keep the mix of classes. Else the router alone and the router with the classifier would learn
    different base rates, and whoever has seen more of a class finds more of it.
    """
    order = np.random.default_rng(0).permutation(len(wanted))
    order = order[np.argsort(~is_asked[order], kind="stable")]
    counts = {one: int((wanted == one).sum()) for one in CLASSES}
    asked = {one: int((wanted[is_asked] == one).sum()) for one in CLASSES}
    times = min(counts[one] / asked[one] for one in CLASSES if asked[one])
    kept = np.full(len(wanted), False)
    for one in CLASSES:
        kept[order[wanted[order] == one][: int(times * asked[one] + 1e-9)]] = True
    return kept


def classes(predicted: Floats, labels: Floats | None = None) -> np.ndarray:
    """ENRICH from the confidence on that the valve asks for, else whatever is likelier. Where the
    router has no head for searches, the classifier's P(ENRICH) in `labels` (n, 3) counts.
    """
    search = predicted[:, 2]
    if labels is not None:
        search = np.where(np.isfinite(search), search, labels[:, 2])
    is_search = np.nan_to_num(search) >= SETTINGS.search_confidence
    return np.where(is_search, "ENRICH", np.where(predicted[:, 0] >= 0.5, "LOCAL", "COMPLEX"))


def said_classes(labels: Floats) -> np.ndarray:
    """What the turn itself decides from the classifier's probabilities, shape (n, 3)."""
    found = []
    for simple, hard, search in labels:
        difficulty = {
            Route.SIMPLE: simple,
            Route.MODERATE: 1 - simple - hard,
            Route.COMPLEX: hard,
        }
        verdict = Verdict(difficulty, search, prompt_id="", calibrated=True)
        found.append(CLASS_OF[decide(verdict, None, SETTINGS).route])
    return np.array(found)


def without_labels(examples: Examples) -> Examples:
    """The same turns, as if nobody had asked the classifier."""
    return replace(examples, labels=np.full_like(examples.labels, np.nan))


def _recalls(judged: Judged, which: np.ndarray, name: str) -> Iterator[Fact]:
    for system, got in judged.got.items():
        right, count = int((got == judged.wanted)[which].sum()), int(which.sum())
        found = wilson(right, count)
        note = f"recall, {system}, source held out, n {count}"
        yield Fact(name, found.value, found.low, found.high, note)


def _not_worse(judged: Judged) -> Iterator[Fact]:
    """Paired differences of right decisions, against whichever of the two finds more."""
    right = {name: (got == judged.wanted).astype(float) for name, got in judged.got.items()}
    for one in CLASSES:
        which = judged.wanted == one
        better = max((CLASSIFIER, LEARNED), key=lambda name: right[name][which].mean())
        found = _mean(right[BOTH][which] - right[better][which])
        note = f"recall of {one}, both less {better} (the better one there), paired"
        yield Fact(NOT_WORSE, found.value, found.low, found.high, note)


def _mean(values: Floats) -> Interval:
    middle = float(values.mean())
    half = Z_TWO_SIDED * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Interval(middle, middle - half, middle + half)


def _sure(judged: Judged, how: str) -> Fact:
    """Without a head for searches the router cannot rule one out, and is never sure."""
    ok, search = judged.learned[:, 0], judged.learned[:, 2]
    stay = 1 - search
    confidence = np.nan_to_num(np.maximum(search, stay * np.maximum(ok, 1 - ok)))
    right = {
        name: (judged.got[name] == judged.wanted).astype(float) for name in (LEARNED, CLASSIFIER)
    }
    sure = choose_confidence(confidence, right[LEARNED], right[CLASSIFIER])
    count = len(confidence)
    share = wilson(round(sure.share * count), count)
    note = (
        f"share of {count} turns on which the learned router alone is not worse; right there "
        f"{sure.learned_right:.3f}, classifier {sure.classifier_right:.3f}; "
        f"from confidence {sure.confidence:.2f} on; {how}"
    )
    return Fact("sure", share.value, share.low, share.high, note)


def _examples(data: Labelled, said: Said) -> Examples:
    is_complex = np.array([label == "COMPLEX" for label in data.labels], dtype=np.float64)
    unknown = dict.fromkeys(LABELS, float("nan"))
    told = [said.get(one, unknown) for one in data.ids]
    return Examples(
        texts=data.prompts,
        local_ok=1 - is_complex,
        cloud_ok=np.ones(len(is_complex)),
        needs_search=np.array([label == "ENRICH" for label in data.labels], dtype=np.float64),
        labels=np.array([[one[name] for name in LABELS] for one in told]),
        groups=np.arange(len(data.ids)),
    )
