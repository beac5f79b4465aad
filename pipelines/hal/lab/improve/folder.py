"""The folder of a run: a JSON file for each stage that is done, so that it can be gone on with.

Holds ids, routes, texts of prompts and numbers, and no text of a user: those are read from the log
again, as long as it keeps them. Knows no stage from the inside.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...whole_file import write_whole

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`path` need not exist yet."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    def read(self, name: str) -> Any:
        """What a stage has left; None when it has not run. Raises ConfigError."""
        path = self.path / f"{name}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{path.name} of run {self.run_id} cannot be read ({type(error).__name__}).",
                "Delete that file to have the stage done again.",
            ) from error

    def write(self, name: str, value: Any) -> None:
        write_whole(self.path / f"{name}.json", json.dumps(value, indent=1))

    def done(self, name: str, make: Callable[[], Any]) -> Any:
        """What the stage has left, or what it makes now."""
        value = self.read(name)
        if value is None:
            value = make()
            self.write(name, value)
        return value


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of this machine, below one folder, with what they share."""

    root: Path

    @property
    def replies(self) -> Path:
        return self.root / "replies.jsonl"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.jsonl"

    @property
    def pins(self) -> Path:
        return self.root / "pins.jsonl"

    def begin(self, now: float) -> RunFolder:
        """A new one, named by the time; two in one second are told apart."""
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        names = (name, *(f"{name}-{n}" for n in range(2, 100)))
        return RunFolder(self.root / next(n for n in names if not (self.root / n).exists()))

    def find(self, run_id: str) -> RunFolder:
        """The run of this name, or the only one whose name begins so. Raises ConfigError."""
        found = [one for one in self.all() if one.run_id.startswith(run_id)]
        exact = [one for one in found if one.run_id == run_id]
        if _RUN_ID.fullmatch(run_id) and len(exact or found) == 1:
            return (exact or found)[0]
        raise ConfigError(
            f"There is no run {run_id!r}." if not found else f"{len(found)} runs begin so.",
            "`hal improve show` lists them.",
        )

    def all(self) -> list[RunFolder]:
        """The newest first."""
        folders = (path for path in self.root.glob("*") if path.is_dir())
        return [RunFolder(path) for path in sorted(folders, key=lambda p: p.name, reverse=True)]
