"""Say in words what keeps the session log from being written, and what to do about it.

Knows errors, not the log; nothing in its words comes from a user.
"""

from __future__ import annotations

import errno
import sqlite3

from ..errors import HalError

# SQLite's primary result codes are the low byte; the rest says more about the same thing.
_PRIMARY_CODE = 0xFF
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FULL = "Free some space on its disk, or set HAL_DATA_DIR to a folder on another one."
_NO_RIGHT = "Let this user write to its folder, or set HAL_DATA_DIR to another one."
_SQLITE_REMEDIES = {
    sqlite3.SQLITE_BUSY: "Another program holds it: end that program, or wait for it.",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _NO_RIGHT,
    sqlite3.SQLITE_CANTOPEN: _NO_RIGHT,
    sqlite3.SQLITE_PERM: _NO_RIGHT,
    sqlite3.SQLITE_IOERR: "Check the disk; a copy of the folder now is a good idea.",
}
_OS_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
}


def is_busy(error: Exception) -> bool:
    """Whether another connection holds the file: that passes by itself."""
    return _primary_code(error) in _BUSY


def is_trouble(error: Exception) -> bool:
    """Whether it is the file or the disk that is to blame, and not the statement."""
    if isinstance(error, sqlite3.Error):
        return _primary_code(error) != sqlite3.SQLITE_ERROR
    return isinstance(error, OSError)


def cause_of(error: Exception) -> str:
    """One sentence, or two where the error brings its own remedy."""
    return error.sentence if isinstance(error, HalError) else f"{error}."


def remedy_for(error: Exception) -> str:
    """What a person can do; '' when the cause says so itself, or nobody knows."""
    if isinstance(error, OSError):
        return _OS_REMEDIES.get(error.errno or 0, "")
    return _SQLITE_REMEDIES.get(_primary_code(error), "")


def _primary_code(error: Exception) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & _PRIMARY_CODE
