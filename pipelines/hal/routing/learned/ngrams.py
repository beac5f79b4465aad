"""Hashed n-grams: numbers of buckets for words, pairs of words near each other and parts of words.

Pure; the hash is CRC-32, the same in every process and on every machine (Python's own is not).
Each family is a bag of distinct things, so that a prediction is a sum of weights over a square
root: no counting, and a text that repeats itself says nothing new. The idea of hashing instead of
a dictionary: Weinberger et al. 2009.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from zlib import crc32

# 32,768 buckets each: with 16,384 the parts of words of 1,500 prompts collide visibly, with 65,536
# the file is twice as large for nothing measurable.
BUCKETS = 2**15
# How far apart the words of a pair may be: what stands together says more than one word does, and
# order within a phrase varies.
FURTHEST_PAIR = 3
# Bytes, not characters: a slice of bytes can be hashed without another conversion.
SHORTEST_PART, LONGEST_PART = 3, 5
# A longer word is a key, an address or encoded data: its parts say nothing, and there are many.
LONGEST_WORD = 24

_MASK = BUCKETS - 1
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Words in lower case, in order, as all families and the word pieces see them."""
    return _WORD.findall(text.lower())


def word_buckets(words: Iterable[str]) -> list[int]:
    """Buckets of the distinct words and pairs of neighbouring words."""
    encoded = [word.encode("utf-8", "replace") for word in words]
    pairs = {b"%b %b" % pair for pair in pairwise(encoded)}
    return [crc32(item) & _MASK for item in pairs.union(encoded)]


def pair_buckets(words: Iterable[str]) -> list[int]:
    """Buckets of the distinct pairs of words that are at most FURTHEST_PAIR apart, in order."""
    encoded = [word.encode("utf-8", "replace") for word in words]
    pairs = {
        b"%b %b" % pair
        for distance in range(1, FURTHEST_PAIR + 1)
        for pair in zip(encoded, encoded[distance:], strict=False)
    }
    return [crc32(pair) & _MASK for pair in pairs]


def part_buckets(words: Iterable[str]) -> list[int]:
    """Buckets of the parts, 3 to 5 bytes long, of the distinct words, with their edges marked."""
    found: list[int] = []
    for word in set(words):
        edged = b" %b " % word[:LONGEST_WORD].encode("utf-8", "replace")
        for size in range(SHORTEST_PART, LONGEST_PART + 1):
            found += [crc32(edged[at : at + size]) & _MASK for at in range(len(edged) - size + 1)]
    return found
