"""What is said where an answer has no sources: in the answer, above it, to the model, to programs.

Pure. The words for each problem stand in `problems`; here is which of them counts, and how it is
told to whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ..prompts import Prompt
from . import problems
from .material import long_date, searched
from .problems import Problem
from .types import Findings

# How the note begins and ends that stands in front of such an answer, whoever reads it, and
# whatever the model says: a small one answers from memory without a word about it.
_NOTE_BEGINS = "*No web sources behind this answer: "
_NOTE_ENDS = " What follows is from the model's memory and may be out of date.*"
# The longest reason of ours is half of that; a host may have a long name.
_REASON_CHARS = 300
# Enough words of the reasons why pages could not be read.
_MAX_REASONS = 3


def problem_of(findings: Findings) -> Problem | None:
    """Why there are no sources; None when there are some."""
    if findings.sources:
        return None
    if findings.problem is not None:
        return findings.problem
    if not findings.search.queries:
        return problems.no_words()
    if hits := {hit.url for result in findings.results for hit in result.hits}:
        dropped = (o.reason for o in findings.outcomes if o.fate == "dropped")
        return problems.unread(len(hits), _distinct(dropped)[:_MAX_REASONS])
    failed = (result.problem for result in findings.results if result.problem is not None)
    return next(failed, problems.no_hits())


def note(problem: Problem) -> str:
    """The paragraph in front of the answer: one sentence of ours about what broke, and what follows
    from it."""
    # A line, and no sign that would end the italics: the name of a host is a setting.
    reason = " ".join((problem.brief or problem.text).replace("*", " ").split())[:_REASON_CHARS]
    return f"{_NOTE_BEGINS}{reason}.{_NOTE_ENDS}\n\n"


def without_note(text: str) -> str:
    """An earlier answer as its model gave it: one that reads such a note in what it has said will
    write it again, also under sources. It may stand behind a block of thoughts."""
    begin = text.find(_NOTE_BEGINS)
    if begin < 0 or text[:begin].rpartition("\n")[2]:
        return text
    last = begin + len(_NOTE_BEGINS) + _REASON_CHARS + len(_NOTE_ENDS) + 1
    end = text.find(_NOTE_ENDS, begin, last)
    return text if end < 0 else text[:begin] + text[end + len(_NOTE_ENDS) :].lstrip("\n")


def word(findings: Findings) -> str:
    """For programs: "3 sources", or "none: refused" with the code of the problem."""
    problem = problem_of(findings)
    if problem is not None:
        return f"none: {problem.code}"
    count = len(findings.sources)
    return f"{count} source{'' if count == 1 else 's'}"


def failure(findings: Findings, *, in_own_words: bool = False) -> str:
    """What was done and why it came to nothing; "" when there are sources. `in_own_words`: without
    what a server has said of it."""
    problem = problem_of(findings)
    if problem is None:
        return ""
    said = (problem.own_words if in_own_words else problem.sentence).rstrip(".")
    if not findings.search.queries:
        return said
    came_to = said if problem.code in {"unread", "no_hits"} else f"the search failed: {said}"
    return f"the web was searched for {searched(findings.search)}, but {came_to}"


def instructions(prompt: Prompt, findings: Findings, today: date) -> str:
    """What the model is told (`prompts/no_evidence.md`)."""
    told = failure(findings, in_own_words=True)
    return prompt.render(date=long_date(today), failure=told)


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word.rstrip(".") for word in words if word))
