"""A stand-in for a spaCy pipeline: reads as one does, and knows no name."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


@dataclass
class Hit:
    start_char: int
    end_char: int
    label_: str


@dataclass
class Doc:
    ents: list[Hit]


class Language:
    """Takes all words in capitals for a person, or for a firm. Keeps what it read, and where."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.threads: set[threading.Thread] = set()

    def memory_zone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def pipe(self, texts: Iterable[str], batch_size: int) -> Iterator[Doc]:
        self.threads.add(threading.current_thread())
        for text in texts:
            self.read.append(text)
            yield Doc([self._hit(found) for found in _WORDS.finditer(text)])

    def _hit(self, found: re.Match[str]) -> Hit:
        return Hit(*found.span(), "ORG" if "Inc" in found.group() else "PERSON")


_WORDS = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)*")
