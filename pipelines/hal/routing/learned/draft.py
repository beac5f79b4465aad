"""What a local draft answer shows about itself, before anybody sees it: for the cascade.

Pure and linear in question and draft. Arithmetic that does not come out, code that does not parse,
an end in the middle of a sentence, refusals, hedges, numbers of the question that were never used.
Knows no weights and no model.
"""

from __future__ import annotations

import ast
import json
import re
from math import log1p

from .arithmetic import check, number

# The order is part of a weights file, as with SURFACE.
DRAFT = (
    "log_characters",
    "log_characters_per_question",
    "log_lines",
    "is_empty",
    "log_calculations",
    "log_wrong_calculations",
    "wrong_share",
    "has_no_calculation",
    "has_final_number",
    "final_number_is_whole",
    "log_final_number",
    "final_number_is_negative",
    "has_answer_mark",
    "log_after_answer",
    "is_truncated",
    "unused_number_share",
    "log_question_numbers",
    "log_numbers",
    "repeated_line_share",
    "log_refusals",
    "log_hedges",
    "has_broken_code",
    "mean_logprob",
)

# Of a draft: what a cascade may wait for is shorter; the end is kept, as answers stand there.
READS_CHARACTERS = 20_000
# Where a server gives no log-probabilities: about what models show on ordinary text.
USUAL_LOGPROB = -0.3

_NUMBERS = re.compile(r"\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,8})?")
_ANSWER = re.compile(r"#### ?|\\boxed\{|\b(?:final answer|the answer is|answer:)", re.IGNORECASE)
_FENCE = re.compile(r"^```([A-Za-z]{0,12})[ \t]*$", re.MULTILINE)
_REFUSALS = re.compile(
    r"\b(?:i can(?:no|')t (?:help|assist|answer|do|provide)|i'?m (?:unable|not able)|i am unable"
    r"|as an ai|i (?:do not|don't) (?:know|have (?:access|enough))|cannot be determined"
    r"|not enough information|no real-time)",
    re.IGNORECASE,
)
_HEDGES = re.compile(
    r"\b(?:perhaps|maybe|probably|possibly|might be|it seems|i think|i believe|not sure|unclear"
    r"|approximately|assum(?:e|ing)|however|wait|actually|mistake|sorry|correction)\b",
    re.IGNORECASE,
)
# What a finished answer ends with, beside a letter or a digit.
_ENDS = ".!?)]}\"'`*|:>%$…。！？」）”’"
# A text that ends with a word is finished when its last line is a list item or short like a title.
_SHORT_LINE = 60


def draft_features(
    question: str, draft: str, mean_logprob: float | None = None
) -> tuple[float, ...]:
    """One number per name in DRAFT. `mean_logprob` is the mean over the draft's tokens."""
    text = draft.strip()[-READS_CHARACTERS:]
    found = check(text)
    mark = _last_mark(text)
    final = _final_number(text if mark is None else text[mark.end() :])
    asked = {number(one) for one in _NUMBERS.findall(question[-READS_CHARACTERS:])}
    used = [number(one) for one in _NUMBERS.findall(text)]
    return (
        log1p(len(text)),
        log1p(len(text)) - log1p(len(question)),
        log1p(text.count("\n")),
        float(not text),
        log1p(found.found),
        log1p(found.wrong),
        found.wrong / max(1, found.found),
        float(found.found == 0),
        float(final is not None),
        float(final is not None and final == int(final)),
        log1p(abs(final)) if final is not None else 0.0,
        float(final is not None and final < 0),
        float(mark is not None),
        log1p(len(text) - mark.end()) if mark else 0.0,
        float(_is_truncated(text)),
        len(asked.difference(used)) / max(1, len(asked)),
        log1p(len(asked)),
        log1p(len(used)),
        _repeated_share(text),
        log1p(len(_REFUSALS.findall(text))),
        log1p(len(_HEDGES.findall(text))),
        float(_has_broken_code(text)),
        USUAL_LOGPROB if mean_logprob is None else mean_logprob,
    )


def _last_mark(text: str) -> re.Match[str] | None:
    last = None
    for last in _ANSWER.finditer(text):  # noqa: B007 - the last one is what is wanted
        pass
    return last


def _final_number(text: str) -> float | None:
    """The last number of a text, with its sign."""
    last = None
    for last in _NUMBERS.finditer(text):  # noqa: B007
        pass
    if last is None:
        return None
    before = text[max(0, last.start() - 2) : last.start()].replace("$", "")
    return -number(last[0]) if before.endswith(("-", "−")) else number(last[0])


def _is_truncated(text: str) -> bool:
    """Whether it ends where a sentence, a bracket or a block of code goes on."""
    if not text:
        return True
    last_line = text.rsplit("\n", 1)[-1]
    if text.count("```") % 2 or last_line.count("<<") > last_line.count(">>"):
        return True
    if last_line.count("(") > last_line.count(")"):
        return True
    if text[-1] in _ENDS:
        return False
    if text[-1].isalnum():
        return len(last_line) > _SHORT_LINE and not _ANSWER.search(last_line)
    return True


def _repeated_share(text: str) -> float:
    """How many of the lines stood there before: a model in a loop."""
    lines = [line for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def _has_broken_code(text: str) -> bool:
    """Whether a block that says it is Python or JSON cannot be read as such."""
    blocks = _FENCE.split(text)
    return any(
        not _parses(language.lower(), code)
        for language, code in zip(blocks[1::4], blocks[2::4], strict=False)
    )


def _parses(language: str, code: str) -> bool:
    try:
        if language in ("python", "py"):
            ast.parse(code)
        elif language == "json":
            json.loads(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
