"""`hal sessions list|show`: hands the session log and the terminal to `hal.sessions.commands`.

Knows no table and no format.
"""

from __future__ import annotations

import argparse
import os
import sys

from ..sessions.commands import list_sessions, show_session
from ..sessions.reader import SessionReader
from ..settings_reader import read_environment


def run(args: argparse.Namespace) -> int:
    reader = SessionReader(read_environment(os.environ).log.database)
    if args.action == "show":
        return show_session(reader, args.turn, as_json=args.json, out=sys.stdout)
    return list_sessions(
        reader,
        limit=args.limit,
        chat=args.chat,
        route=args.route,
        outcome=args.outcome,
        since=args.since,
        as_json=args.json,
        out=sys.stdout,
    )
