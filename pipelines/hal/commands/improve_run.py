"""`hal improve run`: the loop with the models of this machine, its progress and its report.

Wires the parts together and says what it will take before it begins; the stages are `loop`'s.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from ..errors import ConfigError, HalError
from ..lab.improve.cases import Sides
from ..lab.improve.collect import collect as collect_cases
from ..lab.improve.document import document
from ..lab.improve.folder import RunFolder, Runs
from ..lab.improve.ledger import Ledger
from ..lab.improve.loop import Loop
from ..lab.improve.options import Options, Tools, estimate
from ..lab.improve.outcome import Outcome
from ..lab.improve.page import improvement_page
from ..lab.improve.pins import Pins, with_pins
from ..lab.improve.proposers.choice import usual
from ..lab.improve.replay import PromptPair, Replay
from ..lab.improve.replies import RememberingModel, Replies
from ..lab.improve.review import review
from ..lab.improve.split import split
from ..live_prompts import DIFFICULTY, SEARCH
from ..privacy.detect import Detector
from ..privacy.name_lists import NameLists
from ..prompt_versions import VersionStore
from ..routing.classify import Windows
from ..runtime import Runtime
from ..services import ClassifierCalls, Services
from ..sessions.cases import collect as refresh_cases
from ..sessions.commands import parse_since
from ..sessions.own_connection import writing
from ..sessions.reader import SessionReader
from ..settings import Settings
from .core import running_core
from .improve_cloud import check, cloud_reflector, what_leaves
from .improve_progress import Progress
from .improve_reflector import local_reflector
from .output import private_output
from .stored import settings_in_force

_TIMES = """
SELECT rowid AS n, classify_ms FROM turn
WHERE rowid > ? AND classify_ms > 0 AND source = ? ORDER BY rowid LIMIT ?
"""


def improve(args: argparse.Namespace) -> int:
    """0 when something was staged, or when an earlier stage was asked for and is done."""
    settings = settings_in_force(os.environ)
    options = _options(args)
    runs = Runs(settings.log.improvement)
    folder = runs.find(args.run) if args.run else runs.begin(time.time())
    reader = SessionReader(settings.log.database)
    if settings.log.database.exists():
        with writing(settings.log.database) as connection:
            refresh_cases(connection)
    if args.allow_cloud:
        check(settings.cloud)
    for line in _forecast(settings, reader, options, Pins(runs.pins)):
        print(line, file=sys.stderr, flush=True)
    for line in what_leaves(settings.cloud, options.reflections) if args.allow_cloud else ():
        print(line, file=sys.stderr, flush=True)
    if args.estimate:
        return 0
    try:
        outcome = _run(args, options, folder, runs)
    except (HalError, KeyboardInterrupt):
        if folder.path.exists():
            print(f"To go on: hal improve run --run {folder.run_id}", file=sys.stderr)
        raise
    _tell(args, outcome)
    asked_for_less = options.until not in {"gate", "stage"} and not outcome.missing
    return 0 if outcome.staged or asked_for_less else 1


def _options(args: argparse.Namespace) -> Options:
    """Raises ConfigError."""
    names = tuple(args.proposers.split(",")) if args.proposers else usual()
    if args.allow_cloud and args.reflector:
        raise ConfigError("--reflector names a local model; --allow-cloud asks the cloud's.")
    if min(args.calls, args.reflections) < 0:
        raise ConfigError("--calls and --reflections are numbers from 0 on.")
    since = parse_since(args.since, time.time()) if args.since else 0.0
    return Options(
        name=args.prompt,
        proposers=names,
        calls=args.calls,
        reflections=args.reflections,
        seed=args.seed,
        until=args.until,
        auto=args.auto,
        since=since,
    )


def _forecast(
    settings: Settings, reader: SessionReader, options: Options, pins: Pins
) -> Iterator[str]:
    """What it will take at most, from the cases and from how long deciding took until now."""
    found = collect_cases(reader, find_private(), options.since)
    in_use = VersionStore(settings.log.prompt_versions).pointer(options.name).in_use
    sides = with_pins(Sides.of(split(found.cases)), pins.of(in_use))
    calls = estimate(sides, options)
    total = sum(calls.values())
    yield f"{len(found.cases)} cases, {len(sides.test)} of them unseen."
    parts = ", ".join(f"{stage} {n}" for stage, n in calls.items())
    yield f"At most {total} calls to the classifier ({parts})"
    yield f"and {options.reflections} to the model that reflects."
    times = [float(row["classify_ms"]) for row in reader.pages(_TIMES, "classifier")]
    if times:
        # A decision takes two calls.
        minutes = total * sorted(times)[len(times) // 2] / 2 / 60_000
        yield f"The calls take up to {ceil(minutes)} min at the speed of your turns until now."


def _run(args: argparse.Namespace, options: Options, folder: RunFolder, runs: Runs) -> Outcome:
    with running_core(args.model, args.engine) as runtime, Progress(sys.stderr) as progress:
        services: Services = runtime.submit(runtime.services()).result()
        tools = _tools(args, runtime, services, runs, progress)
        return Loop(options, folder, tools).run()


def _tools(
    args: argparse.Namespace, runtime: Runtime, services: Services, runs: Runs, progress: Progress
) -> Tools:
    settings = services.settings

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return runtime.submit(work).result()

    calls = ClassifierCalls(services.models, settings.local.keep_alive)
    remembering = RememberingModel(calls, Replies(runs.replies), progress.call)
    versions = VersionStore(settings.log.prompt_versions)
    model = settings.routing.classifier_model
    return Tools(
        reader=SessionReader(settings.log.database),
        find=find_private(),
        replay=Replay(remembering, windows(settings), settings.routing, wait),
        prompts=_in_force(versions),
        model=model,
        digest=wait(calls.digest(model)),
        versions=versions,
        ledger=Ledger(runs.ledger),
        pins=Pins(runs.pins),
        save_sides=_saver(settings.log.database),
        clock=time.time,
        reflect=cloud_reflector(services, wait)
        if args.allow_cloud
        else local_reflector(services, args.reflector or settings.local.model, wait),
        reflects_outside=args.allow_cloud,
        say=progress.say,
    )


def find_private() -> Any:
    """Without the allow-list: what the user lets pass in a chat still stays out of a prompt."""
    return Detector(NameLists.load()).find


def windows(settings: Settings) -> Windows:
    """As in service, so that the model is not loaded a second time."""
    model = settings.routing.classifier_model
    window = settings.window_tokens(model)
    return Windows(model, window, min(window, settings.routing.classifier_context_tokens))


def _in_force(versions: VersionStore) -> PromptPair:
    found = (versions.load(name, versions.pointer(name).active) for name in (DIFFICULTY, SEARCH))
    return PromptPair(*found)


def _saver(database: Path) -> Callable[[Mapping[str, str]], None]:
    """Writes the side of each case that has none yet; one that has keeps it."""

    def save(sides: Mapping[str, str]) -> None:
        with writing(database) as connection, _transaction(connection):
            connection.executemany(
                "UPDATE eval_case SET split = ? WHERE turn_id = ? AND split = ''",
                [(side, turn_id) for turn_id, side in sides.items()],
            )

    return save


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _tell(args: argparse.Namespace, outcome: Outcome) -> None:
    if args.html:
        with private_output(args.html) as out:
            out.write(improvement_page(outcome))
    if args.json:
        json.dump(document(outcome), sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif args.html != "-":
        for line in review(outcome, with_examples=args.explain):
            print(line)
