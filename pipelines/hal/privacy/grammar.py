"""A grammar described once, and the two regular expressions that follow from it.

Pure. `full` renders what matches a whole phrase. `pending` renders what matches a text after which
the next character still matters: a beginning of a phrase, or a whole one that may grow. A stream
holds back what is pending and nothing else, and since both come from one description they cannot
drift apart. Every repeat is bounded, so each phrase has a greatest length. Knows no token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol


class Node(Protocol):
    """A part of a grammar."""

    def full(self) -> str:
        """An expression for the whole of it."""

    def pending(self) -> str | None:
        """An expression for the texts, "" included, after which it looks at one more character.

        None: it never does.
        """

    def longest(self) -> int:
        """How many characters it takes at most."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Fixed text, in any case."""

    text: str

    def full(self) -> str:
        return "".join(_any_case(char) for char in self.text)

    def pending(self) -> str | None:
        before_last = [_any_case(char) for char in self.text[:-1]]
        return reduce(lambda inner, char: f"(?:{char}{inner})?", reversed(before_last), "")

    def longest(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character of a class, as a regular expression writes it."""

    pattern: str

    def full(self) -> str:
        return self.pattern

    def pending(self) -> str | None:
        return ""

    def longest(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class Ahead:
    """A condition on the next character."""

    pattern: str

    def full(self) -> str:
        return self.pattern

    def pending(self) -> str | None:
        return ""

    def longest(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Behind:
    """A condition on the characters before."""

    pattern: str

    def full(self) -> str:
        return self.pattern

    def pending(self) -> str | None:
        return None

    def longest(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Between `least` and `most` times, as often as it can."""

    node: Node
    least: int
    most: int

    def full(self) -> str:
        times = "?" if (self.least, self.most) == (0, 1) else f"{{{self.least},{self.most}}}"
        return f"(?:{self.node.full()}){times}"

    def pending(self) -> str | None:
        inner = self.node.pending()
        if inner is None:
            return None
        before = f"(?:{self.node.full()}){{0,{self.most - 1}}}" if self.most > 1 else ""
        return f"{before}(?:{inner})"

    def longest(self) -> int:
        return self.node.longest() * self.most


def maybe(node: Node) -> Repeat:
    return Repeat(node, 0, 1)


@dataclass(frozen=True, slots=True)
class Choice:
    """The first of these that fits."""

    nodes: Sequence[Node]

    def full(self) -> str:
        return "(?:" + "|".join(node.full() for node in self.nodes) + ")"

    def pending(self) -> str | None:
        parts = [part for node in self.nodes if (part := node.pending()) is not None]
        return "(?:" + "|".join(parts) + ")" if parts else None

    def longest(self) -> int:
        return max(node.longest() for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Chain:
    """One after the other."""

    nodes: Sequence[Node]

    def full(self) -> str:
        return "".join(node.full() for node in self.nodes)

    def pending(self) -> str | None:
        rest: str | None = None
        for node in reversed(self.nodes):
            here = node.pending()
            later = None if rest is None else node.full() + rest
            parts = [part for part in (later, here) if part is not None]
            rest = "(?:" + "|".join(parts) + ")" if parts else None
        return rest

    def longest(self) -> int:
        return sum(node.longest() for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Framed:
    """One thing between an opener and its closer: the first pair that fits.

    The same as a choice of chains, but `core` is written once for all pairs: the expression is a
    tenth as long, and compiling it is what a new chat waits for. `name` is for the groups within,
    and each may stand in a grammar once.
    """

    name: str
    frames: Sequence[tuple[Node, Node]]
    core: Node

    def full(self) -> str:
        closers = [closer.full() for _, closer in self.frames]
        return f"{self._openers()}{self.core.full()}{self._closer_of_opener(closers)}"

    def pending(self) -> str | None:
        """Within an opener, within `core`, or within the closer."""
        closers = [closer.pending() for _, closer in self.frames]
        after = self._closer_of_opener([_NEVER if one is None else one for one in closers])
        within = self.core.pending()
        rest = f"{self.core.full()}{after}"
        if within is not None:
            rest = f"(?:{rest}|{within})"
        openers = [part for opener, _ in self.frames if (part := opener.pending()) is not None]
        return "(?:" + "|".join([f"{self._openers()}{rest}", *openers]) + ")"

    def longest(self) -> int:
        pairs = max(opener.longest() + closer.longest() for opener, closer in self.frames)
        return self.core.longest() + pairs

    def _openers(self) -> str:
        named = (f"(?P<{self.name}{at}>{o.full()})" for at, (o, _) in enumerate(self.frames))
        return "(?:" + "|".join(named) + ")"

    def _closer_of_opener(self, closers: Sequence[str]) -> str:
        """The closer at the same place as the opener that has matched."""
        branches = enumerate(closers)
        nested = reduce(
            lambda others, branch: f"(?({self.name}{branch[0]})(?:{branch[1]})|{others})",
            branches,
            _NEVER,
        )
        return f"(?:{nested})"


_NEVER = "(?!)"


def _any_case(char: str) -> str:
    cases = {char.lower(), char.upper()}
    if len(cases) == 1 or any(len(case) > 1 for case in cases):
        return re.escape(char)
    return "[" + "".join(sorted(cases)) + "]"
