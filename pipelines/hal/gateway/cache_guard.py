"""Whether two questions whose vectors are near ask for the same thing.

Pure, and the second opinion on a semantic hit. Embeddings put "capital of Austria" beside "capital
of Australia", and "with" beside "without": they measure what a question is about. Here it counts
what is asked: numbers, signs, negations, question words, tense, person, the content words and who
does what to whom. Knows word lists (`cache_words`), not the world: in doubt it says that two
questions differ, which costs a hit and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .cache_words import ALTERNATIVES, ASPECTS, LANGUAGES, SAME, UNKNOWN, Language

# Scripts without spaces between words: there the whole text must be the same.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
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
_GOALS = ("goal", "place")  # 20 °C to, or in, Fahrenheit
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
    (r"\b(?:the|a) (?:best |right |good |easiest |proper )way\b", "the way"),
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
class _Word:
    """A content word, and the kind of preposition before it: goal, source, other or none."""

    text: str
    role: str = ""
    is_capital: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    """What is compared. `code` is what is meant to the letter."""

    code: tuple[str, ...]
    numbers: tuple[str, ...]
    signs: tuple[str, ...]
    negations: int
    meanings: frozenset[str]
    words: tuple[_Word, ...]


def difference(asked: str, kept: str) -> str | None:
    """What tells two questions apart, in a word; None when they ask for the same."""
    left, right = _plain(asked), _plain(kept)
    if left.casefold() == right.casefold():
        return None if _code(asked) == _code(kept) else "code"
    if _UNSPACED.search(left + right):
        return "script"
    ours, theirs = _language(left), _language(right)
    if ours and theirs and ours != theirs:
        return "language"
    language = LANGUAGES.get(ours or theirs, UNKNOWN)
    return _compared(_read(asked, language), _read(kept, language), language)


def _compared(a: _Question, b: _Question, language: Language) -> str | None:
    counts = (
        ("code", a.code, b.code),
        ("number", a.numbers, b.numbers),
        ("sign", a.signs, b.signs),
        ("negation", a.negations, b.negations),
        ("question word", a.meanings & ASPECTS, b.meanings & ASPECTS),
    )
    for name, mine, yours in counts:
        if mine != yours:
            return name
    if _are_alternatives(a.meanings, b.meanings):
        return "meaning"
    pairs = _paired(a.words, b.words, language)
    if pairs is None:
        return "word"
    return "order" if _is_turned(pairs) or _is_reordered(pairs, language) else None


def _are_alternatives(mine: frozenset[str], yours: frozenset[str]) -> bool:
    """Present and past, my and your, how it is done and the thing itself."""
    for group in ALTERNATIVES:
        if mine & group and yours & group and not mine & yours & group:
            return True
    return False


def _plain(text: str) -> str:
    """Compatibility forms as one, spaces as one, and no contractions."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    for pattern, to in _REWRITTEN:
        plain = pattern.sub(to, plain)
    return plain.strip()


def _code(text: str) -> tuple[str, ...]:
    return tuple(next(part for part in found if part) for found in _CODE.findall(text))


def _language(text: str) -> str:
    """The language whose function words are most; "" when it is none, or not clear."""
    words = [found["word"].lower() for found in _TOKEN.finditer(text) if found["word"]]
    votes = sorted((sum(w in one.marks for w in words), n) for n, one in LANGUAGES.items())
    (second, _), (first, name) = votes[-2:]
    return name if first > second else ""


def _read(asked: str, language: Language) -> _Question:
    text = _without_requests(_plain(asked), language)
    reader = _Reader(language, text)
    for found in _TOKEN.finditer(text):
        reader.read(found)
    if _DO_IT.match(text):
        reader.meanings.add("thing")
    return _Question(
        code=_code(asked),
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
        self.words: list[_Word] = []
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
        self.words.append(_Word(text, self._role, raw[0].isupper()))
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


_Pair = tuple[int, _Word, int, _Word]


def _paired(a: Sequence[_Word], b: Sequence[_Word], language: Language) -> list[_Pair] | None:
    """Each word with its counterpart; None when one has none."""
    pairs: list[_Pair] = []
    left = set(range(len(b)))
    for i, mine in enumerate(a):
        same = [j for j, yours in enumerate(b) if _are_same(mine.text, yours.text, language)]
        if not same:
            return None
        j = next((j for j in same if j in left), same[0])
        left.discard(j)
        pairs.append((i, mine, j, b[j]))
    if any(not any(_are_same(b[j].text, one.text, language) for one in a) for j in left):
        return None
    return pairs


def _are_same(one: str, other: str, language: Language) -> bool:
    return one == other or not _forms(one, language.endings).isdisjoint(
        _forms(other, language.endings)
    )


@lru_cache(maxsize=4096)
def _forms(word: str, endings: tuple[str, ...]) -> frozenset[str]:
    """A word, and what it may be without its ending: reversing, revers, reverse."""
    forms = {word}
    for ending in endings:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _STEM_CHARS:
            continue
        forms.add(stem)
        if ending in ("ing", "ed"):
            forms |= {f"{stem}e", stem[:-1] if stem[-1] == stem[-2] else stem}
    if endings and word.endswith("ies"):
        forms.add(f"{word[:-3]}y")
    return frozenset(forms | {SAME.get(form, form) for form in forms})


def _is_turned(pairs: Sequence[_Pair]) -> bool:
    """What one goes to is what the other comes from, or two words have changed these places."""
    gained = lost = False
    for _, mine, _, yours in pairs:
        if {mine.role, yours.role} == {"goal", "source"}:
            return True
        gained = gained or (mine.role not in _GOALS and yours.role in _GOALS)
        lost = lost or (mine.role in _GOALS and yours.role not in _GOALS)
    return gained and lost


def _is_reordered(pairs: Sequence[_Pair], language: Language) -> bool:
    """Two words have changed places around a third: "cats chase dogs".

    Words with a preposition may stand anywhere. In German subject and object may be neighbours;
    they are nouns, and those have capitals.
    """
    bare = [(i, j, mine) for i, mine, j, yours in pairs if not mine.role and not yours.role]
    for n, (i, j, mine) in enumerate(bare):
        for k, m, other in bare[n + 1 :]:
            if j <= m:
                continue
            if language.has_noun_capitals and mine.is_capital and other.is_capital:
                return True
            if any(i < x < k and m < y < j for x, y, _ in bare):
                return True
    return False
