"""What is in force of a prompt, what was before, and who has something else: one small value.

Pure. Knows neither prompts nor files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

# The version that came with the program.
SHIPPED = "shipped"
VERSION_DIGITS = 12
_VERSION = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Former:
    """A version that was in force. `sha` keeps the bytes of a shipped one findable."""

    version: str
    sha: str
    until: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is in force. `canary` gets `share` (0..1) of the conversations; "" for none."""

    active: str = SHIPPED
    since: float = 0.0
    canary: str = ""
    share: float = 0.0
    canary_since: float = 0.0
    history: tuple[Former, ...] = ()
    note: str = ""

    @property
    def in_use(self) -> tuple[str, ...]:
        """What is in force for everybody, and what it has come from."""
        return (self.active, *(former.version for former in self.history))


def is_version(text: str) -> bool:
    """Whether it has the form of a version's name."""
    return _VERSION.fullmatch(text) is not None


def without_canary(old: Pointer, why: str) -> Pointer:
    """With the version in force for everybody."""
    return replace(old, canary="", share=0.0, canary_since=0.0, note=why)


def parsed(value: Mapping[str, Any]) -> Pointer:
    """From its JSON. Raises KeyError, TypeError or ValueError for what is no pointer."""
    history = tuple(Former(**former) for former in value["history"])
    pointer = Pointer(**{**value, "history": history})
    share = float(pointer.share)
    for version in filter(None, (pointer.active, pointer.canary)):
        if version != SHIPPED and not is_version(version):
            raise ValueError("no version")
    return replace(pointer, share=min(max(share, 0.0), 1.0))
