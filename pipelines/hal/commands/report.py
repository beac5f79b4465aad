"""`hal report`: what the router did, in the terminal, as JSON, or as one page of HTML.

Hands the log and the budget in force to `hal.lab.report`; knows no figure.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError
from ..lab.report import words
from ..lab.report.collect import Asked, collect
from ..lab.report.document import document
from ..lab.report.figures import Report
from ..lab.report.page import report_page
from ..lab.report.tables import tables
from ..lab.report.terminal import show
from ..sessions.commands import parse_since
from ..sessions.export import reading
from ..settings import Settings
from .output import private_output
from .stored import settings_in_force

# Tables are made for 80 columns; beyond 120 the eye loses the line.
_WIDTH, _WIDTH_MIN, _WIDTH_MAX = 80, 60, 120
# Who waits longer than this wants to know for what.
_PATIENCE_S = 1.0


def run(args: argparse.Namespace) -> int:
    """0 also for an empty log, which is said."""
    settings, now_s = settings_in_force(os.environ), time.time()
    since, until = _moment(args.since, now_s, "since"), _moment(args.until, now_s, "until")
    if since is not None and until is not None and since >= until:
        raise ConfigError("--since is not before --until.")
    width = _width(args.width)
    report = _report(settings, now_s, since, until, with_texts=args.with_texts and not args.html)
    if args.html:
        with private_output(args.html) as out:
            out.write(report_page(report, None))
        if args.html != "-" and not args.json:
            print(f"{words.headline(report)}\nThe page is {Path(args.html).absolute()}")
    if args.json:
        json.dump(document(report), sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif not args.html:
        found = list(tables(report, None)) if report.totals.turns else []
        show(
            words.headline(report),
            words.subtitle(report, None),
            report.notes,
            found,
            sys.stdout,
            width,
        )
    return 0


def _report(
    settings: Settings, now_s: float, since: float | None, until: float | None, *, with_texts: bool
) -> Report:
    asked = Asked(
        now_s=now_s, caps=settings.budget, since=since, until=until, with_texts=with_texts
    )
    with reading(settings.log.database) as connection, _no_search_for_cycles():
        return collect(connection, asked, _teller())


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of short-lived rows set it off again and again, and none of them is in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _teller() -> Callable[[str], None]:
    """Says on stderr what is being read, once it takes a while."""
    began = time.monotonic()

    def say(what: str) -> None:
        if time.monotonic() - began > _PATIENCE_S:
            print(f"hal report: reading {what}", file=sys.stderr, flush=True)

    return say


def _moment(text: str | None, now_s: float, option: str) -> float | None:
    try:
        return None if text is None else parse_since(text, now_s)
    except ValueError as error:
        raise ConfigError(f"{error}.".replace("--since", f"--{option}")) from None


def _width(asked: int | None) -> int:
    """That of the terminal where nothing is asked for; 80 where there is none."""
    if asked is None:
        found = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
        return min(max(found, _WIDTH_MIN), _WIDTH_MAX)
    if asked < _WIDTH_MIN:
        raise ConfigError(f"--width must be at least {_WIDTH_MIN}.")
    return asked
