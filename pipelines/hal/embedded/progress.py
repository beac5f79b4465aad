"""How far a download is: the step that is reported, and the bar that shows it on a terminal.

It does not know what is downloaded; `/api/pull` sends the same steps as JSON lines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

_BAR_CELLS = 30  # leaves room for the numbers in a window of 80 columns
_REDRAW_S = 0.1  # ten a second looks smooth and costs nothing
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One report: a sentence, or (with `total_bytes`) a position in the file named by `digest`."""

    status: str
    digest: str = ""
    completed_bytes: int = 0
    total_bytes: int = 0


Progress = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Report nowhere."""


class Bar:
    """Draws steps on a terminal; elsewhere writes a line per sentence and per tenth of the file."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._tty = self._out.isatty()
        self._drawn_at = 0.0
        self._tenth = -1
        self._open_line = False

    def __call__(self, step: Step) -> None:
        if not step.total_bytes:
            self._say(step.status)
        elif self._tty:
            self._draw(step)
        else:
            self._note(step)

    def _say(self, text: str) -> None:
        if self._open_line:
            self._out.write("\n")
            self._open_line = False
        self._tenth = -1
        self._write(f"{text}\n")

    def _draw(self, step: Step) -> None:
        now = time.monotonic()
        finished = step.completed_bytes >= step.total_bytes
        if now - self._drawn_at < _REDRAW_S and not finished:
            return
        self._drawn_at = now
        filled = _BAR_CELLS * step.completed_bytes // step.total_bytes
        cells = "#" * filled + "." * (_BAR_CELLS - filled)
        self._open_line = True
        self._write(f"\r[{cells}] {_megabytes(step)}")

    def _note(self, step: Step) -> None:
        tenth = 10 * step.completed_bytes // step.total_bytes
        if tenth != self._tenth:
            self._tenth = tenth
            self._write(f"{step.status}: {_megabytes(step)}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _megabytes(step: Step) -> str:
    return f"{step.completed_bytes // _MB} / {step.total_bytes // _MB} MB"
