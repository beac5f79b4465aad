"""Cuts a page into passages that can be ranked and quoted, and tells whether two texts are one.

Pure. Knows words, sentences and paragraphs of any script by their marks alone; no language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# A paragraph or two: enough to understand a claim, small enough that five pages fit (sheet 6.4).
PASSAGE_WORDS = 120
# 120 long words. What is longer is no prose, and one "word" may be of any length.
PASSAGE_CHARS = 1200
# A passage ends with its paragraph once it is this full; a heading stays with what follows it.
FULL_WORDS = 72
# Of a longer page the rest is not ranked: thirteen times the mean page (4.5k characters), and what
# can be cut and counted in some tens of milliseconds.
PAGE_CHARS = 60_000
# Syndicated news differ in a headline and a date; different texts on one thing share under .3.
SAME_TEXT = 0.8
SHINGLE_WORDS = 5

# Scripts without spaces: Han, kana, Hangul (spaced, but inflected within the word), Thai to Khmer.
_DENSE = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff"
    "\U00020000-\U0002ffff"
)
# A character of those counts as a word: about 1.3 of them make one, and each is about a token.
_WORD = re.compile(rf"[{_DENSE}]|[^\W_{_DENSE}]{{1,64}}")
_RUN = re.compile(rf"[{_DENSE}]{{1,1000}}|[^\W_{_DENSE}]{{1,64}}")
_IS_DENSE = re.compile(rf"[{_DENSE}]")
# Where a text may be cut: behind a paragraph, or behind a sentence with its quotes and brackets.
_BORDER = re.compile("\n{1,100}|[.!?…][\"'”’»)\\]]{0,3}[ \t]{1,100}|[。！？｡][」』”）]{0,3}")


def terms(text: str) -> list[str]:
    """The words to compare texts by: in one case, dense scripts as pairs of characters."""
    found: list[str] = []
    for match in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        run = match.group()
        if len(run) > 1 and _IS_DENSE.match(run):
            found += (run[at : at + 2] for at in range(len(run) - 1))
        else:
            found.append(run)
    return found


def passages(text: str) -> tuple[str, ...]:
    """Consecutive passages of at most PASSAGE_WORDS words, each of whole sentences if it can be."""
    done: list[str] = []
    parts: list[str] = []
    words = chars = 0
    for piece in _pieces(text[:PAGE_CHARS]):
        count = word_count(piece)
        is_full = words >= FULL_WORDS and parts[-1].endswith("\n")
        if parts and (
            is_full or words + count > PASSAGE_WORDS or chars + len(piece) > PASSAGE_CHARS
        ):
            done.append("".join(parts))
            parts, words, chars = [], 0, 0
        parts.append(piece)
        words, chars = words + count, chars + len(piece)
    done.append("".join(parts))
    return tuple(stripped for passage in done if (stripped := passage.strip()))


def word_count(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of five words; of a shorter text, the text."""
    words = terms(text[:PAGE_CHARS])
    last = max(1, len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[at : at + SHINGLE_WORDS]) for at in range(last))


def is_same_text(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    """Whether two texts share most of their runs of words (Jaccard)."""
    if not one or not other:
        return False
    shared = len(one & other)
    return shared > SAME_TEXT * (len(one) + len(other) - shared)


def _pieces(text: str) -> Iterator[str]:
    """Sentences with what follows them; together they are the text."""
    start = 0
    for border in _BORDER.finditer(text):
        yield from _short(text[start : border.end()])
        start = border.end()
    if start < len(text):
        yield from _short(text[start:])


def _short(piece: str) -> Iterator[str]:
    """A piece that fits, or pieces of it: a table or a text without a full stop has no borders."""
    start = last = words = 0
    for word in _WORD.finditer(piece):
        words += 1
        if last > start and (words > PASSAGE_WORDS or word.end() - start > PASSAGE_CHARS):
            yield from _sliced(piece[start:last])
            start, words = last, 1
        last = word.end()
    yield from _sliced(piece[start:])


def _sliced(piece: str) -> Iterator[str]:
    return (piece[at : at + PASSAGE_CHARS] for at in range(0, len(piece), PASSAGE_CHARS))
