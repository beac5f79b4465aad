"""A connection of a command's own to a log that a server may be writing at the same time.

Knows no statement. Waits for the server's transactions, which are short, and expects the same of
whoever uses it here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .database import open_for_writing
from .operation import LogUnavailable

# Nobody in a chat waits for a command; a server's transactions and its hourly care take less.
BUSY_TIMEOUT_S = 30.0


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Made and migrated if need be; the caller owns the transactions.

    Raises LogUnavailable with a remedy, or SchemaTooNew.
    """
    try:
        with closing(open_for_writing(path, BUSY_TIMEOUT_S)) as connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise LogUnavailable(
            f"The session log cannot be written: {error}.",
            f"It is {path}; `hal doctor` shows what is wrong with it.",
        ) from error
