"""Tell a clock that went on from one that was set, before anything is deleted by its word.

Pure: knows no clock and no database, only what was known at the last look and what is said now.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

# A machine may be off for a holiday; a clock that is a month ahead of the last look may be wrong.
# Who comes back later than that loses nothing but a day: so long the old rows stay.
STEP_MAX_S = 31 * 86_400.0
SETTLED_S = 86_400.0


@dataclass(frozen=True, slots=True)
class ClockView:
    """Unix seconds: the latest time that was believed, and since when a later one is in doubt."""

    trusted_at: float
    doubted_since: float | None = None

    @property
    def is_trusted(self) -> bool:
        return self.doubted_since is None

    def look(self, now_s: float) -> ClockView:
        """What to think of a clock that says `now_s`. One that went back is believed: what is
        younger by it is deleted later, never sooner."""
        if now_s - self.trusted_at <= STEP_MAX_S:
            return ClockView(max(now_s, self.trusted_at))
        since = self.doubted_since
        if since is None or not 0 <= now_s - since <= STEP_MAX_S:  # new, or set once more
            return replace(self, doubted_since=now_s)
        return ClockView(now_s) if now_s - since >= SETTLED_S else self

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ClockView | None:
        """None for anything that `to_json` has not written."""
        try:
            values = json.loads(text)
            since = values["doubted_since"]
            return cls(float(values["trusted_at"]), None if since is None else float(since))
        except (ValueError, TypeError, KeyError):
            return None
