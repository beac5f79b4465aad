"""`hal sessions forget`: what goes, what stays, and the answers that the cache keeps.

Hands the log to `hal.sessions.forget` and the cache to `answers`; says what neither can tell apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import ConfigError
from ..sessions.commands import parse_since
from ..sessions.forget import Forgotten, forget, would_forget
from ..sessions.selection import Selection
from ..settings import LogSettings
from .sessions_answers import Answers

_STAYS = (
    "What was spent stays counted, and so do keys, settings, rules and prompts; Open WebUI keeps "
    "its own chats."
)


def run(args: argparse.Namespace, log: LogSettings) -> int:
    """0 when all that was asked for is gone, or would be."""
    chosen = _selection(args)
    answers = Answers(log.cache_database)
    if not args.yes:
        found = would_forget(log.database, chosen)
        _report(found, answers.count(chosen, found.users), args, is_done=False)
        return 0
    done = forget(log.database, chosen, _say)
    kept, problem = answers.forget(chosen, done.users)
    problems = (*done.problems, *([problem] if problem else []))
    _report(done, kept, args, is_done=True)
    for each in problems:
        print(f"hal sessions: {each}", file=sys.stderr)
    return int(bool(problems))


def _selection(args: argparse.Namespace) -> Selection:
    if args.before is None:
        # An empty id would be nobody's, and must not come to mean everything.
        if "" in (args.chat, args.user):
            raise ConfigError("An id is needed.", "`hal sessions list --json` shows them.")
        return Selection(chat_id=args.chat, user_id=args.user)
    try:
        return Selection(until_s=parse_since(args.before, time.time()))
    except ValueError as error:
        raise ConfigError(f"{str(error).replace('--since', '--before')}.") from None


def _report(found: Forgotten, answers: int, args: argparse.Namespace, *, is_done: bool) -> None:
    if args.json:
        document = {**asdict(found), "answers": answers, "deleted": is_done}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    rows = ", ".join(f"{count:,} {table}" for table, count in found.rows.items() if count)
    print(f"{'deleted' if is_done else 'would be deleted'}: {rows or 'nothing'}")
    for note in _notes(found, answers, args, is_done):
        print(note)


def _notes(
    found: Forgotten, answers: int, args: argparse.Namespace, is_done: bool
) -> Sequence[str]:
    """What else went or would go, and what did not."""
    notes = [f"answers in the cache: {answers:,}{_whose(args, found, answers)}"]
    if found.files:
        notes.append(f"files beside the log: {', '.join(found.files)}")
    if found.kept_files:
        notes.append(
            f"may hold something of it, and cannot be told apart: {', '.join(found.kept_files)}"
            " (--all deletes them)"
        )
    if found.unfinished:
        notes.append(
            f"{found.unfinished:,} of these turns are not finished: what a running server writes "
            "of them at their end comes back. Run this again then."
        )
    if is_done:
        notes.append(
            "A running server still has in memory what it works with; a restart ends that."
        )
    notes.append(_STAYS)
    return notes if is_done else [*notes, "Nothing was deleted. Add --yes to delete it."]


def _whose(args: argparse.Namespace, found: Forgotten, answers: int) -> str:
    """The cache knows users by a hash, and no chat at all."""
    if args.chat is None or (found.users and not answers):
        return ""
    if found.users:
        return " (it cannot tell chats apart: all of whoever wrote in this one)"
    return " (it cannot tell chats apart, and this one is not in the log; see --user or --all)"


def _say(note: str) -> None:
    print(f"hal sessions: {note}", file=sys.stderr, flush=True)
