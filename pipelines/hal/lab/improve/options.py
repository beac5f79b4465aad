"""What a run of the loop is asked to do, what it works with, and what that takes at most.

Values and arithmetic; knows no stage from the inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...privacy.policy import Find
from ...prompt_versions import VersionStore
from ...sessions.reader import SessionReader
from .cases import Sides
from .ledger import Ledger
from .names import STAGES
from .pins import Pins
from .proposers.reflector import Reflect
from .replay import PromptPair, Replay

# Proposals that may be tested together: each one makes the test stricter for the others.
FINALISTS = 4


@dataclass(frozen=True, slots=True)
class Options:
    """`calls` bounds the classifier calls of all proposers, `reflections` those to the reflector.
    `auto` puts thresholds in force that pass."""

    name: str
    proposers: tuple[str, ...]
    calls: int = 1000
    reflections: int = 30
    seed: int = 0
    until: str = STAGES[-1]
    auto: bool = False
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What the loop works with. `save_sides` keeps the side of each new case in the log.
    `reflects_outside`: what `reflect` is shown leaves the machine."""

    reader: SessionReader
    find: Find
    replay: Replay
    prompts: PromptPair
    model: str
    digest: str
    versions: VersionStore
    ledger: Ledger
    pins: Pins
    save_sides: Callable[[Mapping[str, str]], None]
    clock: Callable[[], float]
    reflect: Reflect | None = None
    reflects_outside: bool = False
    say: Callable[[str], None] = lambda _words: None


def estimate(sides: Sides, options: Options) -> dict[str, int]:
    """The most classifier calls that each stage may take."""
    tested = len(sides.test) + len(sides.pins)
    finalists = min(FINALISTS, len(options.proposers))
    # Of a finalist, one of the two questions is new in the first run, both in the second.
    return {
        "mine": 2 * len(sides.seen),
        "propose": options.calls,
        "evaluate": 4 * tested + finalists * 2 * tested,
    }
