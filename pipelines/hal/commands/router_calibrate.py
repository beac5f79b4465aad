"""`hal router calibrate`: from "95 % of the cloud's quality" to a threshold, by the log's pairs.

Knows files and the log; the choosing stands in `hal.lab.router.calibrating`, the words in
`router_choices`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from ..errors import ConfigError
from ..lab.router.calibrating import TARGETS, Evidence, choice_for_share, choice_for_target
from ..lab.router.evaluation import cloud_usd
from ..lab.router.judge_notes import judge_notes
from ..lab.router.labels import JUDGED_PAIR, RATED_PAIR
from ..lab.router.learning import boundary_of, day
from ..lab.router.logged import Log, LoggedTurn, origins
from ..lab.router.served import counts_of, outcomes_of, said_of
from ..lab.router.sides import unseen, without_duplicates
from ..lab.router.target import TooFewTurns
from ..routing.learned.calibration import SAME_TARGET, Calibration, Choice
from ..routing.learned.calibration_file import BadCalibration
from ..routing.learned.folder import Named
from ..routing.learned.weights_file import BadWeights
from .router_choices import Found, document, show
from .router_fit import HOW_TO_GET_MORE
from .router_place import DigestUnknown, Place, local_digest, say
from .router_vectors import reads_meaning, with_vectors


def run(args: argparse.Namespace) -> int:
    """0 when there are thresholds, 1 when there are too few turns."""
    place = Place.here()
    named = _weights(place)
    digest = _digest(place, must=args.apply)
    before, since, note = _before(place, digest, args.since)
    say("Reading the log.")
    log = place.log(since)
    pairs = _pairs(log, named)
    if pairs and reads_meaning(named.weights, place.settings):
        pairs = with_vectors(place.settings, pairs, say)
    say(f"Looking at {len(pairs)} turns with both outcomes.")
    try:
        found = _calibrated(args, place, named, digest, log, pairs, before, note)
    except TooFewTurns as error:
        return _too_few(args, error, pairs, log)
    if args.apply:
        place.folder.put_calibration(found.calibration)
    if args.json:
        json.dump(document(place.settings.router, found, written=args.apply), sys.stdout, indent=2)
        print()
    else:
        show(place.settings.router, found, written=args.apply)
    return 0


def _digest(place: Place, *, must: bool) -> str:
    """Nothing is written without it: nobody would notice that another version answers."""
    try:
        return local_digest(place.settings)
    except DigestUnknown as error:
        if must:
            raise
        say(f"The local model's version is not known: {error}")
        return ""


def _weights(place: Place) -> Named:
    try:
        return place.folder.weights()
    except BadWeights as error:
        raise ConfigError(str(error)) from None


def _before(place: Place, digest: str, since: str | None) -> tuple[Choice | None, str | None, str]:
    """What is in force, and from when on the log is about the model of today.

    The log does not say which version of a model answered. Where another one was calibrated, what
    is older than that is certainly about the other.
    """
    try:
        known = place.folder.calibration()
    except BadCalibration as error:
        return None, since, str(error)
    if known is None:
        return None, since, ""
    is_other = bool(digest and known.local_digest and digest != known.local_digest)
    if is_other and since is None:
        model = place.settings.local.model
        note = (
            f"{model} is another version than was calibrated: turns before {known.made_at[:10]} "
            "are left out. Say --since the day on which it was changed."
        )
        return None, known.made_at, note
    return known.choice_for(place.settings.router.quality_target), since, ""


def _pairs(log: Log, named: Named) -> list[LoggedTurn]:
    """Turns with both outcomes that these weights have not learned from."""
    return [*without_duplicates(unseen(log.pairs, boundary_of(named.weights)))]


def _calibrated(  # noqa: PLR0913 - all that a calibration says of itself
    args: argparse.Namespace,
    place: Place,
    named: Named,
    digest: str,
    log: Log,
    pairs: Sequence[LoggedTurn],
    before: Choice | None,
    note: str,
) -> Found:
    evidence = _evidence(named, pairs)
    fixed = None if args.cloud_share is None else choice_for_share(evidence, args.cloud_share)
    calibration = Calibration(
        router_id=named.id,
        local_model=place.settings.local.model,
        local_digest=digest,
        cloud_model=place.settings.cloud.model,
        choices=tuple(choice_for_target(evidence, one) for one in _targets(args, place)),
        fixed=fixed,
        turns=len(pairs),
        since=day(pairs[0].at),
        until=day(pairs[-1].at),
        labels=_judged_by(pairs),
        made_at=datetime.fromtimestamp(place.now_s, UTC).isoformat(timespec="seconds"),
    )
    went = np.array([turn.is_cloud for turn in pairs], dtype=np.float64)
    today = evidence.measured(went)
    notes = (*([note] if note else []), *judge_notes(log))
    return Found(calibration, today, cloud_usd(log.turns), args.target, before, notes)


def _judged_by(pairs: Sequence[LoggedTurn]) -> dict[str, int]:
    """Who said how good the answers are; whether a search was needed is not asked here."""
    return {name: n for name, n in origins(pairs).items() if name in {RATED_PAIR, JUDGED_PAIR}}


def _evidence(named: Named, pairs: Sequence[LoggedTurn]) -> Evidence:
    outcomes = outcomes_of(pairs)
    said = said_of(named.weights, pairs)
    return Evidence(said, outcomes.weak, outcomes.strong, counts_of(pairs))


def _targets(args: argparse.Namespace, place: Place) -> list[float]:
    """The usual ones, the valve's own and the one that is asked for, rising."""
    wanted = [place.settings.router.quality_target]
    wanted += [args.target] if args.target is not None else []
    found = list(TARGETS)
    for one in wanted:
        if all(abs(one - other) > SAME_TARGET for other in found):
            found.append(one)
    return sorted(found)


def _too_few(
    args: argparse.Namespace, error: TooFewTurns, pairs: Sequence[LoggedTurn], log: Log
) -> int:
    if args.json:
        document = {
            "calibrated": False,
            "reason": str(error),
            "pairs": len(pairs),
            "pairs_missing": error.missing,
            "labels": origins(log.turns),
        }
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        print(f"Nothing was calibrated: {error}")
        print(HOW_TO_GET_MORE)
    return 1
