"""The file of the session log, opened as every file of ours and checked against its schema.

Knows nothing of what the tables mean, and starts no thread.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .. import database
from ..database import identity, is_damage, open_for_reading, set_aside
from .schema import SCHEMA

__all__ = ["identity", "is_damage", "open_for_reading", "open_for_writing", "set_aside"]


def open_for_writing(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Create, migrate and open; raises SchemaTooNew, sqlite3.Error or OSError."""
    return database.open_for_writing(
        path, busy_timeout_s, SCHEMA.check, SCHEMA.migrate, shrinks=True
    )
