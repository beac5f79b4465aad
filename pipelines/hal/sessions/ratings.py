"""What people said of answers elsewhere, and what a pull of it came to.

Pure. Knows neither the shapes in which ratings come nor the rows that they become.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from .operation import ContentPolicy

# Under it stand the times of the newest ratings that were seen, by where they came from.
STATE_KEY = "feedback_pull"
# Read again in every pull: a rating whose turn the log had not written down yet, or that slipped
# to another page while they were read.
OVERLAP_S = 86_400.0

NO_TURN = "the log has no such answer: older than the log, forgotten, or of another hal-auto"
NO_IDS = "without the id of a chat or of a message"
NO_VALUE = "neither a thumb nor a number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one person said of one answer. `thumb` is 1 or -1, `rating` -1..1; None: not given.

    `reason` is a word of a list. `is_of_ours`: it is about an answer of ours, as far as its model's
    name tells; `is_beside_ours`: about another model's answer to a question that we have answered
    too, and then `user_message_id` is that question.
    """

    id: str
    updated_at: float
    chat_id: str = ""
    message_id: str = ""
    thumb: float | None = None
    rating: float | None = None
    reason: str = ""
    comment: str = field(default="", repr=False)
    is_of_ours: bool = False
    is_beside_ours: bool = False
    user_message_id: str = ""

    @property
    def prefers_another(self) -> bool:
        """A thumb up for somebody who answered beside us; whose question it was matters then."""
        return self.is_beside_ours and not self.is_of_ours and self.thumb == 1.0


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull. `source` names where the ratings come from. `is_complete`: they are all there are,
    so that one that is missing was deleted. `now_s` is unix seconds."""

    source: str
    policy: ContentPolicy
    now_s: float
    is_complete: bool = False


@dataclass(slots=True)
class Pulled:
    """How many ratings; `foreign` are about other models alone. `unmatched` counts by why."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    foreign: int = 0
    unmatched: Counter[str] = field(default_factory=Counter)


def watermark(states: str | None, source: str) -> float | None:
    """From when on ratings of this source have to be asked for; None: all of them.

    `states` is what `with_newest` gave the last time.
    """
    newest = _newest_by_source(states).get(source)
    return None if newest is None else newest - OVERLAP_S


def with_newest(states: str | None, source: str, newest_s: float) -> str:
    """The same, where the next pull of this source begins at `newest_s`, never before."""
    known = _newest_by_source(states)
    known[source] = max(newest_s, known.get(source, newest_s))
    return json.dumps(known)


def _newest_by_source(text: str | None) -> dict[str, float]:
    try:
        known = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(name): float(at) for name, at in known.items() if isinstance(at, int | float)}
