"""Whether the words around a place say that a person is named there.

Pure; looks at most 48 characters back and a few words ahead. Knows words, not grammar.
"""

from __future__ import annotations

import re

from .people_tokens import Is, Word
from .people_words import (
    BEFORE,
    BEFORE_TWO,
    DOES,
    GREETINGS,
    LABELS,
    MAIL_AFTER,
    NAME_LABELS,
    ONLY_PEOPLE_DO,
    PLURALS,
    ROLES,
    SIGN_OFFS,
    SPEECH,
    TITLES,
    VOCATIVE,
)

ANNOUNCING = GREETINGS | ROLES | TITLES | SPEECH
# "the driver was"
_IS = frozenset(["is", "was", "ist", "war", "est", "était", "es", "era", "è", "jest", "był", "var"])

# A label of two words and what stands around it, or the line above a signature.
_BACK_CHARS = 48
_AROUND = " \t\u00a0\"'“”„«»‹›()[]*_>|-–—"
_EDGES = ".,;!?()[]\"'“”„*_<>|"

# Labels of two words, by their first: "Full name:", "Contact person:", "Nazwisko i imię:".
_LABEL_WORDS = (
    "full my your legal complete first last maiden patient patient's customer customer's client"
    " client's employee tenant contact account billing card cardholder user by i und y et e and"
    " członek posiadacz the nom vollständiger nombre pełne"
)
_LABEL_BEFORE = frozenset(_LABEL_WORDS.split())


def is_announced(text: str, start: int, *, known: bool) -> bool:
    """Whether what stands before `start` is followed by a person; `known`: some list has a word."""
    back = text[max(0, start - _BACK_CHARS) : start]
    near = back.rstrip(_AROUND)
    if near.endswith(("\n", "\r")):
        return _is_signature(near)
    if near.endswith((":", "=")):
        return (known or near[-1] == ":") and _is_label(near, known)
    if near.endswith(","):
        return _last_word(near) in SIGN_OFFS
    if near.endswith("name?"):
        return True
    if near.endswith((".", "!", "?", ";")) and not _is_title(near):
        return False
    words = [word.strip(_EDGES) for word in near.lower().rsplit(None, 2)[-2:]]
    if not words:
        return False
    last = words[-1]
    if last in ANNOUNCING or (known and last in BEFORE):
        return True
    if len(words) < 2:
        return False
    return (words[0], last) in BEFORE_TWO or (last in _IS and words[0] in ROLES)


def is_labelled(text: str, start: int) -> bool:
    """Whether a colon stands before the word."""
    return text[max(0, start - 8) : start].rstrip(_AROUND).endswith((":", "="))


def _is_title(near: str) -> bool:
    return near.endswith(".") and _last_word(near) in TITLES


def _last_word(near: str) -> str:
    words = near.rsplit(None, 1)
    return words[-1].lower().strip(_EDGES) if words else ""


def _is_signature(near: str) -> bool:
    line = near.rstrip().rsplit("\n", 1)[-1]
    words = line.lower().rstrip(" ,!.").rsplit(None, 1)
    # A sign-off is a line of its own, of a few words.
    return bool(words) and words[-1] in SIGN_OFFS and len(line) < 40 and not line.endswith(".")


def _is_label(near: str, known: bool) -> bool:
    line = near.rsplit("\n", 1)[-1].lower().rstrip(" :=\t*_").lstrip(" \t>*-|#\"'")
    words = line.split()
    if not words or (words[-1] not in LABELS and words[-1] not in PLURALS):
        return False
    if not known and words[-1] not in NAME_LABELS:
        return False
    if words[-1] in PLURALS:
        return True
    if len(words) == 1 or words[-2] in _LABEL_BEFORE or words[-2] in LABELS:
        return True
    return words[-2].endswith(("?", ".", "!"))  # a dialogue on one line


def is_followed(text: str, word: Word, *, known: bool) -> bool:
    """Whether what stands after a lone word makes it a person; `known`: some list has it."""
    if MAIL_AFTER.match(text, word.end):
        return known
    if known and DOES.match(text, word.end):
        return True
    if known and _are_two(text, word):
        return not word.marks & Is.AMBIGUOUS
    if word.marks & (Is.ORDINARY | Is.CAPITALS):
        return False
    if ONLY_PEOPLE_DO.match(text, word.end):
        return True
    vocative = VOCATIVE if known else _REQUEST
    return starts_sentence(text, word.start) and vocative.match(text, word.end) is not None


def _are_two(text: str, word: Word) -> bool:
    """ "Hermann and Lowe were ...": two surnames that do something together."""
    if _PLURAL.match(text, word.end):
        return True
    return text[max(0, word.start - 5) : word.start] == " and " and bool(
        _VERB.match(text, word.end)
    )


_VERB = re.compile(r" (?:were|are|have|had) [a-z]")
_PLURAL = re.compile(r" and [^\W\d_a-z][^\W\d_]{2,20} (?:were|are|have|had) [a-z]")
_REQUEST = re.compile(r", (?:can|could|would) (?:you|I|we)\b")


def starts_sentence(text: str, start: int) -> bool:
    """Whether a sentence, a line or the text begins at `start`."""
    before = text[max(0, start - 3) : start].rstrip(" \"'“„«(>*-")
    return not before or before[-1] in ".!?\n:"
