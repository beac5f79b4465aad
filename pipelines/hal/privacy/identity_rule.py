"""What a rule for an identity number consists of.

Pure. The rules are in `identity_europe` and `identity_world`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One number. `words`, in lower case, of which one must be near; empty when the format tells.

    A word that begins or ends with a space stands alone; others may be part of longer words.
    """

    name: str
    pattern: re.Pattern[str]
    check: Check
    words: tuple[str, ...] = ()


def rule(name: str, pattern: str, check: Check, *words: str) -> Rule:
    # No digit or letter may continue the number on either side; a comma does in no country's ids,
    # and separates the columns of a table.
    return Rule(name, re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w/]|[.-]\d)"), check, words)


def anything(_: str) -> bool:
    """The format and the word are all there is."""
    return True
