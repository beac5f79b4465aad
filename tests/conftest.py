"""What holds for all tests: how Hypothesis runs, and which files begin."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

# Without the explanations: before Python 3.12 they trace every line of every example, which takes
# several times as long as the examples. No deadline: the machines of a CI are as slow as they are.
# The same examples in every run: a test that is red is red for everybody. `make test
# PYTEST=--hypothesis-profile=search` looks for new ones.
_PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile("search", phases=_PHASES, deadline=None)
settings.register_profile("hal", phases=_PHASES, deadline=None, derandomize=True)
settings.load_profile("hal")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real models and servers first: what takes long must not be what is left for one process."""
    items.sort(key=_begins_late)


def _begins_late(item: pytest.Item) -> int:
    for position, name in enumerate(("engine", "server")):
        if item.get_closest_marker(name):
            return position
    return 2
