"""Tells in the chat which settings are not in force as they were given.

Once for each person after each change of settings, as a status line; as long as it is so, in
`/why`. Knows no valve: the sentences come with the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from .settings import Settings
from .types import Turn

# A status line is one line; the others are a `/why` away.
LINE_WARNINGS = 2
# A household or an office; beyond that some are told once more.
MAX_PEOPLE = 1000


class SettingsNotice:
    """One for each change of settings; used on the loop's thread alone."""

    def __init__(self, settings: Settings) -> None:
        self._line = line(settings.warnings) if settings.answer.show_status else ""
        self._told: set[str] = set()

    def for_turn(self, turn: Turn) -> str:
        """The line for a turn whose status lines somebody sees, and "" ever after."""
        if not self._line or turn.task is not None or turn.message_id is None:
            return ""
        person = turn.user_id or ""
        if person in self._told:
            return ""
        if len(self._told) >= MAX_PEOPLE:
            self._told.clear()
        self._told.add(person)
        return self._line


def line(warnings: Sequence[str]) -> str:
    """All of it in one line; "" where all settings are in force as given."""
    if not warnings:
        return ""
    said = " · ".join(_for_everybody(warning) for warning in warnings[:LINE_WARNINGS])
    more = len(warnings) - LINE_WARNINGS
    return f"Settings: {said}" + (f" · and {more} more, /why lists them" if more > 0 else "")


def listed(warnings: Sequence[str]) -> str:
    """A paragraph for `/why`; "" where all settings are in force as given."""
    if not warnings:
        return ""
    points = "\n".join(f"- {_for_everybody(warning)}" for warning in warnings)
    where = "Correct them in Admin Settings > Pipelines, or in the environment."
    return f"\n\nSettings that are not in force as they were given:\n\n{points}\n\n{where}"


def _for_everybody(warning: str) -> str:
    """Whoever chats is not always who sets: an address that may hold a login is not repeated."""
    name, _, what = warning.partition(": ")
    return f"{name}: not as given, `hal doctor` says why" if "@" in what else warning
