"""Tell whether the process that began a turn still lives, by a mark that it left in the row.

Knows no database. Where it cannot know (another container, no /proc) it says so, and age decides.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_PROC = Path("/proc")
# In /proc/PID/stat, counted after the name in brackets: field 22, clock ticks since boot.
_START_FIELD = 19
_BOOT_CHARS = 8


class Life(Enum):
    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """Which process: the boot, the PID namespace, the PID and its start in clock ticks.

    A PID alone is used again; with its start it is not. Empty fields: the system does not tell.
    """

    boot: str
    namespace: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.boot}:{self.namespace}:{self.pid}:{self.start}"

    @classmethod
    def parse(cls, text: str) -> ProcessMark | None:
        parts = text.split(":")
        if len(parts) != 4 or not parts[2].isdecimal():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])


def this_process() -> ProcessMark:
    pid = os.getpid()
    boot = _read(_PROC / "sys/kernel/random/boot_id")[:_BOOT_CHARS]
    return ProcessMark(boot, _namespace(), pid, _start_of(pid))


def life_of(text: str, here: ProcessMark) -> Life:
    """What `here` can tell about the process with this mark."""
    mark = ProcessMark.parse(text)
    if mark is None:
        return Life.UNKNOWN
    if mark == here:
        return Life.ALIVE
    if not (mark.start and here.start):
        return Life.UNKNOWN
    if mark.boot != here.boot:
        return Life.DEAD  # WAL works within one machine only: another boot is an earlier one
    if mark.namespace != here.namespace:
        return Life.UNKNOWN
    return Life.ALIVE if _start_of(mark.pid) == mark.start else Life.DEAD


def _namespace() -> str:
    try:
        return (_PROC / "self/ns/pid").readlink().name.removeprefix("pid:").strip("[]")
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Clock ticks from boot to the start of the process; '' when there is none such."""
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    # A zombie has a start still, but it writes nothing any more.
    if len(fields) <= _START_FIELD or fields[0] in "ZX":
        return ""
    return fields[_START_FIELD]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
