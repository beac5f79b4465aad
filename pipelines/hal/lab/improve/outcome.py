"""What a run came to, for whoever tells it: terminal, page or JSON.

Values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff

from ...prompts import Prompt
from .cases import Sides
from .gate import Verdict
from .mine import Confusion, Failure
from .proposers.problem import Attempt, Tree
from .trial import Trial


@dataclass(frozen=True, slots=True)
class Result:
    """One proposal that got as far as the gate. `staged` is its version, "" when it is not one."""

    attempt: Attempt
    trial: Trial
    verdict: Verdict
    staged: str = ""
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run. `calls` went to the classifier, `reflections` to the model that reflects; `missing`
    is how many unseen cases were too few, 0 when there were enough.
    """

    run_id: str
    name: str
    prompt: Prompt
    model: str
    digest: str
    sides: Sides
    left_out: Mapping[str, int]
    confusion: Confusion | None = None
    failures: tuple[Failure, ...] = ()
    tree: Tree = field(default_factory=Tree)
    results: tuple[Result, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    reflections: int = 0
    missing: int = 0
    stopped_after: str = ""

    @property
    def staged(self) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one.staged)


def diff(old: str, new: str, old_name: str, new_name: str) -> list[str]:
    """The lines that changed, with a line around them."""
    lines = unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="", n=1)
    return list(lines)
