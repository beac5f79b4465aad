"""Which cases ask nearly the same: one of them is enough.

Pure. Texts are compared only where they share one of their longest words, and only with a limited
number of others, so that a log of any size takes time in proportion to it. What counts as the same
question is decided where the signals of a chat are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...sessions.likeness import is_same_question
from .cases import Case

# By which words a case is found again; a mistyped one still leaves two.
_KEYS = 3
# With how many others of a word a case is compared: a word that all share says little.
_NEIGHBOURS = 40
# What is compared of a long text: its beginning says what is asked.
_CHARS = 600
_WORD = re.compile(r"\w+")


def distinct(cases: Sequence[Case]) -> list[Case]:
    """The cases without near-duplicates; of those that are alike, the first stays.

    Another expected route is another case.
    """
    kept: list[Case] = []
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        text = case.question[:_CHARS]
        keys = [(case.expected, word) for word in _keys(text)]
        near = [other for key in keys for other in found.get(key, [])[-_NEIGHBOURS:]]
        if any(text == other or is_same_question(text, other) for other in near):
            continue
        kept.append(case)
        for key in keys:
            found.setdefault(key, []).append(text)
    return kept


def _keys(text: str) -> list[str]:
    words = set(_WORD.findall(text.casefold()))
    return sorted(words, key=lambda word: (-len(word), word))[:_KEYS] or [""]
