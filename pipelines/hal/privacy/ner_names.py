"""What a language model is given to read, and which of its hits are names of persons.

Pure. A model that was made for news takes classes, commands and headings for people; the words of
`people_tokens` say what cannot be one: no word of a path, a call or an identifier is among them,
and many words are known to be no name. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .name_lists import NameLists
from .people_rows import is_in_company
from .people_rules import is_named_after
from .people_tokens import LISTED, Is, Run, Word, runs
from .people_words import DOES, NOT_A_PERSON_AFTER, PHRASES

# A long line; it is cut at a space, so that no piece holds up other threads for more than 20 ms.
PIECE_CHARS = 1000
# The words of a longest name, with all given names.
_MAX_WORDS = 6

# What only English has among the languages that the rules know: the model can read no other.
_ENGLISH_WORDS = (
    "the and of with that you this are my your his from have has by not it she they please our"
    " their who been were would should could which when what where how about"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
# From so many words on, one of them would be there; in a whole text they are one in five or so.
_ENOUGH_WORDS = 6
_ENGLISH_SHARE = 0.05
_LOWER = re.compile(r"(?<![^\W\d_])[a-zà-ÿ]{1,20}(?![^\W\d_])")
_LINE = re.compile(r"[^\n]+")
_FENCE = re.compile(r"[ \t>]{0,8}(?:```|~~~)")
# A capital proves nothing after these: the start of a sentence, a list, a cell, a quotation.
_STARTS = frozenset(".!?:;|*-–—•#>\"'“„«([{=/\\`")
# What follows a heading, a key, a call or a part of code.
_NO_NAME_AFTER = re.compile(r"[*_ ]{0,3}[:=|({\[`<>/\\]|[-_@#$%&+*\d]")
_NO_NAME_BEFORE = re.compile(r"(?<![^\W\d_])(?:in|at|near|the|an?)[ ]$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """The capitalised words of a text, by where they begin, each with its run and its place."""

    text: str
    words: Mapping[int, tuple[Run, int]]
    code: Mapping[int, int]

    @classmethod
    def of(cls, text: str, names: NameLists) -> Names:
        code = dict(_code(text))
        words = {
            word.start: (run, place) for run in runs(text, names) for place, word in enumerate(run)
        }
        return cls(text, words, code)

    def kept(self, start: int, end: int) -> tuple[int, int] | None:
        """The name in this hit, without a title in front or an 's behind; None when it is none."""
        found = self.words.get(start)
        if found is None:
            return None
        run, place = found
        # A title and one word more than allowed: no hit is measured against a whole row of names.
        words = [word for word in run[place : place + _MAX_WORDS + 2] if word.end <= end]
        while words and words[0].marks & Is.TITLE and not words[0].marks & Is.GIVEN:
            words, place = words[1:], place + 1
        if not words or self.text[words[-1].end : end] not in _TAILS:
            return None
        if not self._is_name(run, place, words):
            return None
        return words[0].start, words[-1].end

    def _is_name(self, run: Run, place: int, words: list[Word]) -> bool:
        if len(words) > _MAX_WORDS or not all(map(_may_be_part, words)):
            return False
        if all(word.marks & (Is.INITIAL | Is.NUMERAL) for word in words):
            return False
        last = words[-1]
        whole = self.text[words[0].start : last.end].lower()
        if whole in PHRASES or last.text.lower() in NOT_A_PERSON_AFTER:
            return False
        if is_named_after(self.text, run, place + len(words)):
            return False
        if not any(word.marks & LISTED for word in words) and self._is_place_or_thing(words[0]):
            return False
        return len(words) > 1 or self._is_lone_name(run, last)

    def _is_lone_name(self, run: Run, word: Word) -> bool:
        if any(one is not word and not one.marks & Is.TITLE for one in run[:3]):
            return False
        if word.marks & Is.AMBIGUOUS or len(word.text) < 3:
            return False
        if _NO_NAME_AFTER.match(self.text, word.end) or is_in_company(self.text, word):
            return False
        return (
            bool(word.marks & LISTED)
            or not self._begins(word.start)
            or DOES.match(self.text, word.end) is not None
        )

    def _is_place_or_thing(self, word: Word) -> bool:
        """ "in Warszawa", "an Gherkin expert": what no list knows as a name, after such a word."""
        return _NO_NAME_BEFORE.search(self.text, max(0, word.start - 6), word.start) is not None

    def _begins(self, start: int) -> bool:
        """Whether any word would stand in capitals here."""
        before = self.text[max(0, start - 3) : start].rstrip(" \t")
        return not before or before[-1] in _STARTS or before[-1] == "\n"


_TAILS = ("", ".", "'s", "’s", "'", "’")


def _may_be_part(word: Word) -> bool:
    marks = word.marks
    if marks & Is.ORDINARY:
        return False
    return not marks & Is.CAPITALS or bool(marks & (LISTED | Is.INITIAL | Is.NUMERAL))


def _may_be_alone(word: Word) -> bool:
    return _may_be_part(word) and not word.marks & (Is.INITIAL | Is.NUMERAL | Is.PARTICLE)


def pieces(text: str, names: Names) -> Iterator[tuple[int, int]]:
    """Lines of prose, and parts of long ones, that hold a word which may be an unknown name."""
    may_be = sorted(at for at, (run, place) in names.words.items() if _may_be_alone(run[place]))
    if not may_be:
        return
    whole = _is_english(text)
    at = 0
    for start, end in _prose(text, names.code):
        while at < len(may_be) and may_be[at] < start:
            at += 1
        if at < len(may_be) and may_be[at] < end and _may_be_english(text[start:end], whole):
            yield start, end


def _prose(text: str, code: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    skipped = 0
    for line in _LINE.finditer(text):
        start, end = line.span()
        skipped = max(skipped, code.get(start, 0))
        while start < end and start >= skipped:
            cut = _cut(text, start, end)
            yield start, cut
            start = cut


def _cut(text: str, start: int, end: int) -> int:
    """The end of a piece: after a sentence, else after a word, else wherever it is full."""
    if end - start <= PIECE_CHARS:
        return end
    full = start + PIECE_CHARS
    half = start + PIECE_CHARS // 2
    for mark in (". ", " "):
        if (at := text.rfind(mark, half, full)) >= 0:
            return at + len(mark)
    return full


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Blocks between fences, by where they begin; one that is not closed goes to the end."""
    opened = -1
    for line in _LINE.finditer(text):
        if not _FENCE.match(text, line.start()):
            continue
        if opened < 0:
            opened = line.start()
        else:
            yield opened, line.end()
            opened = -1
    if opened >= 0:
        yield opened, len(text)


def _may_be_english(piece: str, whole: bool) -> bool:
    """A line that is too short to tell is what the `whole` text is."""
    words = _LOWER.findall(piece)
    return whole if len(words) < _ENOUGH_WORDS else not _ENGLISH.isdisjoint(words)


def _is_english(text: str) -> bool:
    words = _LOWER.findall(text)
    english = sum(word in _ENGLISH for word in words)
    return len(words) < _ENOUGH_WORDS or english >= _ENGLISH_SHARE * len(words)
