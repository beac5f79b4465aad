"""Names in rows: "Lee, Kristina", "founders: X, Y and Z", and firms called "X, Y and Z".

Pure; looks at most 40 characters around a word. It cannot tell a list of two persons by their given
names from a surname with its given name when both words are both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .people_cues import is_announced
from .people_tokens import LISTED, Is, Run, Word


def is_in_firm(text: str, word: Word) -> bool:
    """ "Hawkins, Richardson and Lee": surnames in a row are a firm more often than people."""
    before = text[max(0, word.start - 40) : word.start]
    if before.endswith((" and ", " & ")):
        return _ROW_BEFORE.search(before) is not None
    return before.endswith(", ") and _ROW_AFTER.match(text, word.end) is not None


def is_in_company(text: str, word: Word) -> bool:
    """ "Hawkins, Richardson and Lee Inc.": the row ends with the form of a firm."""
    return _COMPANY.match(text, word.end) is not None


_COMPANY = re.compile(
    r"(?:, [^\W\d_]{2,20}){0,3},? (?:and|&) [^\W\d_]{2,20}"
    r",? (?:Inc|LLC|LLP|Ltd|Corp|Group|GmbH|plc)\b"
)
_ROW_BEFORE = re.compile(r"[^\W\d_]{2,20}, [^\W\d_]{2,20},? (?:and|&) $")
_ROW_AFTER = re.compile(r",? (?:and|&) [^\W\d_a-z]")


def is_in_list(text: str, start: int, listed: int) -> bool:
    """Whether further names may follow: an announced name, or one that continues such a list."""
    is_near = listed >= 0 and 0 <= start - listed < _JOINT_CHARS
    return is_near or is_announced(text, start, known=True)


def continues(text: str, word: Word, listed: int) -> bool:
    """Whether a listed surname stands in one row with the name before it."""
    if listed < 0 or not 0 < word.start - listed < _JOINT_CHARS or not word.marks & LISTED:
        return False
    return not word.marks & Is.AMBIGUOUS and text[listed : word.start] in _JOINTS


_JOINT_CHARS = 8  # ", and " and a space
_JOINTS = frozenset(
    (", ", " and ", ", and ", " & ", " und ", " et ", " y ", " e ", " en ", " i ", " och ")
)


def surname_first(text: str, words: Iterable[Run]) -> Iterator[tuple[int, int]]:
    """ "Hansen, Kirsten": a surname, a comma and a given name, and not a list of names."""
    before: Run | None = None
    for run in words:
        if before is not None and _is_turned(text, before, run):
            is_middle = len(run) > 1 and run[1].marks & (Is.INITIAL | Is.GIVEN)
            yield before[-1].start, run[1 if is_middle else 0].end
        before = run


def _is_turned(text: str, before: Run, run: Run) -> bool:
    surname, given = before[-1], run[0]
    if given.start - surname.end != 2 or text[surname.end : given.start] != ", ":
        return False
    if not given.marks & Is.GIVEN or given.marks & Is.ORDINARY or surname.marks & Is.AMBIGUOUS:
        return False
    if not surname.marks & (Is.SURNAME | Is.SHAPED) or len(run) > 2:
        return False
    if len(before) > 1 and before[-2].marks & (Is.GIVEN | Is.INITIAL):
        return False
    return _LIST.match(text, run[-1].end) is None


_LIST = re.compile(r",? (?:and|or|und|oder|et|y|e|i|en|och|&) [^\W\d_]|, [^\W\d_]{2,}")
