"""Each module has one `house` of its own; every test finds it as it was after the start."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _fresh_house(request: pytest.FixtureRequest) -> None:
    if "house" in request.fixturenames:
        request.getfixturevalue("house").reset()
