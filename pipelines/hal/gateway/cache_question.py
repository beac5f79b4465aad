"""What a question asks, taken apart: numbers, signs, negations, question words, content words.

Pure. Knows the words of a language (`cache_words`) and what may be written in two ways; compares
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .cache_words import LANGUAGES, SAME, Language

# What is meant to the letter: quotations, options of a command, bits against bytes.
_CODE = re.compile(
    r"`([^`]+)`|[\"“„«]([^\"“”„»«]+)[\"”“»]|(?<![\w-])(--?[A-Za-z][\w-]*)|\b([kKMGT]b(?:it)?)\b"
)
_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,:]\d+)*)"
    r"|(?P<word>[^\W\d]\w*(?:\+\+|\#(?!\w))?)"
    r"|(?P<sign>[=<>+\-*/%&|^~\\@]+|!=+)"
)
_NEW_SENTENCE = re.compile(r"(?:^|[.?!:])\W*$")
# A request for the thing itself, where the other asks how it is done.
_DO_IT = re.compile(
    r"(?:write|compose|draft|generate|draw|translate|summari[sz]e|schreibe?)\b", re.IGNORECASE
)
# Shorter stems say too little.
_STEM_CHARS = 3


def _rewriting(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in rules)


# What is written in two ways, as one of them.
_REWRITTEN = _rewriting(
    (r"\bcan['’]?t\b|\bcannot\b", "can not"),
    (r"\bwon['’]t\b", "will not"),
    (r"n['’]t\b", " not"),
    (r"\b(what|who|where|when|how|it|that|there)['’]s\b", r"\1 is"),
    (r"['’]s\b", ""),
    (r"['’](?:re|m)\b", " are"),
    (r"['’]ll\b", " will"),
    (r"['’](?:ve|d)\b", ""),
    (r"['’]", " "),
    # A hyphen joins words, or a number and its unit.
    (r"(?<=\w)-(?=[^\W\d])", " "),
    (r"\bregular expressions?\b", "regex"),
    (r"\bhow (?=(?:many|much|long|old|far|high|tall|big|often|large|fast|deep|wide|heavy)\b)", ""),
    (r"\bwie (?=(?:viele?|lange?|alt|weit|hoch|groß|oft|schnell|heißt|ist)\b)", ""),
    (r"\b(?:in|on|at) (?:what|which) (?:year|date|day)\b", "when"),
    (r"\bhow to\b", "how"),
    (r"\bin welchem jahr\b", "wann"),
    (r"\ben quelle année\b", "quand"),
    (r"\ben qué año\b", "cuándo"),
    (r"\bpor qué\b", "porqué"),
    (r"\b(?:the|a) (?:best |right |good |proper )way\b", "the way"),
    (r"°\s*c\b", " celsius"),
    (r"°\s*f\b", " fahrenheit"),
    (r"°", " degrees "),
    (r"(?<=\d)\s*%(?!\s*\w)|(?<=\d)\s*%(?=\s+\D)", " percent"),
    (r"€", " euro "),
    (r"£", " pound "),
    (r"\$(?=\d)", " dollar "),
    (r"(?<=\d)\s*(?:x|×|times|mal|fois)\s*(?=\d)", " * "),
    (r"(?<=\d)\s*(?:÷|divided by|geteilt durch)\s*(?=\d)", " / "),
    (r"(?<=\d)\s+plus\s+(?=\d)", " + "),
    (r"(?<=\d)\s+(?:minus|moins|menos)\s+(?=\d)", " - "),
    (r"(?:\s*=)?[\s?.!]*$", ""),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A content word: its forms, and the kind of preposition before it.

    `role` is goal, place, source, other, or "" for none.
    """

    forms: frozenset[str]
    role: str = ""
    is_capital: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared. `code` is what is meant to the letter."""

    code: tuple[str, ...]
    numbers: tuple[str, ...]
    signs: tuple[str, ...]
    negations: int
    meanings: frozenset[str]
    words: tuple[Word, ...]


def plain(text: str) -> str:
    """Compatibility forms as one, spaces as one, and no contractions."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    for pattern, to in _REWRITTEN:
        text = pattern.sub(to, text)
    return text.strip()


