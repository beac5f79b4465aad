"""`hal router eval`: how good the router is on unseen turns, as text, JSON, page and pictures.

Knows files; the arithmetic stands in `hal.lab.router`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ..errors import ConfigError
from ..lab.router.evaluation import IN_FORCE, Evaluation, evaluate_examples, evaluate_log
from ..lab.router.evaluation_document import document
from ..lab.router.evaluation_page import evaluation_page
from ..lab.router.evaluation_tables import headline, notes, tables
from ..lab.router.learning import boundary_of, look_of
from ..lab.router.logged import Log
from ..lab.router.own_data import BadLine, read_examples
from ..lab.router.plots import (
    NoMatplotlib,
    confusion_figure,
    cost_quality_figure,
    reliability_figure,
    save_png,
)
from ..lab.router.sides import as_cases
from ..routing.learned.calibration import Choice
from ..routing.learned.calibration_file import BadCalibration
from ..routing.learned.folder import PRIOR, Named, prior
from ..routing.learned.weights import Weights
from ..routing.learned.weights_file import BadWeights
from .output import private_output
from .router_place import Place, say, show_tables
from .router_vectors import reads_meaning, with_vectors


def run(args: argparse.Namespace) -> int:
    """0 when the numbers may be compared, 1 when they only describe too few turns."""
    place = Place.here()
    named, routers = _routers(place)
    found = (
        _from_file(args.file, named, routers)
        if args.file
        else _from_log(place, args.since, named, routers)
    )
    if args.html:
        made = datetime.fromtimestamp(place.now_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
        with private_output(args.html) as out:
            out.write(evaluation_page(found, made))
        say(f"The page is {Path(args.html).absolute()}")
    if args.png:
        _draw(found, Path(args.png))
    if args.json:
        json.dump(document(found), sys.stdout, indent=2)
        print()
    elif args.html != "-":
        show_tables(headline(found), [*notes(found)], [*tables(found)])
    return int(found.ranking.is_descriptive)


def _routers(place: Place) -> tuple[Named, dict[str, Weights]]:
    """What decides, and beside it the prior and the candidate where they are others."""
    try:
        named, candidate = place.folder.weights(), place.folder.candidate()
    except BadWeights as error:
        raise ConfigError(str(error)) from None
    found = {IN_FORCE: named.weights}
    if candidate is not None:
        found["candidate"] = candidate.weights
    if not named.id.startswith(PRIOR):
        found[PRIOR] = prior().weights
    return named, found


def _from_log(
    place: Place, since: str | None, named: Named, routers: dict[str, Weights]
) -> Evaluation:
    say("Reading the log.")
    log = place.log(since)
    say(f"Looking at {len(log.turns)} turns.")
    if any(reads_meaning(one, place.settings) for one in routers.values()):
        log = _embedded(place, log)
    found = evaluate_log(log, named.id, routers, _choice(place, named))
    boundary = max(map(boundary_of, routers.values()))
    seen = [turn for turn in log.pairs if turn.began >= boundary]
    if boundary and seen:
        place.ledger.open(look_of(seen), as_cases(seen), place.now_s)
    return found


def _embedded(place: Place, log: Log) -> Log:
    """With what the questions mean, of the turns that anything is compared on."""
    known = [turn for turn in log.turns if turn.label.has_outcome]
    found = {turn.id: turn for turn in with_vectors(place.settings, known, say)}
    return replace(log, turns=tuple(found.get(turn.id, turn) for turn in log.turns))


def _choice(place: Place, named: Named) -> Choice | None:
    """What these weights are calibrated to; whether the model is still the same is not asked."""
    try:
        known = place.folder.calibration()
    except BadCalibration as error:
        say(str(error))
        return None
    if known is None or known.router_id != named.id:
        return None
    return known.choice_for(place.settings.router.quality_target)


def _from_file(name: str, named: Named, routers: dict[str, Weights]) -> Evaluation:
    with _opened(name) as lines:
        try:
            examples = read_examples(lines)
        except BadLine as error:
            raise ConfigError(
                f"{name}: {error}.",
                'A line is {"text": ..., "local_ok": 0..1, "cloud_ok": 0..1, "group": ...}; the '
                "group is optional.",
            ) from None
    say(f"Looking at {len(examples)} turns.")
    return evaluate_examples(Path(name).name, named.id, routers, examples)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    try:
        with Path(name).expanduser().open(encoding="utf-8") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} cannot be read ({type(error).__name__}).") from None


def _draw(found: Evaluation, folder: Path) -> None:
    """One PNG for each drawing that there are numbers for."""
    try:
        figures = {}
        if found.ranking.lines:
            figures["cost-quality"] = cost_quality_figure(found.ranking.lines, "Cost and quality")
        if found.believed:
            figures["reliability"] = reliability_figure(found.believed.bins, "Reliability")
        if found.confusions:
            figures["confusion"] = confusion_figure(found.confusions.counts, "Routes")
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            path = folder / f"{name}.png"
            save_png(figure, path)
            say(f"Drawn: {path.absolute()}")
    except NoMatplotlib as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}.") from None
