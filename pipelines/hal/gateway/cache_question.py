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
# Shorter stems say too little.
_STEM_CHARS = 3


def _rewriting(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), to) for pattern, to in rules)


# What the beginning asks for: the thing itself and not how it is made, a text or a result.
_MOODS = tuple(
    (re.compile(rf"(?:{pattern})", re.IGNORECASE), name)
    for pattern, name in (
        (r"(?:help me (?:to )?)?(?:write|compose|draft|generate|draw|translate|schreib)", "thing"),
        (r"(?:explain|describe|define|erklär|beschreib|expliqu|décri|explica|descri)", "explained"),
        (r"(?:solve|calculate|compute|find|convert|berechne|rechne|calcul)", "worked_out"),
    )
)
_AUXILIARIES = frozenset({"present", "past", "future", "possible"})
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
    (r"[\s,]+(?:(?:for|to) me|please|bitte|thanks|thank you)(?=[\s?.!]*$)", ""),
    # A hyphen joins words, or a number and its unit.
    (r"(?<=\w)-(?=[^\W\d])", " "),
    (r"\bregular expressions?\b", "regex"),
    (r"\bhow (?=(?:many|much|long|old|far|high|tall|big|often|large|fast|deep|wide|heavy)\b)", ""),
    (r"\bwie (?=(?:viele?|lange?|alt|weit|hoch|groß|oft|schnell|heißt|ist)\b)", ""),
    (r"\b(?:in|on|at) (?:what|which) (?:year|date|day)\b", "when"),
    (r"\bhow to\b", "how"),
    (r"\b(?:the |a |any )?(?:best |right |good |proper )?ways? (?:to|of)\b", "how"),
    (r"\b(?:have|has|need|needs) to\b", "must"),
    (r"\bwhat (?:does|do) (.+) mean\b", r"what is the meaning of \1"),
    (r"\bin welchem jahr\b", "wann"),
    (r"\ben quelle année\b", "quand"),
    (r"\ben qué año\b", "cuándo"),
    (r"\bpor qué\b", "porqué"),
    (r"°\s*c\b", " celsius"),
    (r"°\s*f\b", " fahrenheit"),
    (r"°|(?<=\d)\s*degrees?\b", " "),
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
    """A content word: its forms, and its role by the preposition before it; "" for none."""

    forms: frozenset[str]
    role: str = ""


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
    whole = plain(asked)
    text = _without_requests(whole, language)
    reader = _Reader(language, text)
    for found in _TOKEN.finditer(text):
        reader.read(found)
    return Question(
        code=code(asked),
        numbers=tuple(reader.numbers),
        signs=tuple(reader.signs),
        negations=reader.negations,
        meanings=reader.meaning(whole),
        words=reader.all_words(),
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
        self._meanings: list[str] = []
        self._words: list[Word] = []
        self._language, self._text = language, text
        self._preposition = ""
        self._is_first = True
        # In a title every word has a capital, and it says nothing.
        self._has_names = any(word[0].islower() for word in text.split())

    def read(self, found: re.Match[str]) -> None:
        if found["number"]:
            self.numbers.append(found["number"])
        elif found["sign"]:
            self.signs.append(found["sign"])
        else:
            self._word(found["word"], found.start())
        self._is_first = False

    def all_words(self) -> tuple[Word, ...]:
        """A preposition that nothing follows is part of a verb: to turn on."""
        if self._preposition:
            self._content(self._preposition, "")
        return tuple(self._words)

    def meaning(self, whole: str) -> frozenset[str]:
        found = set(self._meanings)
        found |= {name for pattern, name in _MOODS if pattern.match(whole)}
        if "method" in found:
            found.discard("possible")  # how one can, and how one does
        return frozenset(found)

    def _word(self, raw: str, start: int) -> None:
        word, language = raw.lower(), self._language
        if word in language.numbers:
            self.numbers.append(language.numbers[word])
        elif self._is_name(raw, start):
            self._content(raw, raw)
        elif word in language.negations:
            self.negations += 1
        else:
            self._mean(word)
            if word in language.roles:
                self._preposition = word
            elif word not in language.empty:
                self._content(word, raw)

    def _mean(self, word: str) -> None:
        if meaning := self._language.meaning.get(word):
            self._meanings.append(meaning)
            if self._is_first and meaning in _AUXILIARIES:
                self._meanings.append("yes_or_no")

    def _content(self, word: str, raw: str) -> None:
        text = SAME.get(raw) or SAME.get(word.lower(), word.lower())
        # "Removing duplicates" is to remove them; "parking" is not to park.
        is_act = not self._words and {"method"}.issuperset(self._meanings)
        endings = tuple(e for e in self._language.endings if e != "ing" or is_act)
        role = self._language.roles.get(self._preposition, "") if raw else ""
        self._words.append(Word(_forms(text, endings), role))
        self._preposition = ""

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
