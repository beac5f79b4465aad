"""Capitalised words of a text, the runs that they form, and what speaks for each as a name.

Pure; linear in the text, for every word is bounded and looked at once. Knows words, not people:
`people` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .name_lists import PARTICLES, NameLists, without_accents
from .people_words import NUMERALS, SURNAME_ENDINGS, SURNAME_HINTS, TITLES

# Capitals of the Latin script up to Latin Extended-B: there upper and lower case alternate.
_UPPER = "".join(chr(code) for code in range(0x41, 0x24F) if chr(code).isupper())

# 30 letters are more than any name has. No word that is part of a path, an address, a call or an
# identifier.
WORD = re.compile(
    rf"(?<![\w@#/\\$%&])(?<![a-z0-9_)\]]\.)(?<!\w-)[{_UPPER}](?>[^\W\d_]{{0,30}})"
    rf"(?>(?:['’‑-][^\W\d_]{{1,30}}){{0,3}})(?![\w(@\\/]|\.[a-z_]|::|[.+][\w.+-]{{1,63}}@)"
)
_PARTICLE = "|".join(sorted((re.escape(word) for word in PARTICLES), key=len, reverse=True))
# Between two words of a name: a space, the full stop of an initial, up to three particles.
_GAP = re.compile(rf"\.?[ \u00a0]{{1,2}}(?:(?:{_PARTICLE})[ \u00a0]){{0,3}}")
_GAP_CHARS = 20  # ". van der " and the longest three particles


class Is:
    """What is known about a word: bits, for an enumeration's flags cost ten times as much."""

    GIVEN = 1
    SURNAME = 2
    SHAPED = 4  # ends as surnames do
    AMBIGUOUS = 8  # a word, a place or a product as well
    ORDINARY = 16
    INITIAL = 32
    TITLE = 64
    NUMERAL = 128  # "Jr.", "III", "MD"
    MAILED = 256  # part of an e-mail address in the same text
    CAPITALS = 512
    PARTICLE = 1024
    HINTED = 2048  # ends as surnames and other words do


LISTED = Is.GIVEN | Is.SURNAME | Is.SHAPED | Is.MAILED | Is.HINTED


@dataclass(frozen=True, slots=True)
class Word:
    """A capitalised word without its possessive 's."""

    start: int
    end: int
    text: str
    marks: int


Run = list[Word]


def runs(text: str, names: NameLists) -> Iterator[Run]:
    """Capitalised words that stand together, in the order of the text."""
    reader = _Reader(text, names)
    run: Run = []
    for found in WORD.finditer(text):
        word = reader.word(found)
        if run and not _are_joined(text, run[-1], word):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _are_joined(text: str, before: Word, word: Word) -> bool:
    between = word.start - before.end
    if between == 1:
        return text[before.end] in " \u00a0"
    if between > _GAP_CHARS:
        return False
    gap = text[before.end : word.start]
    if gap[0] == "." and not (before.marks & (Is.INITIAL | Is.TITLE | Is.NUMERAL)):
        return False
    return _GAP.fullmatch(gap) is not None


class _Reader:
    """Marks words, each spelling once."""

    def __init__(self, text: str, names: NameLists) -> None:
        self._names = names
        self._mailed = frozenset(mailed_parts(text, names))
        self._is_polish = any(letter in text for letter in "łęążś")
        self._known: dict[str, int] = {}

    def word(self, found: re.Match[str]) -> Word:
        text = found.group()
        if len(text) > 2 and text[-2] in "'’" and text[-1] in "sS":
            text = text[:-2]
        marks = self._known.get(text)
        if marks is None:
            marks = self._known[text] = self._marks(text)
        return Word(found.start(), found.start() + len(text), text, marks)

    def _marks(self, text: str) -> int:
        word = text.lower()
        if len(word) == 1:
            return Is.INITIAL
        marks = _listed(word, self._names)
        if not marks & ~Is.HINTED and _CAMEL.match(text):
            return Is.ORDINARY | Is.AMBIGUOUS
        if self._is_polish and not marks & (Is.GIVEN | Is.SURNAME | Is.ORDINARY):
            for base in polish_bases(word):
                if self._names.is_ambiguous(base):
                    continue
                marks |= _listed(base, self._names) & (Is.GIVEN | Is.SURNAME)
        if without_accents(word) in self._mailed:
            marks |= Is.MAILED
        if len(text) > 1 and text.isupper():
            marks |= Is.CAPITALS
        return marks


