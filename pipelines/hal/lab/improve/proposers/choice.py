"""Which proposers there are, cheapest first, and which of them a run uses.

Knows their names; knows none from the inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ....errors import ConfigError
from .demonstrations import Demonstrations
from .gepa_optimizer import Gepa, is_installed
from .problem import Optimizer
from .rewriting import Rewriting
from .rules import Rules
from .thresholds import Thresholds

PROPOSERS: Mapping[str, Callable[[], Optimizer]] = MappingProxyType(
    {
        "thresholds": Thresholds,
        "demonstrations": Demonstrations,
        "rules": Rules,
        "gepa": Gepa,
        "rewriting": Rewriting,
    }
)


def usual() -> tuple[str, ...]:
    """All of them; of the two that write rules anew, GEPA where it is installed."""
    return ("thresholds", "demonstrations", "rules", "gepa" if is_installed() else "rewriting")


def chosen(names: Sequence[str]) -> list[Optimizer]:
    """In the order of their cost. Raises ConfigError for one that does not exist."""
    wrong = [name for name in names if name not in PROPOSERS]
    if wrong:
        raise ConfigError(
            f"There is no proposer {wrong[0]!r}.", f"There are {', '.join(PROPOSERS)}."
        )
    return [PROPOSERS[name]() for name in PROPOSERS if name in names]
