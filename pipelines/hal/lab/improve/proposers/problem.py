"""What a proposer gets, what it hands back, and the tree of all that was tried.

A proposer sees the cases to learn from and the ones to choose by, and never the unseen ones. Every
text that it tries passes the guards here, before a model reads it. Knows no way to a better prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Protocol

from ....prompt_versions import version_of
from ....prompts import Prompt, parse_prompt
from ..cases import Case
from ..guards import Gatekeeper
from ..mine import Failure
from ..replay import CALIBRATION_CALLS, PromptPair, Replay, score
from .reflector import Latch

# So many cases tell texts apart by some ten points, and each text costs a call for each of them.
LEARN_FROM = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """One text that was tried. `score` is its weighted share of right validation cases, None when
    it was refused; never quote it as a result: the best of many looks better than it is.
    """

    proposer: str
    version: str
    parent: str
    text: str
    note: str = ""
    score: float | None = None
    refusal: str = ""


@dataclass(slots=True)
class Tree:
    """All attempts of a run, in order; the first is the prompt in force."""

    attempts: list[Attempt] = field(default_factory=list)

    def find(self, version: str) -> Attempt | None:
        return next((one for one in self.attempts if one.version == version), None)

    def top(self, proposer: str) -> Attempt | None:
        """The best of a proposer that was not refused, better than the prompt in force or not."""
        found = [a for a in self.attempts[1:] if a.proposer == proposer and a.score is not None]
        return max(found, key=lambda one: one.score or 0.0, default=None)

    def best(self, proposer: str) -> Attempt | None:
        """The same, where it is better than the prompt in force."""
        top = self.top(proposer)
        return top if top and (top.score or 0.0) > (self.attempts[0].score or 0.0) else None

    @property
    def leader(self) -> Attempt:
        """The best of all, the prompt in force among them; the first of those that are as good."""
        return max(self.attempts, key=lambda one: one.score or 0.0)

    @property
    def proposers(self) -> list[str]:
        return list(dict.fromkeys(one.proposer for one in self.attempts[1:]))

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.attempts]

    @classmethod
    def from_json(cls, value: Sequence[dict[str, Any]]) -> Tree:
        return cls([Attempt(**one) for one in value])


@dataclass(slots=True)
class Problem:
    """`prompts` are in force; the one called `name` is to be improved. `reflect` is None where no
    model is to be asked.
    """

    name: str
    prompts: PromptPair
    train: tuple[Case, ...]
    validation: tuple[Case, ...]
    failures: tuple[Failure, ...]
    replay: Replay
    keeper: Gatekeeper
    tree: Tree
    reflect: Latch | None = None
    seed: int = 0
    say: Callable[[str], None] = lambda _words: None

    @property
    def parent(self) -> Prompt:
        return self.prompts.named(self.name)

    @property
    def current(self) -> Attempt:
        """The prompt in force, the root of the tree."""
        return self.tree.attempts[0]

    def begin(self) -> None:
        """Score the prompt in force, which is never refused."""
        if not self.tree.attempts:
            text = self.parent.text
            value = score(self.validation, self.routes(text, self.validation))
            self.tree.attempts.append(
                Attempt("in force", version_of(text), "", text, self.parent.id, value)
            )

    @property
    def can_choose(self) -> bool:
        """Whether the calls that are left are enough to look at one more candidate."""
        return self.replay.model.left >= 2 * len(self.validation)

    @property
    def sample(self) -> tuple[Case, ...]:
        """Some of the cases to learn from, the same ones each time, to compare texts by."""
        drawn = Random(self.seed)  # noqa: S311 - no secret
        return tuple(drawn.sample(self.train, min(LEARN_FROM, len(self.train))))

    def asks(self, cases: Sequence[Case]) -> int:
        """How many calls it takes at the most to ask about these in new words, and to choose."""
        return len(cases) + CALIBRATION_CALLS + len(self.validation)

    def can_learn(self, cases: Sequence[Case]) -> bool:
        """Whether so many are left."""
        return bool(cases) and self.replay.model.left >= self.asks(cases)

    def prompt(self, text: str) -> Prompt:
        return parse_prompt(self.name, text)

    def refusal(self, text: str) -> str:
        return self.keeper.refusal(self.parent, text)

    def routes(self, text: str, cases: Sequence[Case]) -> dict[str, str]:
        """How this text would have decided. Raises BudgetSpent, ProviderError."""
        return self.replay.routes(self.prompts.with_prompt(self.prompt(text)), cases)

    def try_out(self, proposer: str, text: str, parent: str, note: str = "") -> Attempt:
        """Guard a text, score it on the validation cases, and remember it.

        The same text again costs nothing. Raises BudgetSpent, ProviderError.
        """
        version = version_of(text.encode("utf-8", "replace").decode())
        known = self.tree.find(version)
        if known is not None:
            return known
        refusal = self.refusal(text)
        value = None if refusal else score(self.validation, self.routes(text, self.validation))
        kept = "" if refusal else text  # what was refused may hold what nobody should keep
        attempt = Attempt(proposer, version, parent, kept, note, value, refusal)
        self.tree.attempts.append(attempt)
        self.say(f"{proposer}: {note or version} {_words(attempt)}")
        return attempt


def _words(attempt: Attempt) -> str:
    if attempt.score is None:
        return f"refused: {attempt.refusal}"
    return f"{attempt.score:.3f} of the validation cases"


class Optimizer(Protocol):
    """A way to a better prompt. `name` is what `--proposers` and the report call it."""

    name: str

    def propose(self, problem: Problem) -> None:
        """Try texts out; the tree has them afterwards. Raises BudgetSpent when calls run out,
        ReflectionFailed when the model behind `reflect` fails, and ProviderError.
        """
