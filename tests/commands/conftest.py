"""What the tests of the commands share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own, in a zone where noon is noon."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("HAL_")]:
            patch.delenv(name)
        patch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield tmp_path / "data"
    time.tzset()
