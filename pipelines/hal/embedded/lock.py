"""A lock file, so that two processes do not write the same model at the same time.

It does not know what is written. The operating system drops the lock when its holder dies, so a
crash leaves nothing to clean up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_RETRY_S = 0.2  # a download lasts many seconds: nobody notices, and nothing spins

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock at `path`; calls `waiting` once when somebody else has it."""
    with path.open("ab") as handle:
        told = False
        while not _taken(handle):
            if not told:
                waiting()
                told = True
            time.sleep(_RETRY_S)
        yield


def _taken(handle: IO[bytes]) -> bool:
    try:
        _try_lock(handle)
    except OSError:
        return False
    return True
