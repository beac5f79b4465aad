"""`hal sessions export`: the log as JSON lines, to a file of one's own or to stdout.

What stands in a line is known to `hal.sessions.export`, what is taken out to `sessions.redact`.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator

from ..errors import ConfigError
from ..privacy.detect import Detector
from ..privacy.name_lists import NameLists
from ..privacy_files import KEY_BYTES
from ..sessions.columns import AnyRow
from ..sessions.commands import parse_since
from ..sessions.export import header, line_of, reading, rows, span_of
from ..sessions.redact import Redactor
from ..sessions.selection import Selection
from ..settings import LogSettings
from .output import private_output

# One line takes some seconds: to read a row takes microseconds, to search its texts milliseconds.
_PROGRESS_EVERY = 10_000

Lines = Iterator[str]


def run(args: argparse.Namespace, log: LogSettings) -> int:
    """0 when everything was written."""
    wanted = Selection(
        since_s=_moment(args.since, "--since"),
        until_s=_moment(args.until, "--until"),
        chat_id=args.chat,
    )
    # Names, searched by the same rules as in a turn; what the user allows is private elsewhere.
    redactor = _redactor() if args.redact else None
    count = 0
    with private_output(args.output) as out:
        for line in _lines(args, log, wanted, redactor):
            out.write(f"{line}\n")
            count += 1
    if args.output:
        print(f"hal sessions: {count:,} lines written to {args.output}", file=sys.stderr)
    return 0


def _lines(
    args: argparse.Namespace, log: LogSettings, wanted: Selection, redactor: Redactor | None
) -> Lines:
    with_content = not args.no_content and args.format == "jsonl"
    with reading(log.database) as connection:
        if redactor is not None:
            for row in _told("searched", rows(connection, wanted, with_content=with_content)):
                redactor.learn(row)
        if args.format == "jsonl":
            yield header(with_content=with_content, is_redacted=args.redact)
        line: Callable[[AnyRow], str | None] = line_of if args.format == "jsonl" else span_of
        for row in _told("written", rows(connection, wanted, with_content=with_content)):
            text = line(row if redactor is None else redactor.redacted(row))
            if text is not None:
                yield text


def _redactor() -> Redactor:
    """Its key is forgotten with it: nobody can tell the ids from their names any more."""
    return Redactor(Detector(NameLists.load()).find, secrets.token_bytes(KEY_BYTES))


def _moment(text: str | None, option: str) -> float | None:
    try:
        return None if text is None else parse_since(text, time.time())
    except ValueError as error:
        raise ConfigError(f"{str(error).replace('--since', option)}.") from None


def _told(what: str, source: Iterator[AnyRow]) -> Iterator[AnyRow]:
    for number, row in enumerate(source, 1):
        if number % _PROGRESS_EVERY == 0:
            print(f"hal sessions: {number:,} rows {what}", file=sys.stderr, flush=True)
        yield row
