"""Whether capitalised words that stand together are the name of a person.

Pure; works on the marks of the words and on the cues beside them. Each rule needs two things that
speak for a name, or one that hardly anything else has. Knows nothing of other names in the text.
"""

from __future__ import annotations

import re

from .people_cues import is_announced, is_followed, is_labelled
from .people_rows import is_in_company, is_in_firm
from .people_tokens import LISTED, Is, Run, Word
from .people_words import MAIL_AFTER, NOT_A_PERSON_AFTER, PHRASES, PLACES, PLACES_BEFORE

_MAX_SURNAMES = 3  # words after the first: a second given name and two surnames
# Given names, initials, particles and two surnames: longer ones are titles of something.
_MAX_WORDS = 6


def extent(run: Run, at: int) -> int:
    """Where the name that begins at `at` would end; `at` itself when none can begin there."""
    if not _may_begin(run[at]):
        return at
    end, surnames = at + 1, 0
    while end < len(run) and end - at < _MAX_WORDS:
        marks = run[end].marks
        if marks & (Is.INITIAL | Is.PARTICLE | Is.NUMERAL):
            end += 1
            continue
        if surnames >= _MAX_SURNAMES or marks & Is.TITLE or _breaks(run[at], run[end], surnames):
            break
        surnames += 1
        end += 1
        if marks & Is.ORDINARY:
            break
    while end - 1 > at and run[end - 1].marks & Is.PARTICLE:
        end -= 1
    return end


def _may_begin(word: Word) -> bool:
    marks = word.marks
    if marks & (Is.PARTICLE | Is.NUMERAL):
        return False
    if marks & Is.INITIAL:
        return True
    return not marks & Is.ORDINARY or bool(marks & (Is.GIVEN | Is.SURNAME))


def _breaks(first: Word, word: Word, surnames: int) -> bool:
    """Whether a word cannot belong to the name before it."""
    marks = word.marks
    if marks & Is.ORDINARY and not (marks & Is.SURNAME and not surnames):
        return True
    # "Anna API": capitals after a word that is not in capitals are a name only when listed.
    return bool(
        marks & Is.CAPITALS and not first.marks & Is.CAPITALS and not marks & Is.SURNAME
    ) or (marks & (Is.CAPITALS | Is.SURNAME | Is.GIVEN) == Is.CAPITALS)


def is_person(text: str, run: Run, at: int, end: int, titled: bool) -> bool:
    first, last = run[at], run[end - 1]
    if last.marks & Is.ORDINARY and last.text.lower() in PLACES and not titled:
        return False
    if first.marks & Is.INITIAL:
        return _has_initials(run, at, end)
    if end - at == 1:
        return _is_lone_person(text, run, at, titled)
    if _is_full_name(run, at, end):
        return True
    known = any(word.marks & LISTED for word in run[at:end])
    if titled or is_announced(text, first.start, known=known):
        return True
    return MAIL_AFTER.match(text, last.end) is not None


def is_no_person(text: str, run: Run, at: int, end: int) -> bool:
    """Whether the whole name belongs to a firm, a place or a thing."""
    if text[run[at].start : run[end - 1].end].lower() in PHRASES:
        return True
    if at and run[at - 1].text.lower() in PLACES_BEFORE:
        return True
    if end - at > 1 and run[at].text.lower() in PLACES_BEFORE:
        return True  # "Santo Domingo"
    last = run[end - 1]
    is_unlisted = end - at > 1 and not last.marks & Is.SURNAME
    if is_unlisted and last.text.lower() in NOT_A_PERSON_AFTER:
        return True
    return is_named_after(text, run, end)


def is_named_after(text: str, run: Run, end: int) -> bool:
    """Whether what follows makes a firm, a street or a theorem of the name."""
    if end < len(run):
        return run[end].text.lower() in NOT_A_PERSON_AFTER
    last = run[end - 1]
    # "Enea S.A.": its first letter was read as an initial.
    at = last.start - 1 if last.marks & Is.INITIAL else last.end
    return _FIRM.match(text, at) is not None


