"""Recognises what the classifier is asked, by the prompt files, and knows its labels.

The prompts may change; a test says SIMPLE or YES, never the word that stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.harness.interpreters import REPO
from tests.servers import last_user_text

Body = dict[str, Any]
# What is asked to learn the label bias of a model.
CONTENT_FREE = ("N/A", "", "[text]")
_FILE = re.compile(
    r"---\n(?P<head>.*?)\n---\n# system\n(?P<system>.*?)\n# (?:examples\n.*?\n# )?"
    r"user\n(?P<before>.*?)\$question(?P<after>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One of the two prompts. By meaning, such as SIMPLE: its word, and how common it is."""

    name: str
    system: str
    before: str
    after: str
    tokens: Mapping[str, str]
    base_rates: Mapping[str, float]

    @classmethod
    def read(cls, name: str) -> AskedQuestion:
        text = (REPO / "prompts" / f"{name}.md").read_text(encoding="utf-8")
        found = _FILE.fullmatch(text)
        assert found, f"{name}.md has another form than these tests know"
        tokens = {meaning: token for token, meaning in _pairs(found["head"], "labels")}
        common = {token: float(rate) for token, rate in _pairs(found["head"], "base_rates")}
        rates = {meaning: common.get(token, 1.0) for meaning, token in tokens.items()}
        parts = (found["system"].strip(), found["before"].strip(), found["after"].strip())
        return cls(name, *parts, tokens, rates)

    def asked_in(self, body: Body) -> bool:
        first = (body.get("messages") or [{}])[0]
        return first.get("role") == "system" and first.get("content") == self.system

    def said_for(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """What a model without bias has to say, so that these probabilities come out."""
        weights = {meaning: p / self.base_rates[meaning] for meaning, p in wanted.items()}
        return {meaning: w / sum(weights.values()) for meaning, w in weights.items()}

    def text_of(self, body: Body) -> str:
        """The question that the classifier reads, without what was said earlier."""
        asked = last_user_text(body).strip().rpartition(self.before)[2]
        return asked.removesuffix(self.after).strip()


def _pairs(head: str, key: str) -> list[list[str]]:
    lines = re.findall(rf"^{key}: (.*)$", head, re.MULTILINE)
    return [pair.split("=") for line in lines for pair in line.split()]


DIFFICULTY = AskedQuestion.read("classify")
SEARCH = AskedQuestion.read("search_need")


def question_of(body: Body) -> AskedQuestion | None:
    """Which question this request to Ollama asks; None when it wants an answer for a person."""
    return next((q for q in (DIFFICULTY, SEARCH) if q.asked_in(body)), None)


def is_answer(body: Body) -> bool:
    return bool(body.get("messages")) and question_of(body) is None and not is_rewrite(body)


def is_rewrite(body: Body) -> bool:
    """Whether this asks what to search for."""
    wanted = body.get("format")
    return isinstance(wanted, dict) and "queries" in wanted.get("properties", {})


def is_about_a_turn(body: Body) -> bool:
    question = question_of(body)
    return question is not None and question.text_of(body) not in CONTENT_FREE


def is_calibration(body: Body) -> bool:
    return question_of(body) is not None and not is_about_a_turn(body)
