"""Which proposers there are, cheapest first, which of them a run uses, and how one is run.

Knows their names; knows none from the inside, but for the thresholds, which follow all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ....errors import ConfigError
from ..replies import BudgetSpent
from .demonstrations import Demonstrations
from .gepa_optimizer import Gepa, is_installed
from .problem import Optimizer, Problem
from .rewriting import Rewriting
from .rules import Rules
from .thresholds import Thresholds, tuned

PROPOSERS: Mapping[str, Callable[[], Optimizer]] = MappingProxyType(
    {
        "thresholds": Thresholds,
        "demonstrations": Demonstrations,
        "rules": Rules,
        "gepa": Gepa,
        "rewriting": Rewriting,
    }
)

# They use up what calls they are given.
_WRITERS = frozenset({"rules", "gepa", "rewriting"})


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


def search(proposer: Optimizer, problem: Problem) -> None:
    """Let it propose, and then the thresholds follow the best that it has found.

    Other words move what a model says to everything, and a better question with thresholds that
    were made for the old one may look worse. Raises as `Optimizer.propose`.
    """
    model = problem.replay.model
    limit, spent = model.limit, None
    if limit is not None and proposer.name in _WRITERS:
        model.limit = max(model.calls, limit - problem.asks(problem.sample))
    try:
        proposer.propose(problem)
    except BudgetSpent as error:
        spent = error
    finally:
        model.limit = limit
    _follow(proposer.name, problem)
    if spent is not None:
        raise spent


def _follow(name: str, problem: Problem) -> None:
    best = problem.tree.top(name)
    if best is None or not problem.can_learn(problem.sample):
        return
    found = tuned(problem, best.text, problem.sample)
    if found.text != best.text:
        problem.try_out(name, found.text, best.version, found.rates)
