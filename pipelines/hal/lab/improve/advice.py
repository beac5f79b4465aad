"""Rules that may be added to a prompt which no replay can judge, for a person to approve.

Pure. The log keeps neither the pages that an answer was written from nor what another query would
have found: whether such a prompt got better cannot be measured from it, and nothing here claims so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...prompts import Prompt
from .guards import Gatekeeper

# What is at the head of an example part of a prompt file, behind which no rule may stand.
_EXAMPLES = "\n# examples\n"


def with_rule(text: str, rule: str) -> str:
    """One more line at the end of the instructions."""
    line = f"- {' '.join(rule.split())}"
    head, found, rest = text.partition(_EXAMPLES)
    return f"{head.rstrip()}\n{line}\n{found}{rest}"


def accepted(
    prompt: Prompt, rules: Iterable[str], keeper: Gatekeeper
) -> tuple[str, Mapping[str, str]]:
    """The text with the rules that no guard refuses, and why the others are refused."""
    text, refused = prompt.text, {}
    for rule in rules:
        longer = with_rule(text, rule)
        reason = keeper.refusal(prompt, longer) if rule.strip() else "it is empty"
        if reason:
            refused[rule] = reason
        else:
            text = longer
    return text, refused


def told(failures: Mapping[str, int], n: int) -> str:
    """What went wrong, in numbers alone: no text of anybody is shown to the model that advises."""
    lines = [f"- {count} of {n}: {words}" for words, count in failures.items() if count]
    return "\n".join(lines) or f"- nothing that a log could count, in {n} searches"


def left_over(values: Sequence[str], queries: Iterable[str]) -> int:
    """How many queries hold one of these values, whatever their capitals and spaces."""
    wanted = [_plain(value) for value in values if _plain(value)]
    return sum(any(value in _plain(query) for value in wanted) for query in queries)


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
