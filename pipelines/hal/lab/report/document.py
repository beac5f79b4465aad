"""A report as one JSON object: the same figures, under the names they have in `figures`.

Pure. The keys are the fields of `figures.Report` and of what it holds, in that order, and stay;
new ones may join them. Times are unix seconds, `_ms` milliseconds, `_usd` dollars. A share is
{"hits", "n", "share", "low", "high"}: the last two are Wilson's 95 % interval, all three null where
nothing was counted. Of a turn worth a look there is what the table shows; its question only where
texts were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from . import words
from .estimates import Share
from .figures import Report, Suspect

# A thousandth of a cent, a tenth of a millisecond of unix time, a hundredth of a percent.
_DECIMALS = 6


def document(report: Report) -> dict[str, Any]:
    """`sentence` first: what it all comes to."""
    return {"sentence": words.headline(report), **_value(report)}


def _value(value: Any) -> Any:
    """As JSON has it; every dataclass by its fields."""
    if isinstance(value, Share):
        return _share(value)
    if isinstance(value, Suspect):
        return _suspect(value)
    if is_dataclass(value):
        return {field.name: _value(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval or (None, None)
    parts = {"share": share.value, "low": low, "high": high}
    return {"hits": share.hits, "n": share.n, **{name: _value(v) for name, v in parts.items()}}


def _suspect(suspect: Suspect) -> dict[str, Any]:
    turn = suspect.turn
    found = {
        "id": turn.id,
        "started_at": _value(turn.started_at),
        "route": turn.route,
        "model": turn.model,
        "outcome": turn.outcome,
        "reason": turn.reason,
        "suspicion": _value(suspect.suspicion),
        "signals": list(suspect.signals),
    }
    return found | ({"question": suspect.question} if suspect.question else {})
