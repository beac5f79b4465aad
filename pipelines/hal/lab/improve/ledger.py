"""Counts how often each unseen case was looked at; one looked at too often is no longer unseen.

One line per opening in a file that only grows, written down before the cases are used, so that a
run that is killed has still looked. Knows no prompt.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .cases import Case

# Each look lets a little of the test into the choice of what is tested next.
MAX_OPENINGS = 5


class Ledger:
    """The openings of all runs on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, run_id: str, cases: Sequence[Case], at: float) -> None:
        """Note that a run looks at these; once per run. Raises OSError."""
        if run_id in {str(entry.get("run")) for entry in self._entries()}:
            return
        line = json.dumps({"run": run_id, "at": at, "cases": [case.id for case in cases]})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")  # ends what a kill has left half-written
            file.flush()
            os.fsync(file.fileno())

    @property
    def openings(self) -> Counter[str]:
        """How often each case was looked at, by its id."""
        found: Counter[str] = Counter()
        for entry in self._entries():
            found.update(map(str, entry["cases"]))
        return found

    def retired(self, cases: Iterable[Case]) -> frozenset[str]:
        """The ids of those that may only be learned from now on."""
        openings = self.openings
        return frozenset(case.id for case in cases if openings[case.id] >= MAX_OPENINGS)

    def _entries(self) -> list[dict[str, list[object]]]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _entry(line))]


def _entry(line: str) -> dict[str, list[object]] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("cases"), list) else None
