"""Which decisions a staged version got right for the first time: they must not go wrong again.

One line per version in a file that only grows: its name and the ids of cases, no text. Only cases
that a person has spoken for are kept, as a pin holds up whatever breaks it; and they count only
while that version, or one that came after it, is in force. Knows no prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from .cases import Case, Sides
from .trial import Pair

# An override is sure (1.0) and a rating nearly so (0.9); what is below was concluded by a rule.
SURE = 0.9
# More would freeze the prompt: of the newest ones each is a way to be turned down.
MOST = 50


class Pins:
    """The file; it need not exist yet. Lines that are none, as a kill leaves them, are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, version: str, ids: Sequence[str]) -> None:
        """A second time for a version changes nothing. Raises OSError."""
        if version in {kept for kept, _ in self._entries()}:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps([version, list(ids)])}\n")  # ends a half-written line

    def of(self, versions: Iterable[str]) -> list[str]:
        """The ids that these versions got right, without repetition, the newest `MOST`."""
        wanted = set(versions)
        found = [id for version, ids in self._entries() if version in wanted for id in ids]
        return list(dict.fromkeys(reversed(found)))[:MOST]

    def _entries(self) -> list[tuple[str, list[str]]]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _entry(line))]


def _entry(line: str) -> tuple[str, list[str]] | None:
    try:
        version, ids = json.loads(line)
        return str(version), [str(id) for id in ids]
    except (ValueError, TypeError):
        return None


def mended(cases: Sequence[Case], pairs: Sequence[Pair]) -> list[str]:
    """The ids of what was wrong and is right now, where a person has said what is right."""
    both = zip(cases, pairs, strict=True)
    return [case.id for case, pair in both if pair.is_fixed and case.weight >= SURE]


def with_pins(sides: Sides, ids: Iterable[str]) -> Sides:
    """These cases as pins, beside what else they are for."""
    wanted = set(ids) - {pin.id for pin in sides.pins}
    found = tuple(case for case in sides.all if case.id in wanted)
    return replace(sides, pins=(*sides.pins, *found))
