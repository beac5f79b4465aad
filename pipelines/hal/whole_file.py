"""Writes a file that is whole or not there, and reads such files again when they are others.

Written beside it, made durable, renamed: a process that is killed at any moment leaves the old file
or the new one; its signature tells which one is there. Knows no content.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

# Inode, size and time of the last change: a rename changes the first, always.
Signature = tuple[int, int, int] | None


def signature(path: Path) -> Signature:
    """What tells one file at this path from another; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


class Current(Generic[T]):
    """What `read` makes of the files at `paths`, made again only when one of them is another.

    For one thread. Looking costs a microsecond a file; `read` deals with what cannot be used, and
    what it returns for that is kept as well, so that it is said once.
    """

    def __init__(self, read: Callable[[], T], *paths: Path) -> None:
        self._read, self._paths = read, paths
        self._known: tuple[tuple[Signature, ...], T] | None = None

    def __call__(self) -> T:
        # Before reading: a file that is renamed into place meanwhile is another one next time.
        now = tuple(map(signature, self._paths))
        if self._known is None or self._known[0] != now:
            self._known = now, self._read()
        return self._known[1]


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing, also when the machine loses power. For the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A rename is on the disk when its folder is; some systems cannot open one."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
