"""What `hal sessions list` and `hal sessions show` do, once the command line has been read.

Knows no argument parser and no terminal: it is given a reader and a place to write.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any, TextIO

from ..errors import HalError
from ..types import Outcome, Route
from .columns import as_dict
from .operation import POLICY_KEY
from .reader import SessionReader
from .record import RUNNING, TurnRow
from .render import (
    call_table,
    content_page,
    egress_table,
    shadow_page,
    turn_page,
    turn_table,
)

OK, NOT_FOUND, USAGE = 0, 1, 2

_LIMIT_MAX = 1_000_000  # more rows than this are an export, not a list
_OUTCOMES = (*(outcome.value for outcome in Outcome), RUNNING)
_ROUTES = tuple(route.value for route in Route)
_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AMBIGUOUS_SHOWN = 5


def list_sessions(  # noqa: PLR0913 - the options of the command, one by one
    reader: SessionReader,
    *,
    limit: int,
    chat: str | None,
    route: str | None,
    outcome: str | None,
    since: str | None,
    as_json: bool,
    out: TextIO,
    now_s: float | None = None,
    tz: tzinfo | None = None,
) -> int:
    """Write the newest turns that match; `tz` None is the zone of this machine."""
    try:
        route = _one_of("route", route and route.upper(), _ROUTES)
        outcome = _one_of("outcome", outcome and outcome.lower(), _OUTCOMES)
        since_s = since and parse_since(since, time.time() if now_s is None else now_s, tz)
        if not 1 <= limit <= _LIMIT_MAX:
            raise ValueError(f"--limit must be between 1 and {_LIMIT_MAX}")  # noqa: TRY301
    except ValueError as error:
        return _fail(str(error), USAGE, as_json, out)
    try:
        turns = reader.turns(limit, since_s or None, chat, route, outcome)
    except HalError as error:
        return _fail(error.sentence, NOT_FOUND, as_json, out)
    if as_json:
        _write_json({"turns": [as_dict(turn) for turn in turns]}, out)
    else:
        _write(turn_table(turns, tz) if turns else ["No turns match."], out)
    return OK


def show_session(  # noqa: PLR0913 - clock and zone are arguments, for exact tests
    reader: SessionReader,
    turn_id_prefix: str,
    *,
    as_json: bool,
    out: TextIO,
    now_s: float | None = None,
    tz: tzinfo | None = None,
) -> int:
    """Write everything that is known of one turn, whose id may be shortened."""
    now_s = time.time() if now_s is None else now_s
    try:
        found = reader.matching(turn_id_prefix, _AMBIGUOUS_SHOWN)
        if not found:
            return _fail(f"No turn begins with {turn_id_prefix!r}.", NOT_FOUND, as_json, out)
        if len(found) > 1:
            ids = ", ".join(turn.id for turn in found)
            return _fail(f"Several turns begin so: {ids}.", USAGE, as_json, out)
        document = _everything(reader, found[0], now_s) if as_json else None
        lines = [] if as_json else _page(reader, found[0], now_s, tz)
    except HalError as error:
        return _fail(error.sentence, NOT_FOUND, as_json, out)
    if document is None:
        _write(lines, out)
    else:
        _write_json(document, out)
    return OK


def parse_since(text: str, now_s: float, tz: tzinfo | None = None) -> float:
    """Unix seconds of "30m", "24h", "7d", "2w" ago, or of an ISO date or time; else ValueError."""
    text = text.strip()
    if match := _SPAN.fullmatch(text.lower()):
        span = timedelta(**{_UNITS[match[2]]: int(match[1])})
        return now_s - span.total_seconds()
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=tz) if tz else moment.astimezone()
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"--since takes 30m, 24h, 7d, 2w or an ISO date, not {text!r}") from None


def why_not_kept(reader: SessionReader, turn: TurnRow, now_s: float) -> str:
    """Why there is no question and no answer for this turn, as far as the log can tell."""
    policy = _policy(reader)
    days = policy.get("content_days", math.inf)
    if turn.outcome == RUNNING:
        return "not kept: the turn is not finished"
    if not policy.get("log_content", True) or days <= 0:
        return "not kept: keeping content is switched off (LOG_CONTENT)"
    if turn.started_at + days * 86_400 <= now_s:
        return f"not kept: expired after {days} days"
    return "not kept: the chat is temporary, or keeping content was off at that time"


def _page(reader: SessionReader, turn: TurnRow, now_s: float, tz: tzinfo | None) -> list[str]:
    calls, egress = reader.calls(turn.id), reader.egress(turn.id)
    content = reader.content(turn.id)
    return [
        *turn_page(turn, tz),
        *("", "calls"),
        *(call_table(calls) if calls else ["none"]),
        *("", "left the machine"),
        *(egress_table(egress, tz) if egress else ["nothing"]),
        *("", "content"),
        *(content_page(content) if content else [why_not_kept(reader, turn, now_s)]),
        *_shadow_pages(reader, turn),
    ]


def _shadow_pages(reader: SessionReader, turn: TurnRow) -> Iterator[str]:
    for shadow, answer in reader.shadows(turn.id):
        yield from ("", "shadow (shown to nobody)", *shadow_page(shadow, answer))


def _everything(reader: SessionReader, turn: TurnRow, now_s: float) -> dict[str, Any]:
    content = reader.content(turn.id)
    return {
        "turn": as_dict(turn),
        "calls": [as_dict(call) for call in reader.calls(turn.id)],
        "egress": [as_dict(row) for row in reader.egress(turn.id)],
        "content": as_dict(content) if content else None,
        "content_note": None if content else why_not_kept(reader, turn, now_s),
        "shadows": [
            {**as_dict(shadow), "answer": answer} for shadow, answer in reader.shadows(turn.id)
        ],
    }


def _policy(reader: SessionReader) -> dict[str, Any]:
    try:
        policy = json.loads(reader.get_state(POLICY_KEY) or "{}")
    except ValueError:
        return {}
    return policy if isinstance(policy, dict) else {}


def _one_of(name: str, value: str | None, allowed: tuple[str, ...]) -> str | None:
    if value and value not in allowed:
        raise ValueError(f"--{name} must be one of {', '.join(allowed)}")
    return value or None


def _fail(message: str, code: int, as_json: bool, out: TextIO) -> int:
    if as_json:
        _write_json({"error": message}, out)
    else:
        _write([message], out)
    return code


def _write(lines: list[str], out: TextIO) -> None:
    out.write("".join(f"{line}\n" for line in lines))


def _write_json(document: dict[str, Any], out: TextIO) -> None:
    out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
