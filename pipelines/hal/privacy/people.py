"""Finds names of persons by what speaks for them: lists, titles, roles, greetings, forms, mail.

Pure; looks at each capitalised word once, and at a bounded piece of text around it. A name that no
list has is found only with a cue; a name that is also a word (Will, Rose, Paris) needs a second
one. It does not know who is famous, and it cannot tell a person from a firm that is named after one
when nothing around says so. A name alone never decides where a turn goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .found import Found, Priority
from .kinds import Kind
from .name_lists import NameLists
from .people_lower import introduced, lowercase
from .people_rows import continues, is_in_list, surname_first
from .people_rules import extent, is_named_after, is_no_person, is_person
from .people_tokens import Is, Run, Word, runs

Span = tuple[int, int]


def find(text: str, names: NameLists) -> Iterator[Found]:
    """Yields every name that is found, and each further mention of a part of it."""
    words = list(runs(text, names))
    spans = dict.fromkeys(surname_first(text, words))
    taken = {start for span in spans for start in range(*span)} if spans else set()
    listed = -1
    for run in words:
        for span in _in_run(text, run, listed):
            listed = span[1] if is_in_list(text, span[0], listed) else -1
            if span[0] not in taken:
                spans[span] = None
    spans.update(dict.fromkeys(introduced(text, names)))
    spans.update(dict.fromkeys(lowercase(text, names)))
    spans.update(dict.fromkeys(_mentions(text, words, spans)))
    for start, end in spans:
        yield Found(start, end, Kind.PERSON, Priority.NAME)


def _in_run(text: str, run: Run, listed: int) -> Iterator[Span]:
    """Names in one run; `listed` is the end of the name before it."""
    at = 0
    titled = False
    while at < len(run):
        word = run[at]
        if word.marks & Is.TITLE and not word.marks & Is.GIVEN:
            titled, at = True, at + 1
            continue
        end = extent(run, at)
        if end > at and is_no_person(text, run, at, end):
            at, titled = end, False
            continue
        if end > at and is_person(text, run, at, end, titled or continues(text, run[0], listed)):
            yield word.start, _end(text, run[end - 1])
            at = end
        else:
            at += 1
        titled = False


def _end(text: str, word: Word) -> int:
    """The end of a name, with the full stop of a suffix."""
    has_stop = (
        word.marks & Is.NUMERAL and len(word.text) == 2 and text[word.end : word.end + 1] == "."
    )
    return word.end + bool(has_stop)


def _mentions(text: str, words: Iterable[Run], spans: Iterable[Span]) -> Iterator[Span]:
    """Other places where a part of a name that was found stands alone."""
    covered = sorted(spans)
    known = {
        part
        for start, end in covered
        for part in _PARTS.findall(text, start, end)
        if part[0].isupper()
    }
    if not known:
        return
    at = 0
    for run in words:
        for place, word in enumerate(run):
            while at < len(covered) and covered[at][1] <= word.start:
                at += 1
            if at < len(covered) and covered[at][0] <= word.start:
                continue
            if word.text not in known or word.marks & (Is.ORDINARY | Is.PARTICLE):
                continue
            if not is_named_after(text, run, place + 1):
                yield word.start, word.end


_PARTS = re.compile(r"[^\W\d_][^\W\d_'’-]{2,30}")
