"""One line of logfmt for a turn that has ended, for whoever reads the server's log.

Pure. Has no text of the user's: neither what was asked and answered nor why it was decided so.
"""

from __future__ import annotations

import json
import re

from ..recording import FinishedTurn
from ..sessions.record import TurnRow

# As many as `hal sessions show` needs to find the turn, among some ten thousand of them.
ID_CHARS = 8
# What needs no quotes: printable ASCII but the space, the quote, the equals sign and the backslash.
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")

Pair = tuple[str, str | int | float | None]


def line_of(turn: FinishedTurn) -> str:
    """`turn=3f9a21bc route=MODERATE target=ollama/nemotron-3-nano:30b outcome=done ...`

    What is not known, or does not apply, is left out.
    """
    return " ".join(
        f"{name}={_written(value)}"
        for name, value in _pairs(turn.row, len(turn.calls))
        if value is not None and value != ""
    )


def _pairs(row: TurnRow, calls: int) -> tuple[Pair, ...]:
    return (
        ("turn", row.id[:ID_CHARS]),
        ("route", row.route),
        ("target", f"{row.provider}/{row.model}" if row.provider else ""),
        ("outcome", row.outcome),
        ("error", row.error_code),
        ("confidence", _hundredths(row.confidence)),
        ("decided_by", row.source),
        ("classify_ms", _whole(row.classify_ms)),
        ("ttft_ms", _whole(row.first_token_ms)),
        ("total_ms", _whole(row.total_ms)),
        ("in", row.prompt_tokens),
        ("out", row.completion_tokens),
        ("cost_usd", row.cost_usd),
        ("calls", calls if calls != 1 else None),
        ("cache", row.cache),
        ("private", sum(row.private_kinds.values()) or None),
        ("degraded", ",".join(row.degradations)),
    )


def _whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)


def _hundredths(share: float | None) -> float | None:
    return None if share is None else round(share, 2)


def _written(value: str | int | float | None) -> str:
    """A value in which nothing can end the line or begin another pair."""
    if isinstance(value, float):
        # Six digits: a token costs some millionths of a dollar.
        return f"{value:.6g}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
