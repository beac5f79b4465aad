"""The generated month of bench/, once for all tests, and logs with a few rows of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from _month_of_use import UNTIL, Use, fill

from hal.lab.report.collect import Asked, collect
from hal.lab.report.figures import Report
from hal.sessions.columns import AnyRow
from hal.sessions.database import open_for_writing
from hal.sessions.export import reading
from hal.sessions.statements import save
from hal.settings import BudgetSettings

CAPS = BudgetSettings(None, 0.08, 2.0, None, None, 0.8)
Write = Callable[..., Path]


def report_of(path: Path, **asked: Any) -> Report:
    """In UTC, at the end of the generated month."""
    with reading(path) as connection:
        return collect(connection, Asked(**{"now_s": UNTIL, "caps": CAPS, "tz": UTC, **asked}))


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("month") / "data" / "sessions.sqlite"
    fill(path, Use())
    return path


@pytest.fixture(scope="session")
def month_report(month: Path) -> Report:
    return report_of(month)


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Puts rows into the log of this test and says where that is."""
    path = tmp_path / "data" / "sessions.sqlite"

    def put(*rows: AnyRow) -> Path:
        with closing(open_for_writing(path, 5.0)) as connection:
            for row in rows:
                save(connection, row)
        return path

    return put