def code(text: str) -> tuple[str, ...]:
    return tuple(next(part for part in found if part) for found in _CODE.findall(text))


def language_of(text: str) -> str:
    """The language whose function words are most; "" when it is none, or not clear."""
    words = [found["word"].lower() for found in _TOKEN.finditer(text) if found["word"]]
    votes = sorted((sum(w in one.marks for w in words), n) for n, one in LANGUAGES.items())
    (second, _), (first, name) = votes[-2:]
    return name if first > second else ""


def read(asked: str, language: Language) -> Question:
    text = _without_requests(plain(asked), language)
    reader = _Reader(language, text)
    for found in _TOKEN.finditer(text):
        reader.read(found)
    if _DO_IT.match(text):
        reader.meanings.add("thing")
    return Question(
        code=code(asked),
        numbers=tuple(reader.numbers),
        signs=tuple(reader.signs),
        negations=reader.negations,
        meanings=frozenset(reader.meanings),
        words=tuple(reader.words),
    )


def _without_requests(text: str, language: Language) -> str:
    """Without "please", "could you tell me" and their like at the beginning."""
    text = text.lstrip("¿¡ ")
    while (found := language.requests.match(text.lower())) and found.end():
        text = text[found.end() :].lstrip("¿¡ ")
    return text


class _Reader:
    """Sorts the tokens of one question."""

    def __init__(self, language: Language, text: str) -> None:
        self.numbers: list[str] = []
        self.signs: list[str] = []
        self.negations = 0
        self.meanings: set[str] = set()
        self.words: list[Word] = []
        self._language, self._text = language, text
        self._role = ""
        # In a title every word has a capital, and it says nothing.
        self._has_names = sum(map(str.isupper, text)) * 2 < len(text.split())

    def read(self, found: re.Match[str]) -> None:
        if found["number"]:
            self.numbers.append(found["number"])
        elif found["sign"]:
            self.signs.append(found["sign"])
        else:
            self._word(found["word"], found.start())

    def _word(self, raw: str, start: int) -> None:
        word, language = raw.lower(), self._language
        if word in language.numbers:
            self.numbers.append(language.numbers[word])
            return
        if not self._is_name(raw, start):
            if word in language.negations:
                self.negations += 1
                return
            if word in language.meaning:
                self.meanings.add(language.meaning[word])
            if word in language.prepositions or word in ("many", "much"):
                self._role = self._role_after(word)
                return
            if word in language.empty:
                return
        text = SAME.get(raw) or SAME.get(word, word)
        forms = _forms(text, language.endings)
        self.words.append(Word(forms, self._role, raw[0].isupper()))
        self._role = ""

    def _role_after(self, word: str) -> str:
        if word in self._language.goals:
            return "goal"
        if word in self._language.places:
            return "place"
        return "source" if word in self._language.sources else "other"

    def _is_name(self, raw: str, start: int) -> bool:
        """Will in "Will Smith", US in "the US": written like names, not like function words."""
        if not raw[0].isupper() or raw == "I" or not self._has_names:
            return False
        is_first = _NEW_SENTENCE.search(self._text[:start]) is not None
        return not is_first and (not self._language.has_noun_capitals or raw.isupper())


def _forms(word: str, endings: tuple[str, ...]) -> frozenset[str]:
    """What a word may be without its ending: reversing, revers, reverse."""
    found = {word}
    for ending in endings:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _STEM_CHARS:
            continue
        found.add(stem)
        if ending in ("ing", "ed"):
            found |= {f"{stem}e", stem[:-1] if stem[-1] == stem[-2] else stem}
    if endings and word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    return frozenset(found | {SAME.get(form, form) for form in found})
