"""Texts that make a careless rule slow, and a deterministic measure of how much a rule worked."""

from __future__ import annotations

import base64
import random
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

CHARS = 20_000


def _filled(piece: str, chars: int) -> str:
    return (piece * (chars // len(piece) + 1))[:chars]


def hostile(chars: int = CHARS) -> dict[str, str]:
    """Name -> text of about `chars` characters; a digit and cue words switch every rule on."""
    rng = random.Random(7)
    texts = {
        "base64": base64.b64encode(rng.randbytes(chars * 3 // 4)).decode(),
        "digits": _filled("1", chars),
        "pairs of digits": _filled("12 ", chars),
        "mail": _filled("a@", chars),
        "cyrillic": _filled("я", chars),
        "brackets": _filled("(", chars),
        "spaces": _filled(" ", chars),
        "lines": _filled("\n", chars),
        "capitals": _filled("A", chars),
        "names": _filled("Anna ", chars),
        "initials": _filled("A. ", chars),
        "apostrophes": _filled("A'b", chars),
        "hyphens": _filled("AB-", chars),
        "particles": _filled("Anna van der ", chars),
        "turned names": _filled("Smith, Anna ", chars),
        "streets": _filled("12 A Street ", chars),
        "street words": _filled("Street ", chars),
        "units": _filled("Apt 5 ", chars),
        "boxes": _filled("PO Box 1 ", chars),
        "addresses": _filled("address ", chars),
        "births": _filled("born 1-1-1 ", chars),
        "birth words": _filled("geb. né ur. ", chars),
        "plates": _filled("plate ", chars),
        "records": _filled("mrn: ", chars),
        "introductions": _filled("i am ", chars),
        "labels": _filled("Name: ", chars),
        "corners": _filled("corner of A ", chars),
        "short lines": _filled("12\nA\n", chars),
    }
    return {name: f"mrn plate born address 1 {text}" for name, text in texts.items()}


def steps(find: Callable[[str], Iterable[Any]], text: str) -> int:
    """How many calls and lines of Python `find` runs over `text`."""
    count = 0

    def trace(_frame: FrameType, _event: str, _arg: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for _ in find(text):
            pass
    finally:
        sys.settrace(before)
    return count
