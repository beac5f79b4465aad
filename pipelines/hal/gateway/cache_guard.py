"""Whether two questions whose vectors are near ask for the same thing.

Pure, and the second opinion on a semantic hit. Embeddings put "capital of Austria" beside "capital
of Australia", and "with" beside "without": they measure what a question is about. Here it counts
what is asked, as `cache_question` reads it. Knows words, not the world: in doubt it says that two
questions differ, which costs a hit and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .cache_question import Question, Word, code, language_of, plain, read
from .cache_words import ALTERNATIVES, ASPECTS, LANGUAGES, UNKNOWN

# Scripts without spaces between words: there the whole text must be the same.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_GOALS = ("goal", "place")  # 20 °C to, or in, Fahrenheit


def difference(asked: str, kept: str) -> str | None:
    """What tells two questions apart, in a word; None when they ask for the same."""
    left, right = plain(asked), plain(kept)
    if left.casefold() == right.casefold():
        return None if code(asked) == code(kept) else "code"
    if _UNSPACED.search(left + right):
        return "script"
    ours, theirs = language_of(left), language_of(right)
    if ours and theirs and ours != theirs:
        return "language"
    language = LANGUAGES.get(ours or theirs, UNKNOWN)
    return _compared(read(asked, language), read(kept, language))


def _compared(a: Question, b: Question) -> str | None:
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
    pairs = _paired(a.words, b.words)
    if pairs is None:
        return "word"
    may_turn = "method" in a.meanings & b.meanings
    return "order" if _is_turned(pairs) or _is_reordered(pairs, may_turn) else None


def _are_alternatives(mine: frozenset[str], yours: frozenset[str]) -> bool:
    """Present and past, my and your, how it is done and the thing itself."""
    for group in ALTERNATIVES:
        if mine & group and yours & group and not mine & yours & group:
            return True
    return False


_Pair = tuple[int, Word, int, Word]


def _paired(a: Sequence[Word], b: Sequence[Word]) -> list[_Pair] | None:
    """Each word with its counterpart; None when one has none."""
    pairs: list[_Pair] = []
    left = set(range(len(b)))
    for i, mine in enumerate(a):
        same = [j for j, yours in enumerate(b) if not mine.forms.isdisjoint(yours.forms)]
        if not same:
            return None
        j = next((j for j in same if j in left), same[0])
        left.discard(j)
        pairs.append((i, mine, j, b[j]))
    if any(not any(not b[j].forms.isdisjoint(one.forms) for one in a) for j in left):
        return None
    return pairs


def _is_turned(pairs: Sequence[_Pair]) -> bool:
    """A word has another role, or two have changed theirs: from JSON to CSV, from CSV to JSON."""
    gained = lost = False
    for _, mine, _, yours in pairs:
        if mine.role and yours.role and not _are_compatible(mine.role, yours.role):
            return True
        gained = gained or (mine.role not in _GOALS and yours.role in _GOALS)
        lost = lost or (mine.role in _GOALS and yours.role not in _GOALS)
    return gained and lost


def _are_compatible(mine: str, yours: str) -> bool:
    return mine == yours or "any" in (mine, yours) or {mine, yours} == set(_GOALS)


def _is_reordered(pairs: Sequence[_Pair], may_turn: bool) -> bool:
    """Two words have changed places: "cats chase dogs". With a preposition they stand anywhere.

    `may_turn`: two alone may change, a verb and its object: how to sort a list, how a list is
    sorted.
    """
    places = [j for _, mine, j, yours in pairs if not mine.role and not yours.role]
    return places != sorted(places) and not (may_turn and len(places) == 2)
