"""Repairs a stored valves.json before the Pipelines server reads it.

The server refuses to start over a file that is not JSON or not an object. What cannot be read is
kept beside the new file. Knows no valve by name.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import time


def repair(path: Path) -> tuple[str, ...]:
    """Make the file readable; returns what was done, in words. Never raises."""
    try:
        if not path.exists() or isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
            return ()
    except (OSError, ValueError, RecursionError):
        pass
    return _replace(path)


def _replace(path: Path) -> tuple[str, ...]:
    aside = path.with_name(f"{path.name}.broken-{int(time())}")
    try:
        path.rename(aside)
        path.write_text("{}", encoding="utf-8")
    except OSError as error:
        return (f"{path.name} is broken and cannot be replaced: {error.strerror}",)
    return (f"{path.name} was not readable: defaults are in force, the old file is {aside.name}",)
