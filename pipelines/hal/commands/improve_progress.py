"""How far a run is, on stderr: a bar where rich is installed and somebody looks, else lines.

Knows calls and words; knows no stage.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, TextIO

try:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
except ImportError:
    Console = Bars = None  # type: ignore[assignment,misc]

# Without a bar, a line now and then: often enough to see that it goes on.
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts calls. A context manager, so that a bar is taken down whatever happens."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._calls = 0
        self._said_at = time.monotonic()
        self._bars: Any = None
        if Bars is not None and out.isatty():
            columns = (BarColumn(pulse_style="cyan"), TextColumn("{task.description}"))
            self._bars = Bars(*columns, TimeElapsedColumn(), console=Console(file=out))
            self._task = self._bars.add_task("", total=None)

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def call(self) -> None:
        """One more call went to the classifier."""
        self._calls += 1
        if self._bars is not None:
            self._bars.update(self._task, description=f"{self._calls} calls to the classifier")
        elif time.monotonic() - self._said_at > SECONDS_BETWEEN_LINES:
            self._said_at = time.monotonic()
            self._line(f"{self._calls} calls to the classifier")

    def say(self, words: str) -> None:
        """A step that is done, in words without any text of a user."""
        if self._bars is not None:
            self._bars.console.print(words, markup=False, highlight=False)
        else:
            self._line(words)

    def _line(self, words: str) -> None:
        print(words, file=self._out, flush=True)
