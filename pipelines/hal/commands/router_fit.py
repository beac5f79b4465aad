"""`hal router fit`: learn from the log, test on what is newer, and say whether it takes over.

Knows files and words; the learning stands in `hal.lab.router.learning`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import Any

from .. import __version__
from ..errors import ConfigError
from ..lab.router.fit import TooFewExamples
from ..lab.router.judge_notes import judge_notes
from ..lab.router.learning import (
    MOST_EXAMPLES,
    Learned,
    TooFewPairs,
    boundary_of,
    day,
    learn,
    look_of,
    newest,
)
from ..lab.router.logged import Log, origins
from ..lab.router.sides import Sides, as_cases, divide, without_duplicates
from ..routing.learned.folder import Named
from ..routing.learned.weights import Weights
from ..routing.learned.weights_file import BadWeights
from .router_place import DigestUnknown, Place, local_digest, say
from .router_vectors import reads_meaning, with_vectors

HOW_TO_GET_MORE = (
    "SHADOW_SHARE (for example 0.2) has the other model answer a share of the turns as well; "
    "`hal router judge` compares the answers, and `hal router judge --human` lets you do it. "
    "`hal feedback pull` brings ratings. Texts are kept for LOG_CONTENT_DAYS."
)


_NOTHING_NEW = "Nothing was written: these turns give the router that is in force already."


def run(args: argparse.Namespace) -> int:
    """0 when the new router takes over, 1 when it does not or there are too few turns."""
    place = Place.here()
    current = _current(place)
    say("Reading the log.")
    log = place.log(args.since)
    sides = _divided(place, log, current)
    embedding_model = ""
    if not sides.missing and (args.embed or reads_meaning(current.weights, place.settings)):
        embedding_model = place.settings.cache.embedding_model
        sides = _embedded(place, sides)
    say(f"Learning from {len(sides.learned)} turns.")
    try:
        learned = learn(sides, current.weights, _made(place), embedding_model)
    except (TooFewPairs, TooFewExamples) as error:
        return _too_few(args, log, sides, str(error))
    # The unseen turns are looked at whether or not anything is written.
    seen = [turn for turn in sides.held_out if turn.label.is_pair]
    place.ledger.open(look_of(seen), as_cases(seen), place.now_s)
    is_new = not _is_same(learned.weights, current.weights)
    written = _write(place, learned) if args.apply and is_new else ""
    if args.json:
        json.dump(_document(log, learned, sides, current, written), sys.stdout, indent=2)
        print()
    else:
        for line in _told(log, learned, sides, current):
            print(line)
        print(_next(learned, written) if is_new else _NOTHING_NEW)
    return 0 if learned.verdict.takes_over else 1


def _current(place: Place) -> Named:
    try:
        return place.folder.weights()
    except BadWeights as error:
        raise ConfigError(
            str(error), f"Or delete {place.folder.weights_path} to begin with the shipped prior."
        ) from None


def _divided(place: Place, log: Log, current: Named) -> Sides:
    # Comparing takes two milliseconds a turn; half of so many may well be asked twice.
    turns = without_duplicates(newest(log.turns, 2 * MOST_EXAMPLES))
    retired = place.ledger.retired(as_cases(turns))
    return divide(turns, boundary_of(current.weights), retired)


def _embedded(place: Place, sides: Sides) -> Sides:
    """With what every question means. A router that has read it is not refitted without."""
    both = [*sides.learned, *sides.held_out]
    found = with_vectors(place.settings, both, say)
    at = len(sides.learned)
    return replace(sides, learned=tuple(found[:at]), held_out=tuple(found[at:]))


def _made(place: Place) -> dict[str, str]:
    settings = place.settings
    try:
        digest = local_digest(settings)
    except DigestUnknown as error:
        digest = ""
        say(f"The local model's version is not noted: {error}")
    return {
        "at": day(place.now_s),
        "hal": __version__,
        "local_model": settings.local.model,
        "local_digest": digest,
        "cloud_model": settings.cloud.model,
    }


def _is_same(new: Weights, current: Weights) -> bool:
    """Whether the same turns gave the same router, on whatever day."""
    return replace(new, made={}) == replace(current, made={})


def _write(place: Place, learned: Learned) -> str:
    """The id under which the log knows the new router from now on."""
    if not learned.verdict.takes_over:
        return place.folder.put_candidate(learned.weights)
    place.folder.candidate_path.unlink(missing_ok=True)  # it has become what decides
    return place.folder.put_weights(learned.weights)


def _too_few(args: argparse.Namespace, log: Log, sides: Sides, why: str) -> int:
    if args.json:
        document = {
            "fitted": False,
            "takes_over": False,
            "reason": why,
            "pairs": len(log.pairs),
            "pairs_missing": sides.missing,
            "labels": origins(log.turns),
        }
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        print(f"Nothing was learned: {why}")
        print(f"The log has {_labels(log)}.")
        print(HOW_TO_GET_MORE)
    return 1


def _labels(log: Log) -> str:
    found = [f"{count:,} {name}" for name, count in origins(log.turns).items()]
    return f"{len(log.turns):,} turns with a text, and of these: {', '.join(found) or 'no label'}"


def _told(log: Log, learned: Learned, sides: Sides, current: Named) -> Iterator[str]:
    verdict = learned.verdict
    does = "takes over" if verdict.takes_over else "does not take over"
    yield f"The new router {does} from {current.id}: {verdict.reason}."
    yield ""
    knows = ["when the local answer is good enough"]
    knows += ["what a question means"] if learned.weights.embedding_model else []
    knows += ["when a search is needed"] if learned.has_search else []
    knows += ["how good a local draft is"] if learned.has_drafts else []
    first, last = sides.held_out[0].at, sides.held_out[-1].at
    yield f"it knows      {', '.join(knows)}"
    yield f"learned from  {learned.learned:,} turns, {learned.learned_pairs:,} of them pairs"
    yield (
        f"tested on     {learned.held_out_pairs:,} unseen pairs, {day(first)} to {day(last)}, "
        "newer conversations only"
    )
    yield f"log           {_labels(log)}"
    yield from (f"judge         {note}" for note in judge_notes(log))
    if log.other_models:
        yield f"left out      {log.other_models:,} judged turns that other models answered"
    if isfinite(verdict.learned_apgr):
        yield (
            f"APGR          now {verdict.prior_apgr:.3f}, new {verdict.learned_apgr:.3f} "
            "(0 always local, .5 chance, 1 always cloud)"
        )
    yield (
        f"difference    {verdict.difference:+.4f} in mean quality over all thresholds, at least "
        f"{verdict.difference_low:+.4f} (one-sided 95 %)"
    )
    yield ""


def _next(learned: Learned, written: str) -> str:
    takes_over = learned.verdict.takes_over
    if not written and takes_over:
        return "Nothing was written. To put it in force: hal router fit --apply"
    if not written:
        return (
            "Nothing was written. `hal router fit --apply` keeps it as a candidate, so that shadow "
            "pairs are asked for where it would decide otherwise."
        )
    if takes_over:
        return f"{written} is in force. It decides once it is calibrated: hal router calibrate"
    return f"{written} is kept as a candidate; it decides nothing."


def _document(
    log: Log, learned: Learned, sides: Sides, current: Named, written: str
) -> dict[str, Any]:
    verdict = learned.verdict
    return {
        "fitted": True,
        "takes_over": verdict.takes_over,
        "reason": verdict.reason,
        "current": current.id,
        "written": written or None,
        "learned_turns": learned.learned,
        "learned_pairs": learned.learned_pairs,
        "held_out_pairs": learned.held_out_pairs,
        "held_out_since": day(sides.boundary),
        "apgr_now": verdict.prior_apgr,
        "apgr_new": verdict.learned_apgr,
        "difference": verdict.difference,
        "difference_low": verdict.difference_low,
        "embedding_model": learned.weights.embedding_model or None,
        "search_head": learned.has_search,
        "draft_heads": learned.has_drafts,
        "pairs": len(log.pairs),
        "pairs_missing": 0,
        "labels": origins(log.turns),
        "other_models": log.other_models,
        "made": dict(learned.weights.made),
    }
