"""What holds for all tests: how Hypothesis runs, and which files begin."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

# Without the explanations: before Python 3.12 they trace every line of every example, which takes
# several times as long as the examples. No deadline: the machines of a CI are as slow as they are.
settings.register_profile(
    "hal", phases=[phase for phase in Phase if phase is not Phase.explain], deadline=None
)
settings.load_profile("hal")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real models and servers first: what takes long must not be what is left for one process."""
    items.sort(key=_begins_late)


def _begins_late(item: pytest.Item) -> int:
    for position, name in enumerate(("engine", "server")):
        if item.get_closest_marker(name):
            return position
    return 2
