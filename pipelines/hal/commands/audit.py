"""`hal audit`: what left this machine, when, and whether anything private did.

Hands the log, the detector and this machine's key to `hal.sessions.audit`; makes no key where there
is none. Knows no table and no rule.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from ..errors import ConfigError
from ..privacy.allowed import AllowedValues, value_hash
from ..privacy.detect import Detector
from ..privacy.name_lists import NameLists
from ..privacy_files import load_allowed, load_key
from ..sessions.audit import AuditReport, audit
from ..sessions.audit_calls import sent_calls
from ..sessions.audit_html import audit_html
from ..sessions.audit_page import audit_document, audit_page
from ..sessions.commands import parse_since
from ..sessions.export import reading
from ..sessions.reader import SessionReader
from .output import private_output
from .stored import settings_in_force

# One line takes a few seconds: a text or a call takes milliseconds.
_PROGRESS_EVERY = 1000


def run(args: argparse.Namespace) -> int:
    """1 when something private left without the user's word."""
    since = _since(args.since)
    log = settings_in_force(os.environ).log
    key = _key(log.privacy_key)
    allowed = AllowedValues(key, load_allowed(log.allowed_values) if key else ())
    if args.with_texts and not args.html:
        raise ConfigError("--with-texts is for a page.", "Add --html FILE.")
    report = audit(
        SessionReader(log.database),
        Detector(NameLists.load(), allow=allowed).find,
        partial(value_hash, key) if key else None,
        since=since,
        say=_say,
    )
    if args.html:
        _write_page(args, report, log.database, since)
    if args.html == "-":
        pass  # the page has taken the place of the text
    elif args.json:
        json.dump(audit_document(report, None), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print("\n".join(audit_page(report, None)))
    return int(bool(report.findings))


def _write_page(
    args: argparse.Namespace, report: AuditReport, database: Path, since: float | None
) -> None:
    with reading(database) as connection:
        calls = sent_calls(connection, since, with_texts=args.with_texts)
        document = audit_html(report, calls, None, now_s=time.time())
    with private_output(args.html) as out:
        out.write(document)
    if args.html != "-":
        print(f"hal audit: the page is {args.html}", file=sys.stderr)


def _since(text: str | None) -> float | None:
    try:
        return None if text is None else parse_since(text, time.time())
    except ValueError as error:
        raise ConfigError(f"{error}.") from None


def _key(path: Path) -> bytes:
    """Empty when there is none; then nothing was allowed or masked with it either."""
    if not path.exists():
        return b""
    try:
        return load_key(path)
    except ConfigError as error:
        print(f"hal audit: {error.sentence} Allowed values count as private.", file=sys.stderr)
        return b""


def _say(what: str, count: int) -> None:
    if count % _PROGRESS_EVERY == 0:
        print(f"hal audit: {count:,} {what} read", file=sys.stderr, flush=True)
