"""What an item of Open WebUI's list of ratings means. Pure; trusts nothing in it.

    {"id": ..., "updated_at": unix seconds,
     "data": {"rating": 1 or -1, "details": {"rating": 1..10}, "model_id": ..., "reason": ...,
              "comment": ..., "sibling_model_ids": [...]},
     "meta": {"chat_id": ..., "message_id": ...}}

as of 0.12.4. Whatever else it holds, such as the user and the whole chat, is not looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ..sessions.ratings import Rating

# Ours in every Open WebUI; a connection may have a prefix, as in "home.hal.auto".
MODEL = "hal.auto"
# The reasons to choose from, of whatever version, are words like these; all else is a comment.
_REASON = re.compile(r"[a-z][a-z_]{2,63}")
# Open WebUI's scale; its middle is 0.
_WORST, _BEST = 1, 10
# What a person writes into a small box; the rest would be somebody's mistake.
_COMMENT_MAX_CHARS = 10_000


def is_item(item: object) -> bool:
    """Whether it can be told from others, and when it was changed last."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        return False
    return _number(item.get("updated_at")) is not None


def updated_at(item: Mapping[str, Any]) -> float:
    return _number(item.get("updated_at")) or 0.0


def read_rating(item: Mapping[str, Any]) -> Rating:
    """The rating of an item."""
    data, meta = _mapping(item.get("data")), _mapping(item.get("meta"))
    reason = _text(data.get("reason"))
    is_word = _REASON.fullmatch(reason) is not None
    words = (reason if not is_word else "", _text(data.get("comment")))
    return Rating(
        id=item["id"],
        updated_at=updated_at(item),
        chat_id=_text(meta.get("chat_id")),
        message_id=_text(meta.get("message_id")),
        thumb=_thumb(data.get("rating")),
        rating=_scaled(_mapping(data.get("details")).get("rating")),
        reason=reason if is_word else "",
        comment="\n".join(word for word in words if word)[:_COMMENT_MAX_CHARS],
        is_of_ours=_is_ours(data.get("model_id")),
        is_beside_ours=_is_beside_ours(data),
    )


def _is_beside_ours(data: Mapping[str, Any]) -> bool:
    siblings = data.get("sibling_model_ids")
    return isinstance(siblings, list) and any(_is_ours(each) for each in siblings)


def _is_ours(model_id: object) -> bool:
    return isinstance(model_id, str) and (model_id == MODEL or model_id.endswith(f".{MODEL}"))


def _thumb(value: object) -> float | None:
    """1 or -1. A number of the scale that stands here, as in old versions, is none."""
    number = _number(value)
    return number if number in (1.0, -1.0) else None


def _scaled(value: object) -> float | None:
    """1..10 as -1..1."""
    number = _number(value)
    if number is None or not _WORST <= number <= _BEST:
        return None
    middle = (_WORST + _BEST) / 2
    return (number - middle) / (_BEST - middle)


def _number(value: object) -> float | None:
    """Also of a text: a rating may be either."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
