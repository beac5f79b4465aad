"""`hal router show`: what decides now, whether it may, and what to do next.

Reads files and counts pairs; learns nothing and needs nothing beyond the package.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..lab.report.words import percent
from ..lab.router.logged import origins
from ..live_router import LiveRouter, RouterInForce
from ..routing.learned.calibration import Calibration
from ..routing.learned.calibration_file import BadCalibration
from ..routing.learned.folder import PRIOR
from .router_place import DigestUnknown, Place, local_digest, say


@dataclass(frozen=True, slots=True)
class _State:
    in_force: RouterInForce
    candidate: RouterInForce | None
    calibration: Calibration | None
    pairs: int
    labels: dict[str, int]
    digest: str


def run(args: argparse.Namespace) -> int:
    """0 also where nothing is calibrated yet, which is said."""
    place = Place.here()
    state = _state(place)
    if args.json:
        json.dump(_document(place, state), sys.stdout, indent=2)
        print()
    else:
        for line in _told(place, state):
            print(line)
    return 0


def _state(place: Place) -> _State:
    try:
        digest = local_digest(place.settings)
    except DigestUnknown as error:
        digest = ""
        say(f"Whether the local model is still the same is not known: {error}")
    live = LiveRouter(place.folder, say=lambda _: None)  # the notes are told below
    in_force = live.in_force(place.models(digest), place.settings.router.quality_target)
    try:
        calibration = place.folder.calibration()
    except BadCalibration:
        calibration = None
    log = place.log()
    labels = origins(log.turns)
    return _State(in_force, live.candidate(), calibration, len(log.pairs), labels, digest)


def _told(place: Place, state: _State) -> Iterator[str]:
    now, made = state.in_force, state.in_force.router.weights.made
    weights = " · ".join(f"{name} {value}" for name, value in made.items() if name in _SHOWN)
    yield f"router       {now.id}{f' ({weights})' if weights else ''}"
    yield f"decides      {decides(place, now)}"
    if state.calibration is not None:
        known = state.calibration
        yield (
            f"calibrated   {known.made_at[:10]}, {known.turns:,} turns, {known.local_model} and "
            f"{known.cloud_model}"
        )
    if state.candidate is not None:
        yield f"candidate    {state.candidate.id}: decides nothing, chooses shadow pairs"
    found = ", ".join(f"{count:,} {name}" for name, count in state.labels.items())
    yield f"log          {state.pairs:,} turns with both outcomes; labels: {found or 'none'}"
    yield f"next         {_next(place, state)}"


_SHOWN = ("at", "turns", "pairs", "since", "until")


def decides(place: Place, now: RouterInForce) -> str:
    """In words, for this command and for `hal doctor`."""
    if not place.settings.router.learned:
        return "no: LEARNED_ROUTER is off"
    if now.choice is None:
        return f"no: {now.note or 'not calibrated yet'}"
    choice = now.choice
    goal = "a share of turns" if choice.target is None else f"{100 * choice.target:g} % of quality"
    return (
        f"yes, for {goal}: {percent(choice.cloud_share)} of the turns to the cloud keep "
        f"{percent(choice.quality)} of it, at least {percent(choice.worst_case)}; "
        f"{percent(choice.sure_share)} are decided without the classifier"
    )


def _next(place: Place, state: _State) -> str:
    if not state.pairs and not place.settings.router.shadow_share:
        return "set SHADOW_SHARE (for example 0.2): pairs of answers are what a router learns from"
    if not state.pairs:
        return "`hal router judge` compares the answers of shadow pairs"
    if state.in_force.choice is None:
        return "`hal router calibrate` (it says how many turns are missing)"
    if state.in_force.id.startswith(PRIOR):
        return "`hal router fit` learns from this log"
    return "`hal router eval` shows how good it is"


def _document(place: Place, state: _State) -> dict[str, Any]:
    now, known = state.in_force, state.calibration
    return {
        "router_id": now.id,
        "is_prior": now.id.startswith(PRIOR),
        "made": dict(now.router.weights.made),
        "enabled": place.settings.router.learned,
        "decides": place.settings.router.learned and now.choice is not None,
        "note": now.note,
        "quality_target": place.settings.router.quality_target,
        "threshold": _number(now.choice.threshold) if now.choice else None,
        "cloud_share": now.choice.cloud_share if now.choice else None,
        "calibrated_at": known.made_at if known else None,
        "local_digest": state.digest,
        "candidate_id": state.candidate.id if state.candidate else None,
        "pairs": state.pairs,
        "labels": state.labels,
        "next": _next(place, state),
    }


def _number(threshold: float) -> float | str:
    words = {float("inf"): "never", float("-inf"): "always"}
    return words.get(threshold, threshold)
