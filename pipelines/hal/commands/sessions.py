"""`hal sessions list|show|export|import|forget`: hands the log and the terminal to what does it.

Knows no table and no format.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from ..sessions.commands import list_sessions, show_session
from ..sessions.reader import SessionReader
from ..settings import LogSettings
from .stored import settings_in_force


def run(args: argparse.Namespace) -> int:
    """What the exit code means stands in the help of each action."""
    log = settings_in_force(os.environ).log
    if args.action == "list":
        return _list(args, log)
    if args.action == "show":
        return _show(args, log)
    # One module each, named after it: a list has no need of the detector that an export brings.
    action = import_module(f".sessions_{args.action}", __package__)
    return int(action.run(args, log))


def _show(args: argparse.Namespace, log: LogSettings) -> int:
    reader = SessionReader(log.database)
    return show_session(reader, args.turn, as_json=args.json, out=sys.stdout)


def _list(args: argparse.Namespace, log: LogSettings) -> int:
    return list_sessions(
        SessionReader(log.database),
        limit=args.limit,
        chat=args.chat,
        route=args.route,
        outcome=args.outcome,
        since=args.since,
        as_json=args.json,
        out=sys.stdout,
    )
