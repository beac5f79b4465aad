"""A lock file, so that two processes do not write the same thing at the same time.

It does not know what is written. The operating system drops the lock when its holder dies, so a
crash leaves nothing to clean up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def exclusive(
    path: Path,
    waiting: Callable[[], None] = lambda: None,
    *,
    retry_s: float = 0.2,  # a download lasts many seconds: nobody notices, and nothing spins
    patience_s: float = inf,
) -> Iterator[None]:
    """Hold the lock at `path`; calls `waiting` once when somebody else has it.

    Raises TimeoutError when it is still taken after `patience_s`.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as handle:
        until, told = time.monotonic() + patience_s, False
        while not _taken(handle):
            if not told:
                waiting()
                told = True
            if time.monotonic() >= until:
                raise TimeoutError(f"{path.name} is taken")
            time.sleep(retry_s)
        yield


def _taken(handle: IO[bytes]) -> bool:
    try:
        _try_lock(handle)
    except OSError:
        return False
    return True
