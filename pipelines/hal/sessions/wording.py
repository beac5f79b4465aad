"""Whether a message complains, wishes a search, refuses, or names the end of what a model knows.

Pure. Knows no turn. Precise rather than complete: a phrase that is missed costs a little learning,
one that is met by mistake teaches something wrong. Linear: what is searched has a size.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from .phrases import (
    ABOUT_THE_MODEL,
    ABOUT_WORDS,
    BARE,
    COMPLAINTS,
    CUTOFFS,
    FILLERS,
    REASONS,
    REFUSALS,
    REQUESTS,
    SEARCH_WISHES,
    WISH_ENDS,
)

# Who complains is brief; a long message that begins so is most often a text about something else.
_COMPLAINT_CHARS = 500
_LINE_CHARS = 200
# Where a model speaks of itself: at the beginning and at the end of what it says.
_HEAD_CHARS, _TAIL_CHARS = 1200, 800
# A refusal stands in the first sentence, and nothing much comes after it.
_REFUSAL_HEAD_CHARS, _REFUSAL_CHARS = 160, 600

_APOSTROPHES = str.maketrans(dict.fromkeys("'’ʼ`´‘"))
_HYPHEN = re.compile(r"(?<=\w)[-‐‑](?=\w)")
# Words that somebody else said, and code.
_QUOTED = re.compile(
    r'"[^"\n]{0,200}"|“[^”\n]{0,200}”|„[^“”\n]{0,200}[“”]|«[^»\n]{0,200}»|`[^`\n]{0,200}`'
)


def plain(text: str) -> str:
    """In lower case, without accents and apostrophes, and with single spaces."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    text = text.translate(_APOSTROPHES).casefold()
    return " ".join(_HYPHEN.sub(" ", text).split())


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase) for phrase in dict.fromkeys(map(plain, phrases)))


# French puts a space before some of them.
_STOP = r"(?=$| ?[.,!;:)]| [-–—(])"
_BEFORE = rf"(?:(?:{_any_of(FILLERS)})(?:[,.!;:…]{{1,3}} ?| )){{0,3}}"
_BEFORE_WISH = rf"{_BEFORE}(?:(?:{_any_of(REQUESTS)}),? ){{0,2}}"
_COMPLAINT = re.compile(
    rf"{_BEFORE}(?:(?:{_any_of(COMPLAINTS)})(?:{_STOP}|(?= (?:{_any_of(REASONS)})\b))"
    rf"|(?:{_any_of(BARE)}){_STOP})"
)
_WISH = re.compile(
    rf"{_BEFORE_WISH}(?:{_any_of(SEARCH_WISHES)})"
    rf"(?: (?:{_any_of(WISH_ENDS)})){{0,2}}(?=$|[.,!?;:])"
)
_PLAIN_CUTOFFS = tuple(dict.fromkeys(map(plain, CUTOFFS)))
_PLAIN_REFUSALS = tuple(dict.fromkeys(map(plain, REFUSALS)))


def is_complaint(question: str) -> bool:
    """Whether a message begins by saying that the answer before it is wrong."""
    return _COMPLAINT.match(_first_line(question)) is not None


def wishes_search(question: str) -> bool:
    """Whether a message says no more than that the last thing should be looked up."""
    return _WISH.match(_first_line(question)) is not None


def _first_line(question: str) -> str:
    """The beginning of a short message that speaks to the model; "" for any other."""
    text = question.strip()
    if not text or len(text) > _COMPLAINT_CHARS:
        return ""
    whole = plain(text)
    if any(word in whole for word in ABOUT_WORDS):
        return ""
    return plain(text.split("\n", 1)[0][:_LINE_CHARS])


def prose(answer: str) -> str:
    """The beginning and the end of what a model says in its own voice: no code, no quotations."""
    text = " ".join(answer.split("```")[::2])
    if len(text) > _HEAD_CHARS + _TAIL_CHARS:
        text = f"{text[:_HEAD_CHARS]}\n{text[-_TAIL_CHARS:]}"
    lines = [line for line in text.split("\n") if not line.lstrip().startswith(">")]
    return _QUOTED.sub(" ", "\n".join(lines))


def names_its_cutoff(said: str, question: str) -> bool:
    """Whether the model says that its knowledge ends, unasked. `said` is `prose` of its answer."""
    asked = plain(question)
    if any(word in asked for word in ABOUT_THE_MODEL):
        return False
    return _meets(_PLAIN_CUTOFFS, plain(said), asked)


def is_refusal(said: str, question: str) -> bool:
    """Whether the answer is a refusal and nothing else. `said` is `prose` of the answer."""
    text = plain(said)
    if len(text) > _REFUSAL_CHARS:
        return False
    return _meets(_PLAIN_REFUSALS, text[:_REFUSAL_HEAD_CHARS], plain(question))


def _meets(phrases: tuple[str, ...], text: str, asked: str) -> bool:
    """A phrase that the question holds as well was asked for."""
    return any(phrase in text and phrase not in asked for phrase in phrases)
