"""Word pieces of a text: positions in a vocabulary, by greedy longest match.

Pure. A static sentence embedding is the sum of its pieces' vectors, so a linear head over it is one
number per piece, and no vector is needed to predict. The vocabulary travels with the weights. The
matching is WordPiece's (Wu et al. 2016), as BERT's vocabulary wants it; accents stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# How BERT's vocabulary marks a piece that continues a word.
CONTINUES = "##"
# The longest English piece; a longer match is not tried, which keeps the cost of a word linear.
LONGEST_PIECE = 20
# As in BERT: a longer word is data.
LONGEST_WORD = 100


def piece_positions(words: Iterable[str], vocabulary: Mapping[str, int]) -> list[int]:
    """Positions of the pieces of the distinct words; what no piece covers is left out."""
    found: list[int] = []
    for word in set(words):
        whole = vocabulary.get(word)
        if whole is not None:
            found.append(whole)
        elif len(word) <= LONGEST_WORD:
            found += _split(word, vocabulary)
    return found


def _split(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    found: list[int] = []
    at = 0
    while at < len(word):
        end, position = _longest(word, at, vocabulary)
        if position is not None:
            found.append(position)
        at = end
    return found


def _longest(word: str, at: int, vocabulary: Mapping[str, int]) -> tuple[int, int | None]:
    mark = CONTINUES if at else ""
    for end in range(min(len(word), at + LONGEST_PIECE), at, -1):
        position = vocabulary.get(mark + word[at:end])
        if position is not None:
            return end, position
    return at + 1, None
