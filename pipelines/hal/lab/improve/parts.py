"""A prompt file of the classifier's form, taken apart and put together again.

A proposer changes one part and cannot lose the others. Pure; knows no model and no guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...prompts import Prompt, parse_prompt
from ...routing.question import EXAMPLES, SYSTEM, USER, Example, Question


@dataclass(frozen=True, slots=True)
class Parts:
    """`head` is the front matter without its rules; `examples` are the lines of that part."""

    name: str
    head: str
    system: str
    examples: tuple[str, ...]
    user: str

    @classmethod
    def of(cls, prompt: Prompt) -> Parts:
        """Raises ConfigError for a prompt that is no question."""
        Question.from_prompt(prompt)
        head, _, _ = prompt.text.removeprefix("---\n").partition("\n---\n")
        before, _, user = prompt.body.removeprefix(SYSTEM).partition(USER)
        system, _, examples = before.partition(EXAMPLES)
        lines = tuple(filter(None, map(str.strip, examples.splitlines())))
        return cls(prompt.name, head, system.strip(), lines, user.strip())

    @property
    def text(self) -> str:
        shown = "\n".join(self.examples)
        examples = f"{EXAMPLES}{shown}\n" if self.examples else ""
        return f"---\n{self.head}\n---\n{SYSTEM}{self.system}\n{examples}{USER}{self.user}\n"

    @property
    def prompt(self) -> Prompt:
        """Raises ConfigError where the parts make no prompt."""
        return parse_prompt(self.name, self.text)

    def with_base_rates(self, rates: Mapping[str, float]) -> Parts:
        """The shares that the labels have in use: what moves the thresholds between them."""
        line = "base_rates: " + " ".join(f"{label}={rate:.3f}" for label, rate in rates.items())
        lines = [one for one in self.head.splitlines() if not one.startswith("base_rates:")]
        return replace(self, head="\n".join([*lines, line]))

    def with_rule(self, rule: str) -> Parts:
        """One more line at the end of the system part."""
        return replace(self, system=f"{self.system}\n- {' '.join(rule.split())}")

    def with_example(self, example: Example) -> Parts:
        line = f"{example.label} | {' '.join(example.question.split())}"
        return replace(self, examples=(*self.examples, line))


def is_only_a_threshold(old: Prompt, new: Prompt) -> bool:
    """Whether nothing but the base rates differs: what the model reads is the same."""
    before, after = Question.from_prompt(old), Question.from_prompt(new)
    same = (before.labels, before.system, before.examples, before.user)
    return same == (after.labels, after.system, after.examples, after.user)
