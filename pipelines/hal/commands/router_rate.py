"""A person compares two answers in the terminal, without knowing whose is whose.

Asks and listens; knows neither a log nor a model. The order of the two is drawn anew for each pair.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from random import random
from typing import TextIO

from ..lab.router.judging import CLOUD, LOCAL, TIE, Verdict, human_verdict
from ..lab.router.shadow_pairs import AnswerPair
from ..sessions.render import printable

_ASK = "Which one is better? 1, 2, t (tie), s (skip), q (quit): "
_RULE = "-" * 72
_SKIP, _QUIT = "s", "q"
_WORDS = frozenset({"1", "2", "t", _SKIP, _QUIT})
_EARLIER_CHARS = 300


def rate(
    pairs: Sequence[AnswerPair],
    listen: TextIO,
    show: TextIO,
    drawn: Callable[[], float] = random,
) -> Iterator[tuple[AnswerPair, Verdict]]:
    """Each pair with its verdict; ends with `q` or with the input. Skipped ones are left out."""
    for number, pair in enumerate(pairs, 1):
        is_local_first = drawn() < 0.5
        order = (LOCAL, CLOUD) if is_local_first else (CLOUD, LOCAL)
        first, second = (pair.local, pair.cloud) if is_local_first else (pair.cloud, pair.local)
        _show(pair, first, second, f"pair {number} of {len(pairs)}", show)
        word = _word(listen, show)
        if word == _QUIT:
            return
        if word != _SKIP:
            yield pair, human_verdict({"1": order[0], "2": order[1]}.get(word, TIE))


def _show(pair: AnswerPair, first: str, second: str, title: str, show: TextIO) -> None:
    lines = [_RULE, title, ""]
    for role, text in pair.earlier:
        lines += _part(f"earlier, {role}", textwrap.shorten(text, _EARLIER_CHARS))
    lines += [*_part("question", pair.question), *_part("answer 1", first)]
    lines += _part("answer 2", second)
    show.write("".join(f"{line}\n" for line in lines))


def _part(name: str, text: str) -> list[str]:
    return [f"{name}:", *textwrap.indent(printable(text), "  ").split("\n"), ""]


def _word(listen: TextIO, show: TextIO) -> str:
    while True:
        show.write(_ASK)
        show.flush()
        line = listen.readline()
        if not line:
            show.write("\n")
            return _QUIT
        word = line.strip().lower()[:1]
        if word in _WORDS:
            return word
