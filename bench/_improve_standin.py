"""A classifier and a reflector without a model, for `bench/improve.py` and the tests.

The classifier sorts by words: the label in whose rules and examples most of a message's words
stand. One reflector reads the failures that it is shown and adds the words they have in common to
the rule of the label that was missed; another one adds kinds of messages that the shipped prompt
names, for a model that reads. All of them always do the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log
from random import Random
from typing import Any

from hal.errors import BadReply
from hal.lab.improve.proposers.reflector import Reflect
from hal.lab.improve.replies import Replies
from hal.prompts import load_prompt
from hal.routing.question import Question
from hal.types import Message

WORDS = re.compile(r"[a-zäöüß]+")
RULE = re.compile(r"(?m)^\W*(easy|normal|hard|yes|no):(.*)$")
CASE = re.compile(r"<message>(.*?)</message> decided (\w+): (?:right|wrong, should be (\w+))")
LABELS = {"SIMPLE": "easy", "MODERATE": "normal", "COMPLEX": "hard", "ENRICH": "yes"}
# Words that say nothing about what is asked.
STOP = frozenset(
    (
        *("a", "an", "the", "of", "to", "in", "is", "are", "was", "were", "i", "you", "it", "me"),
        *("my", "for", "and", "or", "on", "what", "how", "do", "does", "can", "be", "this", "that"),
        *("with", "at", "from", "not", "about", "have", "has", "will", "would", "so", "if", "as"),
        *("by", "your", "message", "rest", "little", "some", "much"),
    )
)
# How many words a reflection may add to one rule, and how many kinds of messages.
ADDS = 5
ADDS_KINDS = 2


@dataclass
class WordModel:
    """A ClassifierModel; counts what it was asked."""

    digest_: str = "sha256:words"
    calls: int = 0
    fails: Exception | None = None
    asked: list[str] = field(default_factory=list)
    _read: dict[tuple[Message, ...], dict[str, Counter[str]]] = field(default_factory=dict)

    async def first_token(
        self,
        model: str,  # noqa: ARG002 - the port's
        messages: tuple[Message, ...],
        *,
        num_ctx: int,  # noqa: ARG002
    ) -> Mapping[str, float] | None:
        self.calls += 1
        if self.fails is not None:
            raise self.fails
        self.asked.append(messages[-1].text)
        return self.logprobs(messages)

    def logprobs(self, messages: tuple[Message, ...]) -> dict[str, float]:
        """What it says to a conversation, by label."""
        shown = messages[:-1]
        if shown not in self._read:
            self._read[shown] = about(shown)
        known = self._read[shown]
        words = WORDS.findall(messages[-1].text.lower())
        scores = {label: 0.2 + sum(map(found.__getitem__, words)) for label, found in known.items()}
        total = sum(scores.values())
        return {label: log(score / total) for label, score in scores.items()}

    async def structured(self, *_: Any, **__: Any) -> Mapping[str, object]:
        raise AssertionError("this model gives log-probabilities")

    async def digest(self, model: str) -> str:  # noqa: ARG002 - the port's
        return self.digest_


def about(shown: Sequence[Message]) -> dict[str, Counter[str]]:
    """The words of each label's rules and examples."""
    system, examples = shown[0].text, shown[1:]
    labels = ("yes", "no") if re.search(r"(?m)^yes:", system) else ("easy", "normal", "hard")
    found: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for label, text in RULE.findall(system):
        if label in found:
            found[label].update(set(WORDS.findall(text.lower())) - STOP)
    for asked, said in zip(examples[::2], examples[1::2], strict=True):
        found[said.text].update(set(WORDS.findall(asked.text.lower())) - STOP)
    return found


def rules_in(text: str) -> str:
    """The rules that a reflection is asked to improve."""
    return text.partition("<rules>\n")[2].partition("\n</rules>")[0]


def missed_in(text: str, rules: str) -> Iterator[tuple[str, str]]:
    """The label that should have been said and the message, for each failure that is shown."""
    for message, _, expected in CASE.findall(text):
        label = LABELS.get(expected, "")
        if "yes:" in rules:
            label = {"": "", "yes": "yes"}.get(label, "no")
        if label:
            yield label, message


class ScriptedReflector:
    """A Reflect: adds words of the failures to the rules, and forgets some that are there."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self.asked = 0

    def __call__(self, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked += 1
        rules = rules_in(text)
        missed: dict[str, Counter[str]] = {}
        for label, message in missed_in(text, rules):
            words = set(WORDS.findall(message.lower())) - STOP
            missed.setdefault(label, Counter()).update(words)
        if "bullets" in schema["properties"]:
            return {
                "bullets": [f"{label}: {self._chosen(words)}." for label, words in missed.items()]
            }
        return {"rules": "\n".join(self._line(line, missed) for line in rules.splitlines())}

    def _line(self, line: str, missed: Mapping[str, Counter[str]]) -> str:
        found = RULE.match(line)
        if found is None or found[1] not in missed:
            return line
        return f"{line.rstrip('.')}, {self._chosen(missed[found[1]])}."

    def _chosen(self, words: Counter[str]) -> str:
        """The commonest first, chance among equals."""
        ranked = sorted(sorted(words), key=lambda w: (-words[w], self._random.random()))
        return ", ".join(ranked[:ADDS])


class KindsReflector:
    """A Reflect: adds kinds of messages that the shipped prompt names for the labels that were
    missed, some at a time. It asks whether the loop finds back what a person has written."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)

    def __call__(self, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        rules = rules_in(text)
        missed = sorted({label for label, _ in missed_in(text, rules)})
        added = {label: self._kinds(label, rules) for label in missed}
        if "bullets" in schema["properties"]:
            return {"bullets": [f"{label}: {kinds}." for label, kinds in added.items() if kinds]}
        return {"rules": "\n".join(self._line(line, added) for line in rules.splitlines())}

    def _kinds(self, label: str, rules: str) -> str:
        name = "search_need" if label in {"yes", "no"} else "classify"
        shipped = Question.from_prompt(load_prompt(name)).system
        written = next(line for one, line in RULE.findall(shipped) if one == label)
        kinds = [kind.strip(" .") for kind in re.split(r"[,:]", written)]
        new = [kind for kind in kinds if kind and kind not in rules]
        return ", ".join(self._random.sample(new, min(ADDS_KINDS, len(new))))

    def _line(self, line: str, added: Mapping[str, str]) -> str:
        found = RULE.match(line)
        kinds = added.get(found[1], "") if found else ""
        return f"{line.rstrip('.')}, {kinds}." if kinds else line


class RememberingReflector:
    """A Reflect that asks a model only what is not known yet, and remembers that it had failed to
    answer with an object: a small one does."""

    def __init__(self, reflect: Reflect, replies: Replies, digest: str) -> None:
        self._reflect, self._replies, self._digest = reflect, replies, digest

    def __call__(self, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        key = blake2b(repr([self._digest, text, schema]).encode(), digest_size=16).hexdigest()
        try:
            known: Mapping[str, Any] = self._replies.get(key)
        except KeyError:
            known = self._asked(text, schema)
            self._replies.put(key, known)
        return known

    def _asked(self, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return dict(self._reflect(text, schema))
        except BadReply:
            return {}
