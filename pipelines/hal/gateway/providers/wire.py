"""Reads what a server sent, whatever it is, and encodes what we send.

Knows no dialect. A value of the wrong kind reads as absent: a server's slip in a field that we
could do without must not end an answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

# Enough for any cause and remedy; a server that quotes a whole request back is cut off here.
QUOTE_CHARS = 300
# Milliseconds first: who sends both means the exact one. The second is Azure's.
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
# An answer needs room: a prompt that leaves less than this share of the window has filled it, and
# what Ollama cuts, it cuts to the window itself or to the last whole message that fits.
_FULL_SHARE = 0.98


def obj(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """A number of tokens; absent, negative and nonsense are zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(int(value), 0)


def fills_window(prompt_tokens: int, window_tokens: int) -> bool:
    """Whether the server may have cut the beginning of the prompt off, as it would not say."""
    return prompt_tokens >= window_tokens * _FULL_SHARE


def encode(payload: Mapping[str, Any]) -> bytes:
    """JSON as UTF-8, readable as it stands; half a surrogate pair becomes a question mark."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def new_call_id() -> str:
    """An id for a tool call whose server gave none."""
    return f"call_{uuid4().hex[:24]}"


def parsed(body: str) -> Any:
    """The body as JSON; None where it is not."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def error_text(body: str) -> str:
    """The server's own words in `{"error": "..."}` or `{"error": {"message": "..."}}`, else ""."""
    return said(parsed(body))


def said(value: object) -> str:
    """The words of an error object, on one line and shortened."""
    error = obj(value).get("error")
    words = text(error) or text(obj(error).get("message")) or text(obj(value).get("message"))
    return shortened(words)


def signs(value: object) -> str:
    """The words of an error object, and what it is called: several servers tell by `type` alone."""
    error = obj(value).get("error")
    kinds = (text(part.get(name)) for part in (obj(error), obj(value)) for name in ("type", "code"))
    return " ".join(word for word in (said(value), *kinds) if word)


def shortened(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= QUOTE_CHARS else line[: QUOTE_CHARS - 1] + "…"


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` and its like or `retry-after` (seconds or HTTP date).

    `now` is in seconds since the epoch. None when the server gave nothing usable.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    for name in _MILLISECONDS:
        if (milliseconds := _number(lowered.get(name))) is not None:
            return milliseconds / 1000
    value = lowered.get("retry-after")
    seconds = _number(value)
    return seconds if seconds is not None or value is None else _until(value, now)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(when.timestamp() - now, 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
