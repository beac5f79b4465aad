"""Ollama's `keep_alive` values as seconds.

It does not know what is kept alive. Ollama takes a number of seconds or a Go duration ("1h30m"),
and any negative value as "for ever"; a number in quotes, which Ollama refuses, is taken as seconds.
"""

from __future__ import annotations

import math
import re

from .errors import BadRequest

FOREVER_S = math.inf

_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ms|us|µs|ns|h|m|s)")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")


def keep_alive_s(value: float | str | None, default_s: float) -> float:
    """Return how many seconds an idle model stays loaded; raises BadRequest."""
    if value is None or value == "":
        return default_s
    seconds = _parse(value.strip()) if isinstance(value, str) else float(value)
    if math.isnan(seconds):
        raise BadRequest(f'invalid keep_alive "{value}"')
    return FOREVER_S if seconds < 0 else seconds


def _parse(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    body = text.lstrip("+-")
    if _NUMBER.fullmatch(body):
        return sign * float(body)
    terms = _TERM.findall(body)
    if not terms or "".join(number + unit for number, unit in terms) != body:
        raise BadRequest(f'time: invalid duration "{text}"')
    return sign * sum(float(number) * _UNITS_S[unit] for number, unit in terms)
