"""Whether somebody asks the same thing again in nearly the same words.

Pure. Two questions that differ in one name or number are alike in letters and not the same: such
a difference counts for more than any similarity. Linear in texts that the caller has cut.
"""

from __future__ import annotations

import re
from collections.abc import Set

from .wording import plain

# The strength of a re-ask, in the project's facts, holds above it.
SIMILAR = 0.8
_GRAM = 3
# "Go on", "tell me more": a short message is repeated because it is useful.
_MIN_WORDS, _MIN_CHARS = 4, 16
# A wish for one more of the same is no complaint about the last one.
_MORE = frozenset(
    (
        *("another", "next", "more", "continue", "further", "weiter", "weitere", "noch", "mehr"),
        *("encore", "autre", "otra", "otro", "ancora", "altro", "outra", "outro", "nog"),
    )
)
_MORE_WITHIN_WORDS = 4
# Words that come and go without changing what is asked.
_FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "the", "is", "are", "was", "were", "please", "of", "to", "in", "for", "on"),
        *("do", "does", "can", "could", "you", "me", "my", "it", "this", "that", "what", "whats"),
        *("how", "so", "just", "exactly", "really", "again", "now", "der", "die", "das", "den"),
        *("ein", "eine", "einen", "ist", "bitte", "mir", "mal", "was", "wie", "denn", "doch"),
        *("genau", "nochmal", "le", "la", "les", "un", "une", "el", "los", "il", "lo", "o", "os"),
    )
)
# In shorter words one letter makes another word: Iran and Iraq.
_TYPO_CHARS = 5
# With more of them it is no near-duplicate any more; each is compared with each.
_MAX_SLIPS = 8
_WORD = re.compile(r"\w+")
# Numbers, and what stands between them in a formula.
_FIGURE = re.compile(r"\d+|[^\w\s.,;:!?…\"()\[\]–—-]")


def is_same_question(text: str, other: str) -> bool:
    """Near-duplicates, verbatim ones among them; never for a few words or for another figure."""
    text, other = plain(text), plain(other)
    words, others = _WORD.findall(text), _WORD.findall(other)
    if not (_is_long_enough(text, words) and _is_long_enough(other, others)):
        return False
    if _MORE.intersection(words[:_MORE_WITHIN_WORDS]):
        return False
    if sorted(_FIGURE.findall(text)) != sorted(_FIGURE.findall(other)):
        return False
    new, old = set(words), set(others)
    slips = _slips(new - old, old - new)
    if slips is None:
        return False
    return max(_overlap(new, old, slips), _overlap(_grams(text), _grams(other))) > SIMILAR


def _is_long_enough(text: str, words: list[str]) -> bool:
    return len(words) >= _MIN_WORDS or len(text) >= _MIN_CHARS


def _overlap(one: Set[str], other: Set[str], slips: int = 0) -> float:
    """Jaccard's index; what is only mistyped counts as shared."""
    shared, either = len(one & other) + slips, len(one | other) - slips
    return shared / either if either else 1.0


def _grams(text: str) -> set[str]:
    return {text[at : at + _GRAM] for at in range(max(1, len(text) - _GRAM + 1))}


def _slips(new: Set[str], old: Set[str]) -> int | None:
    """How many words are only typed differently; None where one that has a meaning took the place
    of another one."""
    new, old = new - _FUNCTION_WORDS, old - _FUNCTION_WORDS
    if not (new and old):
        return 0
    if max(len(new), len(old)) > _MAX_SLIPS:
        return None
    is_all = all(any(_is_slip(word, other) for other in old) for word in new)
    return len(new) if is_all and len(new) == len(old) else None


def _is_slip(word: str, other: str) -> bool:
    """One letter too many, too few, another one, or two neighbours exchanged."""
    if min(len(word), len(other)) < _TYPO_CHARS or abs(len(word) - len(other)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), None)
    if at is None:
        return True
    rest, others = word[at:], other[at:]
    return (
        rest[1:] == others[1:]
        or rest[1:] == others
        or rest == others[1:]
        or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
    )
