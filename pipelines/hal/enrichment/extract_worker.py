"""The extractor's process: reads orders and documents on stdin, writes what they say on stdout.

Started by `extract`, in an interpreter of its own. It gets no key and no setting, opens no socket
and writes no file. Ends with its input, when a document grows beyond its memory, or when it is
killed; whoever started it has another one then.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from .bodies import Extracted

try:
    from .documents import read_document
except ImportError as missing:  # for a person who reads the status, not a traceback
    sys.stdout.write(json.dumps({"error": str(missing)}) + "\n")
    sys.exit(1)

try:
    import resource
except ImportError:  # Windows: the caller's time limit is what remains
    resource = None  # type: ignore[assignment]

# What a document may add to the 50 MB of the interpreter and the parsers: an ordinary page takes
# 5 MB, 2 MB of text in one paragraph 50, and the worst that was tried 100 before its time was up.
GROWTH_BYTES = 150_000_000
# Past this it is replaced after the reply: not all memory that was in use once is given back.
_TIRED_BYTES = 100_000_000
_STATM = Path("/proc/self/statm")
# The caller's clock ends a document after 2 s. This one is for a caller that is gone.
_CPU_S = 4
_FORBIDDEN_EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork")
_OUT_OF_MEMORY = 12


def main() -> None:
    """Serve until stdin ends."""
    # What a parser prints must not get into the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _warm_up()
    _confine()
    _say(replies, {"ready": True})
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        _allow_cpu()
        reply = asdict(_read(order, sys.stdin.buffer.read(order["bytes"])))
        is_last = _is_tired()
        _say(replies, reply | {"is_last": is_last})
        if is_last:
            return


def _read(order: dict[str, Any], data: bytes) -> Extracted:
    try:
        return read_document(order["kind"], order["charset"], order["url"], data)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception:  # noqa: BLE001 - whatever a parser makes of a hostile page
        return Extracted(reason="parser")


def _say(replies: BinaryIO, value: dict[str, Any]) -> None:
    replies.write(json.dumps(value).encode() + b"\n")
    replies.flush()


def _warm_up() -> None:
    """What the first document would load: tables and modules that are read when they are needed."""
    page = "<html><body><article><p>" + "Some words. " * 50 + "</p></article></body></html>"
    read_document("html", "", "https://example.org/2026/11/22/", page.encode())


def _confine() -> None:
    sys.addaudithook(_refuse)
    if resource is not None:
        for limit, value in (
            (resource.RLIMIT_AS, _memory()[0] + GROWTH_BYTES),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            _lower(limit, value)


def _refuse(event: str, _: Any) -> None:
    if event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(event)


def _lower(limit: int, value: int) -> None:
    """Never above what the process may already use; macOS knows some limits by name only."""
    try:
        resource.setrlimit(limit, (value, value))
    except (OSError, ValueError):
        return


def _allow_cpu() -> None:
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + _CPU_S
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _is_tired() -> bool:
    """By what it holds now. Its peak would begin with the peak of the process that started it."""
    return _memory()[1] > _TIRED_BYTES


def _memory() -> tuple[int, int]:
    """(address space, resident) in bytes; zeros where the system has no such file."""
    try:
        size, resident, *_ = _STATM.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page, int(resident) * page
