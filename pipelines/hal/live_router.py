"""The learned router as its files are now, without a restart.

Looks at the files before every turn, which costs some microseconds, and reads again only what is
another file. Files that cannot be used leave the classifier in charge, and say so once. Knows
files; asks no model and decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from .routing.learned.calibration import Calibration, Choice, staleness
from .routing.learned.calibration_file import BadCalibration
from .routing.learned.folder import Named, RouterFolder, prior
from .routing.learned.predict import LearnedRouter
from .routing.learned.weights_file import BadWeights
from .whole_file import Current

logger = logging.getLogger("hal.router")


@dataclass(frozen=True, slots=True)
class Models:
    """The pair of models that a turn would be routed between; `local_digest` "": nobody told."""

    local: str
    local_digest: str
    cloud: str


@dataclass(frozen=True, slots=True)
class RouterInForce:
    """`choice` is None where the router may not decide, and `note` says why, for `hal doctor` and
    the log; "" where it is simply not calibrated yet.
    """

    id: str
    router: LearnedRouter
    choice: Choice | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    named: Named
    router: LearnedRouter
    calibration: Calibration | None
    candidate: RouterInForce | None
    note: str


class LiveRouter:
    """One per services; used on the loop's thread."""

    def __init__(self, folder: RouterFolder, say: Callable[[str], None] | None = None) -> None:
        self.folder = folder
        self._say = say or (lambda words: logger.warning("%s", words))
        paths = folder.weights_path, folder.calibration_path, folder.candidate_path
        self._current = Current(self._read, *paths)

    def in_force(self, models: Models, target: float) -> RouterInForce:
        """What decides a turn between these models, for this quality target. Never raises."""
        read = self._current()
        calibration, note = read.calibration, read.note
        if calibration is None:
            return RouterInForce(read.named.id, read.router, None, note)
        stale = staleness(
            calibration, read.named.id, models.local, models.local_digest, models.cloud
        )
        if stale:
            note = f"the router's calibration is stale: {stale} (hal router calibrate)"
            return RouterInForce(read.named.id, read.router, None, note)
        choice = calibration.choice_for(target)
        if choice is None:
            note = f"no threshold for a quality target of {target:.0%} (hal router calibrate)"
        return RouterInForce(read.named.id, read.router, choice, note)

    def candidate(self) -> RouterInForce | None:
        """Weights that have not taken over; None where there are none."""
        return self._current().candidate

    def _read(self) -> _Read:
        notes: list[str] = []
        named, calibration, candidate = prior(), None, None
        try:
            named = self.folder.weights()
        except BadWeights as error:
            notes.append(f"{error} The shipped prior is used.")
        try:
            calibration = self.folder.calibration()
        except BadCalibration as error:
            notes.append(str(error))
        try:
            candidate = self.folder.candidate()
        except BadWeights as error:
            notes.append(f"The candidate is left out: {error}")
        for note in notes:
            self._say(note)
        would = None
        if candidate is not None:
            would = RouterInForce(candidate.id, LearnedRouter(candidate.weights))
        router = LearnedRouter(named.weights)
        return _Read(named, router, calibration, would, " ".join(notes))
