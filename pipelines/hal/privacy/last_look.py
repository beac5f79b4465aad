"""The last look at what is about to leave: the final bytes, whatever made them.

Pure. Reads a JSON body as its receiver will, and everything else as text. What it finds here that
the plan does not permit is a mistake of ours, and then nothing is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import EgressRefused
from ..types import Plan
from .kinds import TIERS, Kind, Tier
from .policy import Find, kinds_in, words

# A body is ours, and as deep as its tools' descriptions; more is nothing we would build.
MAX_DEPTH = 64
# Nothing but an image: words behind one are words.
_IMAGE = re.compile(r"data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=]*+")


def look(body: bytes, plan: Plan, find: Find) -> dict[Kind, int]:
    """HARD and CONTACT values in these bytes, by kind, where the plan permits them.

    Raises EgressRefused where it does not, and what `find` raises.
    """
    kinds = kinds_in(_texts(body), find)
    found = {kind: count for kind, count in kinds.items() if TIERS[kind] > Tier.SOFT}
    if found and not plan.is_open:
        raise EgressRefused(f"Nothing was sent: it would have held {words(found)}.")
    return found


def _texts(body: bytes) -> Iterator[str]:
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield text
        return
    yield from _strings(value, MAX_DEPTH)


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        # An image says nothing as text; whether it may leave was the plan's to say.
        if not _IMAGE.fullmatch(value):
            yield value
    elif isinstance(value, int | float):
        yield str(value)  # a card number needs no quotation marks
    elif depth == 0:
        yield json.dumps(value, ensure_ascii=False)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth - 1)
