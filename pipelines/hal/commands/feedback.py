"""`hal feedback pull`: ratings out of Open WebUI, into the session log.

Fetches everything before it opens the log, so that a slow server holds no lock. Knows neither the
shapes of Open WebUI (`openwebui_admin`, `openwebui_ratings`) nor the tables (`sessions.feedback`).
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..sessions.cases import Collected, collect
from ..sessions.commands import parse_since
from ..sessions.feedback import apply
from ..sessions.operation import ContentPolicy
from ..sessions.own_connection import writing
from ..sessions.ratings import STATE_KEY, Pull, Pulled, Rating, watermark, with_newest
from ..sessions.reader import SessionReader
from ..sessions.statements import put_state
from ..settings import LogSettings
from .openwebui_admin import AdminApi, AdminApiFailed
from .openwebui_ratings import read_rating
from .stored import settings_in_force

KEY_VARIABLE = "OPEN_WEBUI_API_KEY"
_PROGRESS_EVERY = 300  # ten pages


def run(args: argparse.Namespace) -> int:
    """0 when the log has what Open WebUI has."""
    log = settings_in_force(os.environ).log
    key = _key(args.key_file, os.environ)
    with AdminApi(args.url, key, allow_remote=args.allow_remote) as api:
        states = SessionReader(log.database).get_state(STATE_KEY)
        since = _since(args, watermark(states, api.name))
        ratings = _fetch(api, since)
        pull = Pull(
            source=f"open-webui@{api.name}",
            policy=ContentPolicy(log.content, log.content_days),
            now_s=time.time(),
            is_complete=args.all,
        )
        pulled, changed = _write(log, ratings, pull, args, states, api.name)
    _report(pulled, changed, args)
    return 0


def _fetch(api: AdminApi, since: float | None) -> list[Rating]:
    ratings = []
    for number, item in enumerate(api.items(since), 1):
        rating = read_rating(item)
        if rating.prefers_another:
            rating = replace(rating, user_message_id=_question_of(api, rating))
        ratings.append(rating)
        if number % _PROGRESS_EVERY == 0:
            _say(f"{number:,} ratings read")
    return ratings


def _question_of(api: AdminApi, rating: Rating) -> str:
    """Without it the rating is counted as one that fits no turn."""
    try:
        return api.parent_of(rating.id, rating.message_id) or ""
    except AdminApiFailed:
        return ""


def _write(  # noqa: PLR0913 - what was fetched, and where it goes
    log: LogSettings,
    ratings: list[Rating],
    pull: Pull,
    args: argparse.Namespace,
    states: str | None,
    name: str,
) -> tuple[Pulled, Collected]:
    """In one transaction, given up at the end where nothing is to be written; then the cases."""
    if not log.database.exists():
        raise ConfigError(
            "There is no session log yet, so that no rating can belong to a turn of it.",
            "Ask hal-auto something first, or set HAL_DATA_DIR to where the server keeps its data.",
        )
    with writing(log.database) as connection:
        connection.execute("BEGIN IMMEDIATE")
        pulled = apply(connection, ratings, pull)
        if ratings and _reaches_back(args, watermark(states, name)):
            newest = max(rating.updated_at for rating in ratings)
            marks = with_newest(states, name, newest)
            put_state(connection, STATE_KEY, marks, pull.now_s)
        connection.execute("ROLLBACK" if args.dry_run else "COMMIT")
        return pulled, Collected() if args.dry_run else collect(connection, pull.now_s)


def _since(args: argparse.Namespace, mark: float | None) -> float | None:
    if args.all:
        return None
    if args.since is None:
        return mark
    try:
        return parse_since(args.since, time.time())
    except ValueError as error:
        raise ConfigError(f"{error}.") from None


def _reaches_back(args: argparse.Namespace, mark: float | None) -> bool:
    """Whether nothing lies between the last pull and this one: else the next one has to ask."""
    if args.since is None:
        return True
    return mark is not None and (_since(args, None) or 0.0) <= mark


def _key(file: str | None, environ: Mapping[str, str]) -> str:
    key = _read(Path(file).expanduser()) if file else environ.get(KEY_VARIABLE, "")
    if not key.strip():
        raise ConfigError(
            "There is no key for Open WebUI.",
            f"Put an administrator's API key into {KEY_VARIABLE}, or into a file for --key-file; "
            "Open WebUI makes one under Settings > Account > API keys.",
        )
    return key.strip()


def _read(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            _say(f"{path.name} can be read by others: chmod 600 {path.name}")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text"
        raise ConfigError(f"The key file cannot be read: {why}.", "See --key-file.") from None


def _report(pulled: Pulled, changed: Collected, args: argparse.Namespace) -> None:
    if args.json:
        counts: dict[str, Any] = {each.name: getattr(pulled, each.name) for each in fields(pulled)}
        document = {**counts, "cases": asdict(changed), "written": not args.dry_run}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(
        f"ratings read: {pulled.seen:,}  new: {pulled.new:,}  changed: {pulled.changed:,}"
        f"  withdrawn: {pulled.withdrawn:,}  as before: {pulled.unchanged:,}"
    )
    for why, count in pulled.unmatched.items():
        print(f"not used: {count:,}, {why}")
    if pulled.foreign:
        print(f"about other models: {pulled.foreign:,}")
    if changed != Collected():
        print(f"cases to learn from: {changed.written:,} made, {changed.removed:,} taken back")
    if args.dry_run:
        print("Nothing was written (--dry-run).")


def _say(note: str) -> None:
    print(f"hal feedback: {note}", file=sys.stderr, flush=True)
