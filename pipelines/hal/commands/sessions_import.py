"""`hal sessions import`: an export into the log of this data folder, or what would come of it.

Hands lines to `hal.sessions.import_log`. Knows no table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError
from ..sessions.import_log import import_log
from ..sessions.import_rows import Imported
from ..sessions.render import printable
from ..settings import LogSettings

_PROGRESS_EVERY = 10_000


def run(args: argparse.Namespace, log: LogSettings) -> int:
    """0 when every line could be read, 1 when some were left out."""
    is_dry = args.dry_run or not args.yes
    with ExitStack() as opened:
        source = _source(args.file, opened)
        done = import_log(source, log.database, is_dry=is_dry, say=_say)
    if args.json:
        document = {each.name: getattr(done, each.name) for each in fields(done)}
        print(json.dumps({**document, "written": not is_dry}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(done, is_dry)))
    return int(bool(done.wrong_count))


def _source(file: str, opened: ExitStack) -> BinaryIO:
    if file == "-":
        return sys.stdin.buffer
    try:
        return opened.enter_context(Path(file).open("rb"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error


def _lines(done: Imported, is_dry: bool) -> Iterable[str]:
    yield f"{'would be added' if is_dry else 'added'}: {_counts(done.added)}"
    if done.present:
        yield f"there already: {_counts(done.present)}"
    for what, counts in (("tables", done.unknown_tables), ("columns", done.unknown_columns)):
        if counts:
            yield f"left out, {what} of a newer version: {_counts(counts)}"
    for number, why in done.wrong:
        yield f"line {number:,} left out: {printable(why)}"
    if done.wrong_count > len(done.wrong):
        yield f"lines left out, all in all: {done.wrong_count:,}"
    if is_dry:
        yield "Nothing was written. Add --yes to write it."


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {printable(name)}" for name, count in counts.items()) or "nothing"


def _say(lines: int) -> None:
    if lines % _PROGRESS_EVERY == 0:
        print(f"hal sessions: {lines:,} lines read", file=sys.stderr, flush=True)
