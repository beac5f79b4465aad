"""Keys for the tests, put together at run time, so that no scanner of repositories finds one."""

from __future__ import annotations

import random
import string

from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
ALNUM = string.ascii_letters + string.digits
URL64 = ALNUM + "-_"


def some(size: int, alphabet: str = ALNUM, seed: int = 7) -> str:
    """The same characters on every run; begins and ends with a letter or digit of the alphabet."""
    chosen = random.Random(f"{seed}-{size}-{alphabet}")
    plain = [char for char in alphabet if char.isalnum()]
    inner = "".join(chosen.choices(alphabet, k=max(0, size - 2)))
    return chosen.choice(plain) + inner + chosen.choice(plain)


def uuid() -> str:
    plain = some(32, HEX)
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def found(text: str, kind: Kind = Kind.SECRET) -> list[str]:
    return [text[span.start : span.end] for span in Detector().find(text) if span.kind is kind]