def _listed(word: str, names: NameLists) -> int:
    marks = 0
    if word in TITLES:
        marks |= Is.TITLE
    if word in NUMERALS:
        marks |= Is.NUMERAL
    if word in PARTICLES:
        return marks | Is.PARTICLE
    if names.is_given(word):
        marks |= Is.GIVEN
    if names.is_surname(word):
        marks |= Is.SURNAME
    if "-" in word and word not in names.given:
        marks |= Is.AMBIGUOUS
    if names.is_ordinary(word):
        return marks | Is.ORDINARY | Is.AMBIGUOUS
    if names.is_ambiguous(word):
        return marks | Is.AMBIGUOUS
    return marks | _shape(word)


def _shape(word: str) -> int:
    # The shortest such surnames are five and six letters long: "Babić", "Jansen".
    if len(word) > 4 and word.endswith(SURNAME_ENDINGS):
        return Is.SHAPED
    return Is.HINTED if len(word) > 5 and word.endswith(SURNAME_HINTS) else 0


def mailed_parts(text: str, names: NameLists) -> Iterator[str]:
    """Words of the local parts of e-mail addresses: "ann.lee" gives "ann" and "lee"."""
    at = text.find("@")
    while at >= 0:
        # 64: the longest local part that mail servers take
        local = _AFTER_LOCAL.split(text[max(0, at - 64) : at])[-1]
        for part in _LETTERS.findall(local.lower()):
            if not names.is_ordinary(part):
                yield without_accents(part)
        at = text.find("@", at + 1)


_AFTER_LOCAL = re.compile(r"[^\w.+-]")
# "BaseModel", but not "McDonald" or "DeLuca".
_CAMEL = re.compile(r"(?!Mc|Mac|De|Di|Da|La|Le|Fitz|Van|Von|O)[^\W\d_]{1,24}[a-z][A-Z]")
_LETTERS = re.compile(r"[^\W\d_]{3,30}")

# Endings of the Polish cases, each with what the nominative ends in.
_POLISH: Sequence[tuple[str, tuple[str, ...]]] = (
    ("iego", ("i",)), ("iemu", ("i",)), ("iej", ("a",)), ("ego", ("y", "e")), ("emu", ("y",)),
    ("ej", ("a",)), ("im", ("i",)), ("ym", ("y",)), ("ą", ("a",)), ("ę", ("a",)), ("owi", ("",)),
    ("iem", ("",)), ("em", ("",)), ("ie", ("a", "")), ("y", ("a",)), ("i", ("a",)),
    ("ii", ("ia",)), ("o", ("a",)), ("u", ("",)), ("a", ("",)),
)  # fmt: skip
# A vowel that the other cases drop (Marek, Marka; Wróbel, Wróbla), and one that they change.
_FLEETING = ("k", "ek"), ("l", "el"), ("ł", "eł"), ("c", "iec"), ("ąc", "ąc"), ("r", "er")


def polish_bases(word: str) -> Iterable[str]:
    """Nominatives that an inflected Polish name may have, feminine adjectives as masculine ones."""
    for ending, replacements in _POLISH:
        if not word.endswith(ending) or len(word) - len(ending) < 2:
            continue
        stem = word[: -len(ending)]
        for replacement in replacements:
            yield from _nominatives(stem, replacement)
    if word.endswith(("ska", "cka", "dzka", "na")):
        yield word[:-1] + ("y" if word.endswith("na") else "i")


def _nominatives(stem: str, replacement: str) -> Iterator[str]:
    yield stem + replacement
    if replacement == "a" and stem.endswith(("sk", "ck", "dzk")):
        yield stem + "i"  # the lists hold the masculine form: Kowalski for Kowalska
    if not replacement:
        for short, long in _FLEETING:
            if stem.endswith(short):
                yield stem[: -len(short)] + long
