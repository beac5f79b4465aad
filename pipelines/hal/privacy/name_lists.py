"""Which words are given names or surnames, and which of them are also ordinary words.

The lists lie beside this module in `names/`: the given names and the most frequent surnames of the
1990 census of the United States (a work of its government, public domain), and lists for the other
countries that were written for this project. Pure once loaded. It knows common names, not all of
them: what is in no list may still be a name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

# Small words inside names; they are no evidence for a name on their own.
_PARTICLES = (
    "van von vom zum zur zu der den de del dela della dello degli dei di da do dos das du des la le"
    " los las el al bin ibn ben bint binti abu ter ten te ten op 't af av zu"
)
PARTICLES = frozenset(_PARTICLES.split())

# Letters that Unicode does not split into a base letter and a mark.
_UNSPLIT = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "ı": "i"})


@dataclass(frozen=True, slots=True)
class NameLists:
    """Sets of casefolded words. A name with a hyphen counts when all of its parts do."""

    given: frozenset[str]
    surnames: frozenset[str]
    ambiguous: frozenset[str]
    ordinary: frozenset[str]

    @classmethod
    def load(cls) -> NameLists:
        """Reads the packaged lists; a missing file raises FileNotFoundError."""
        ordinary = frozenset(_words("ordinary"))
        ambiguous = frozenset(_words("ambiguous"))
        given = frozenset((*_spelled("given", ordinary), *_words("given_us")))
        surnames = frozenset((*_spelled("surnames", ordinary), *_words("surnames_us")))
        return cls(given - PARTICLES, surnames - PARTICLES, ambiguous, ordinary)

    def is_given(self, word: str) -> bool:
        """Whether the word is a common given name, in any case and also without its accents."""
        return _holds(self.given, word)

    def is_surname(self, word: str) -> bool:
        return _holds(self.surnames, word)

    def is_ambiguous(self, word: str) -> bool:
        """Whether it is also a word, a place or a product: a name only with a second cue."""
        word = word.lower()
        return word in self.ambiguous or word in self.ordinary

    def is_ordinary(self, word: str) -> bool:
        """Whether it is a word of a language first of all."""
        return word.lower() in self.ordinary


def _holds(names: frozenset[str], word: str) -> bool:
    word = word.lower()
    if word in names:
        return True
    if "'" in word or "’" in word:  # the lists of the census have OBRIEN
        return word.replace("'", "").replace("’", "") in names
    return "-" in word and all(part in names for part in word.split("-"))


def _words(name: str) -> Iterator[str]:
    text = (files(__package__) / "names" / f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            yield from line.lower().split()


def _spelled(name: str, ordinary: frozenset[str]) -> Iterator[str]:
    """Each name, and its spelling without accents unless that is an ordinary word."""
    for word in _words(name):
        yield word
        plain = without_accents(word)
        if plain != word and plain not in ordinary:
            yield plain


def without_accents(word: str) -> str:
    """The word in plain letters: "Gonçalves" gives "Goncalves"."""
    if word.isascii():
        return word
    split = unicodedata.normalize("NFKD", word.translate(_UNSPLIT))
    return "".join(letter for letter in split if not unicodedata.combining(letter))
