"""Numbers that a prompt shows without being understood: how long, how many digits, which marks.

Pure and linear in the length of the text. Knows no weights; `lab/router/fit.py` learns those.
"""

from __future__ import annotations

import re
from math import log1p

# The order is part of a weights file: a changed list is another FEATURES_VERSION.
SURFACE = (
    "log_characters",
    "log_words",
    "characters_per_word",
    "log_line_breaks",
    "log_digits",
    "digit_share",
    "upper_share",
    "non_ascii_share",
    "log_numbers",
    "log_math_marks",
    "log_code_marks",
    "log_commas",
    "log_sentence_ends",
    "log_quotes",
    "log_question_marks",
    "log_question_words",
    "log_list_items",
    "has_gap",
    "has_negation",
    "is_about_me",
    "log_longest_word",
    "long_word_share",
    "distinct_word_share",
)

_NUMBERS = re.compile(r"\d+")
_LIST_ITEM = re.compile(r"^[ \t]{0,8}(?:[-*]|[A-Za-z0-9]{1,3}[.)])[ \t]", re.MULTILINE)
_QUESTION_WORDS = frozenset(
    {
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "does",
        "do",
        "did",
        "can",
        "could",
        "should",
    }
)
_NEGATIONS = frozenset(
    {"not", "no", "never", "except", "least", "false", "incorrect", "cannot", "without", "neither"}
)
_FIRST_PERSON = frozenset({"i", "me", "my", "mine", "we", "us", "our"})
_MATH_MARKS = "=+*/^<>\\"
_CODE_MARKS = "(){}[];_`"
# Longer than nine of ten words in running English.
LONG_WORD_CHARACTERS = 9
# What a question mark of another script is.
_QUESTION_MARKS = "?？؟"


def surface(text: str) -> tuple[float, ...]:
    """One number per name in SURFACE; an empty text gives zeros and shares of 0."""
    words = text.lower().split()
    bare = [word.strip(".,;:!?\"'()[]") for word in words]
    digits = sum(map(str.isdigit, text))
    characters, count = max(1, len(text)), max(1, len(words))
    lengths = [len(word) for word in bare]
    return (
        log1p(len(text)),
        log1p(len(words)),
        len(text) / count,
        log1p(text.count("\n")),
        log1p(digits),
        digits / characters,
        sum(map(str.isupper, text)) / characters,
        0.0 if text.isascii() else sum(character > "\x7f" for character in text) / characters,
        log1p(len(_NUMBERS.findall(text))),
        log1p(sum(map(text.count, _MATH_MARKS))),
        log1p(sum(map(text.count, _CODE_MARKS))),
        log1p(text.count(",")),
        log1p(text.count(".") + text.count("!")),
        log1p(text.count('"')),
        log1p(sum(map(text.count, _QUESTION_MARKS))),
        log1p(sum(word in _QUESTION_WORDS for word in bare)),
        log1p(len(_LIST_ITEM.findall(text))),
        float("___" in text),
        float(not _NEGATIONS.isdisjoint(bare)),
        float(not _FIRST_PERSON.isdisjoint(bare)),
        log1p(max(lengths, default=0)),
        sum(length >= LONG_WORD_CHARACTERS for length in lengths) / count,
        len(set(bare)) / count,
    )
