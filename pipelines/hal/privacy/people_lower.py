"""Names in small letters: after "my name is", and in texts that have no capitals at all.

Pure. Only listed names count there, except after a phrase that is followed by nothing but a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .name_lists import PARTICLES, NameLists
from .people_tokens import mailed_parts
from .people_words import GREETINGS, ROLES, TITLES

# Only a name follows.
_NAME_FOLLOWS = (
    "my name is|my name's|my full name is|his name is|her name is"
    "|ich heiße|ich heisse|mein name ist|je m'appelle|je m’appelle|mon nom est|me llamo"
    "|mi nombre es|mi chiamo|il mio nome è|ik heet|mijn naam is|nazywam się|mam na imię"
    "|meu nome é|me chamo|chamo-me|jag heter|mitt namn är|what's your name\\?"
)
# A name may follow.
_NAME_MAY_FOLLOW = (
    "i'm|i’m|i am|it's|it’s|its|this is|ich bin|je suis|soy|sono|ik ben|jestem|jag är"
)
_INTRODUCTION = re.compile(
    rf"\b(?:(?P<sure>{_NAME_FOLLOWS})|(?:{_NAME_MAY_FOLLOW})),?:? {{1,2}}", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W\d_]{1,30}(?:['’-][^\W\d_]{1,30})?")
_STEP = re.compile(r"\.? ")
_END = re.compile(r"[,.;:!?)\n]|\s*\Z| (?:and|und|et|y|e|en|i|och|but|from|born|, )\b")

Span = tuple[int, int]


def introduced(text: str, names: NameLists) -> Iterator[Span]:
    """Names in small letters after the words that introduce one."""
    mailed: frozenset[str] | None = None
    for found in _INTRODUCTION.finditer(text):
        if not text[found.end() : found.end() + 1].islower():
            continue
        if mailed is None:
            mailed = frozenset(mailed_parts(text, names))
        end = _name_end(text, found.end(), names, mailed, sure=found["sure"] is not None)
        if end:
            yield found.end(), end


def _name_end(
    text: str, start: int, names: NameLists, mailed: frozenset[str], *, sure: bool
) -> int:
    """Where a name that begins at `start` ends; 0 when it is none."""
    words: list[re.Match[str]] = []
    at = start
    # Three words: given names, particle, surname.
    while len(words) < 3 and (found := _WORDS.match(text, at)):
        word = found.group()
        if names.is_ordinary(word) and not (words and names.is_surname(word)):
            break
        words.append(found)
        step = _STEP.match(text, found.end())
        if not step:
            break
        at = step.end()
    if not words or not _END.match(text, words[-1].end()):
        return 0
    known = any(word.group() in mailed for word in words)
    first = words[0].group()
    if names.is_given(first):
        known = known or sure or len(words) > 1 or not names.is_ambiguous(first)
    return words[-1].end() if sure or known else 0


def lowercase(text: str, names: NameLists) -> Iterator[Span]:
    """Names in a text without any capital letter: a given name and a surname, or a cue before."""
    if not text.islower():
        return
    before: re.Match[str] | None = None
    cue = ""
    for found in _WORDS.finditer(text):
        word = found.group()
        is_beside = before is not None and text[before.end() : found.start()] == " "
        if before is not None and is_beside and _is_clear_surname(word, names):
            yield before.start(), found.end()
        before = None
        if len(word) > 2 and names.is_given(word) and not names.is_ambiguous(word):
            before = found
            if cue in GREETINGS or cue in ROLES or cue in TITLES:
                yield found.start(), found.end()
        cue = word if word not in PARTICLES else cue


def _is_clear_surname(word: str, names: NameLists) -> bool:
    return len(word) > 2 and names.is_surname(word) and not names.is_ordinary(word)
