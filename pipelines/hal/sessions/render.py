"""Rows of the session log as aligned plain text: a table, and a page for one turn.

Knows no database and writes nothing; it gives lines.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from .record import CallRow, ContentRow, EgressRow, ShadowRow, TurnRow

# A model's name with its tag; longer ones lose their end, so that a line fits a terminal.
_MODEL_CHARS = 28
_HASH_CHARS = 12
_SHORT_ID_CHARS = 8
_NONE = "-"
# What a terminal would obey instead of show; newline and tab are harmless.
_CONTROLS = {code: "�" for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}

Cells = Sequence[str]
# Each heading says where its column leans: '<' text to the left, '>' figures to the right.
_TURN_HEAD = (
    *("<TIME", "<ID", "<ROUTE", ">CONF", "<MODEL", "<OUTCOME"),
    *(">CLASSIFY_MS", ">TTFT_MS", ">TOTAL_MS", ">TOKENS", ">COST"),
)
_CALL_HEAD = (
    *(">N", "<PURPOSE", "<PROVIDER", "<MODEL", ">TRY", "<OUTCOME"),
    *(">TTFT_MS", ">TOTAL_MS", ">TOKENS", ">CACHED", ">REASONING", ">COST"),
)
_EGRESS_HEAD = ("<TIME", "<HOST", "<PROVIDER", "<MODEL", "<PURPOSE", ">BYTES", "<SHA256")


def turn_table(turns: Sequence[TurnRow], tz: tzinfo | None) -> list[str]:
    """One line per turn under a heading; ids as short as they stay different."""
    chars = short_id_chars([turn.id for turn in turns])
    return _table(_TURN_HEAD, (_turn_cells(turn, chars, tz) for turn in turns))


def turn_page(turn: TurnRow, tz: tzinfo | None) -> list[str]:
    """Everything about the turn itself, a name and a value per line; what is empty is left out."""
    pairs = [
        ("turn", turn.id),
        ("time", when(turn.started_at, tz, with_zone=True)),
        ("route", _route_line(turn)),
        ("reason", turn.reason),
        ("search", "" if turn.needs_search is None else f"needed with {turn.needs_search:.2f}"),
        ("odds", "  ".join(f"{k} {v:.2f}" for k, v in turn.probabilities.items())),
        ("router", _router_line(turn)),
        ("model", _model_line(turn)),
        ("outcome", turn.outcome + (f" ({turn.error_code})" if turn.error_code else "")),
        ("timing", _timing_line(turn)),
        ("tokens", _tokens_line(turn)),
        ("cost", "" if turn.cost_usd is None else _cost(turn.cost_usd)),
        ("finish", "" if turn.finish_reason == "stop" else turn.finish_reason),
        ("speculation", turn.speculation),
        ("draft", turn.cascade),
        ("degraded", ", ".join(turn.degradations)),
        ("notes", ", ".join(turn.notes)),
        ("task", turn.task or ""),
        ("prompt", turn.prompt_id or ""),
        ("policy", turn.policy_id),
        ("chat", turn.chat_id or ""),
        ("message", turn.message_id or ""),
        ("answers", turn.user_message_id or ""),
        ("session", turn.session_id or ""),
        ("user", turn.user_id or ""),
        ("features", "" if turn.features_json == "{}" else turn.features_json),
        ("version", turn.hal_version),
    ]
    return [f"{name:<13}{printable(value)}" for name, value in pairs if value]


def call_table(calls: Sequence[CallRow]) -> list[str]:
    return _table(_CALL_HEAD, (_call_cells(call) for call in calls))


def egress_table(rows: Sequence[EgressRow], tz: tzinfo | None) -> list[str]:
    return _table(_EGRESS_HEAD, (_egress_cells(row, tz) for row in rows))


def content_page(content: ContentRow) -> list[str]:
    parts = (
        ("question", content.question),
        ("thinking", content.thinking),
        ("draft", content.draft),
        ("answer", content.answer),
    )
    lines: list[str] = []
    for name, text in parts:
        if text or name in ("question", "answer"):
            lines += _text(name, text)
    return lines


def shadow_page(shadow: ShadowRow, answer: str | None) -> list[str]:
    """What the other target answered to the turn, when nobody waited for it."""
    place = "left the machine" if shadow.leaves_machine else "stayed on the machine"
    by = f" ({shadow.router_id})" if shadow.router_id else ""
    pairs = [
        ("model", f"{shadow.provider} {shadow.model} ({place})"),
        ("chosen by", f"{shadow.reason}{by}, with probability {shadow.propensity:.2f}"),
        ("outcome", shadow.outcome + (f" ({shadow.error_code})" if shadow.error_code else "")),
    ]
    lines = [f"{name:<13}{printable(value)}" for name, value in pairs]
    return lines if answer is None else [*lines, *_text("answer", answer)]


def _text(name: str, text: str) -> list[str]:
    body = textwrap.indent(printable(text) or "(empty)", "  ")
    return [f"{name}:", *body.split("\n")]


def short_id_chars(ids: Sequence[str]) -> int:
    """How many characters tell these ids apart, at least eight."""
    longest = max(map(len, ids), default=_SHORT_ID_CHARS)
    wanted = len(set(ids))
    for chars in range(_SHORT_ID_CHARS, longest):
        if len({i[:chars] for i in ids}) == wanted:
            return chars
    return max(longest, _SHORT_ID_CHARS)


def when(unix_s: float, tz: tzinfo | None, *, with_zone: bool = False) -> str:
    """Date and time in `tz`; None is the zone of this machine."""
    moment = datetime.fromtimestamp(unix_s, UTC).astimezone(tz)
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z" if with_zone else "%Y-%m-%d %H:%M:%S").strip()


def printable(text: str) -> str:
    """Text that a model or a user wrote cannot command the terminal."""
    return text.translate(_CONTROLS)


def _turn_cells(turn: TurnRow, id_chars: int, tz: tzinfo | None) -> Cells:
    return (
        when(turn.started_at, tz),
        turn.id[:id_chars],
        turn.route or _NONE,
        _NONE if turn.confidence is None else f"{turn.confidence:.2f}",
        _model(turn.model),
        turn.outcome,
        _ms(turn.classify_ms),
        _ms(turn.first_token_ms),
        _ms(turn.total_ms),
        _tokens(turn.prompt_tokens, turn.completion_tokens),
        _cost(turn.cost_usd),
    )


def _call_cells(call: CallRow) -> Cells:
    return (
        str(call.n),
        call.purpose,
        call.provider,
        _model(call.model),
        str(call.attempt),
        call.outcome + (f" ({call.error_code})" if call.error_code else ""),
        _ms(call.first_token_ms),
        _ms(call.total_ms),
        _tokens(call.prompt_tokens, call.completion_tokens),
        _number(call.cached_tokens),
        _number(call.reasoning_tokens),
        ("~" if call.is_estimate else "") + _cost(call.cost_usd),
    )


def _egress_cells(row: EgressRow, tz: tzinfo | None) -> Cells:
    return (
        when(row.at, tz),
        row.host,
        row.provider or _NONE,
        _model(row.model),
        row.purpose or _NONE,
        _number(row.bytes),
        row.sha256[:_HASH_CHARS],
    )


def _table(head: Cells, rows: Iterable[Cells]) -> list[str]:
    """Columns as wide as their widest cell."""
    sides = [heading[0] for heading in head]
    # A line break inside a cell would end the row, so controls and breaks both go.
    lines = [
        [heading[1:] for heading in head],
        *([" ".join(printable(cell).split()) for cell in row] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _route_line(turn: TurnRow) -> str:
    confidence = "" if turn.confidence is None else f", confidence {turn.confidence:.2f}"
    source = f", by {turn.source}" if turn.source else ""
    return f"{turn.route}{confidence}{source}" if turn.route else ""


def _router_line(turn: TurnRow) -> str:
    if turn.p_local_ok is None or turn.gain is None:
        return ""
    return f"local good enough {turn.p_local_ok:.2f}, gain {turn.gain:.2f} ({turn.router_id})"


def _model_line(turn: TurnRow) -> str:
    if not turn.model:
        return ""
    if turn.cache:
        return f"{turn.provider} {turn.model} (from the cache, {turn.cache})".strip()
    place = "left the machine" if turn.leaves_machine else "stayed on the machine"
    return f"{turn.provider} {turn.model} ({place})".strip()


def _timing_line(turn: TurnRow) -> str:
    parts = (
        ("classify", turn.classify_ms),
        ("first token", turn.first_token_ms),
        ("total", turn.total_ms),
    )
    return ", ".join(f"{name} {_ms(value)} ms" for name, value in parts if value is not None)


def _tokens_line(turn: TurnRow) -> str:
    if turn.prompt_tokens is None and turn.completion_tokens is None:
        return ""
    return f"{_number(turn.prompt_tokens)} in, {_number(turn.completion_tokens)} out"


def _model(name: str) -> str:
    if len(name) > _MODEL_CHARS:
        return name[: _MODEL_CHARS - 1] + "…"
    return name or _NONE


def _ms(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _number(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _tokens(prompt: int | None, completion: int | None) -> str:
    if prompt is None and completion is None:
        return _NONE
    return f"{_number(prompt)}+{_number(completion)}"


def _cost(usd: float | None) -> str:
    """Four decimals show a hundredth of a cent, the size of a small cloud turn."""
    if usd is None:
        return _NONE
    return f"${usd:.4f}" if usd else "$0"
