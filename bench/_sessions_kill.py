"""kill -9 in a loop, for bench/sessions.py: counts, and every fault as a sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tests.sessions.killing import Tally, trial

# A log goes on over so many kills; then a new one begins, or checking it would take the time.
TRIALS_PER_FILE = 50


def kill(folder: Path, trials: int) -> Mapping[str, object]:
    """Figures: see `tests.sessions.killing.Tally`."""
    tally, began = Tally(), time.monotonic()
    for number in range(trials):
        # The id of a turn begins with the number of its trial.
        trial(folder / f"{number // TRIALS_PER_FILE}" / "sessions.db", 10_000 + number, tally)
        if (number + 1) % TRIALS_PER_FILE == 0 or tally.faults:
            print(
                f"{number + 1}/{trials} kills, {tally.finished} turns finished,"
                f" {len(tally.faults)} faults, {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return asdict(tally)