_FIRM = re.compile(
    r",? ?(?:Inc|Ltd|LLC|Corp|GmbH|AG|KG|S\.A|B\.V|N\.V|S\.p|A\.S|A\.G|AB|&) ?|[-_ ](?:street"
    r"|road)\b"
)


def _has_initials(run: Run, at: int, end: int) -> bool:
    """ "J. R. Smith": initials need a surname that is no ordinary word."""
    good = Is.SURNAME | Is.SHAPED | Is.MAILED
    return end - at > 1 and any(
        word.marks & good and not word.marks & Is.ORDINARY for word in run[at + 1 : end]
    )


def _is_full_name(run: Run, at: int, end: int) -> bool:
    marks = run[at].marks
    rest = [word.marks for word in run[at + 1 : end]]
    surname = any(m & (Is.SURNAME | Is.SHAPED | Is.MAILED) and not m & Is.ORDINARY for m in rest)
    given = any(m & Is.GIVEN and not m & Is.AMBIGUOUS for m in rest)
    if marks & Is.GIVEN and not marks & Is.AMBIGUOUS:
        return not marks & Is.CAPITALS or surname or given
    if marks & Is.MAILED and not marks & Is.ORDINARY:
        return True
    if marks & Is.GIVEN and marks & (Is.ORDINARY | Is.CAPITALS):
        return any(m & Is.SURNAME and not m & Is.AMBIGUOUS for m in rest)
    if marks & Is.GIVEN:
        has_initial = any(m & Is.INITIAL for m in rest[:-1])
        return surname or given or has_initial
    if marks & Is.ORDINARY:
        return False
    if marks & (Is.SURNAME | Is.SHAPED) and given:
        return True
    if not _are_adjacent(run[at], run[at + 1]):
        return False  # "Principauté de Monaco"
    if len(rest) == 2 and rest[0] & Is.INITIAL and not marks & Is.CAPITALS:
        # "Aldona K. Brzeska": the initial in the middle is the cue.
        return len(run[at].text) > 2 and not rest[1] & (Is.ORDINARY | Is.CAPITALS)
    return _is_unlisted_name(run[at], run[at + 1], end - at)


def _are_adjacent(first: Word, second: Word) -> bool:
    return second.start - first.end == 1


def _is_unlisted_name(first: Word, second: Word, count: int) -> bool:
    """An unknown word and a surname: "Yulia-Mae Hargreaves"."""
    if count != 2 or first.marks & Is.CAPITALS or len(first.text) < 3:
        return False
    if second.marks & (Is.AMBIGUOUS | Is.ORDINARY):
        return False
    is_shaped = second.marks & Is.SHAPED and not second.text.endswith(_ADJECTIVES)
    return bool(is_shaped) or (bool(second.marks & Is.SURNAME) and not first.marks & Is.AMBIGUOUS)


# Slavic surnames that are adjectives too: "Ameryka Łacińska".
_ADJECTIVES = ("ski", "ska", "cki", "cka", "ská", "cká")


def _is_lone_person(text: str, run: Run, at: int, titled: bool) -> bool:
    word = run[at]
    marks = word.marks
    if titled:
        return not is_in_company(text, word)
    is_cut = at + 1 < len(run) or (at > 0 and not run[at - 1].marks & Is.ORDINARY)
    if marks & Is.GIVEN and not marks & (Is.AMBIGUOUS | Is.CAPITALS):
        return not marks & Is.SURNAME or not is_in_firm(text, word)
    if marks & Is.MAILED and not marks & Is.ORDINARY:
        return True
    if marks & Is.SHAPED and not word.text.isascii() and not is_cut:
        return not word.text.endswith(_ADJECTIVES)
    listed = marks & LISTED
    if is_cut and not listed:
        return False
    if listed and is_in_company(text, word):
        return False
    if is_announced(text, word.start, known=bool(listed)):
        # "name: Makefile": one unknown word after a label may be anything.
        return bool(listed) or not (marks & Is.CAPITALS or is_labelled(text, word.start))
    return is_followed(text, word, known=bool(listed))
