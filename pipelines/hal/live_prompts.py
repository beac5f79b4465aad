"""The prompts that may change, in the versions that are in force now, without a restart.

Looks at the pointer before every turn, which costs a microsecond, and reads again only when it is
another file. A version that cannot be used leaves the shipped prompt in force, and says so once.
Knows files and chats; asks no model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .canary import gets_canary
from .errors import HalError
from .prompt_pointer import SHIPPED, Pointer
from .prompt_versions import VersionStore
from .routing.classify import Questions
from .routing.question import Question
from .whole_file import Current

logger = logging.getLogger("hal.prompts")

DIFFICULTY, SEARCH = "classify", "search_need"
# How a message becomes a query, and how an answer is written from sources.
REWRITE, GROUNDED = "rewrite", "grounded"


@dataclass(frozen=True, slots=True)
class InForce:
    """One prompt as its pointer says. `canary` is None where there is none, or it is broken."""

    pointer: Pointer
    active: Question
    canary: Question | None = None

    def for_chat(self, chat_id: str | None) -> Question:
        gets = gets_canary(chat_id, self.pointer.canary, self.pointer.share)
        return self.canary if gets and self.canary is not None else self.active


class LivePrompts:
    """One per services; used on the loop's thread. The shipped prompts are read when it is made.

    Raises ConfigError when one of those is missing or malformed.
    """

    def __init__(self, store: VersionStore, say: Callable[[str], None] | None = None) -> None:
        self.store = store
        self._say = say or (lambda words: logger.warning("%s", words))
        self._shipped = {
            name: Question.from_prompt(store.shipped(name)) for name in (DIFFICULTY, SEARCH)
        }
        self._in_force = {
            name: Current(partial(self._load, name), store.pointer_path(name))
            for name in self._shipped
        }

    def questions(self, chat_id: str | None) -> Questions:
        """What the classifier is to ask in this conversation."""
        difficulty, search = (self.in_force(name).for_chat(chat_id) for name in self._shipped)
        return Questions(difficulty, search)

    @property
    def canaries(self) -> tuple[InForce, ...]:
        """The prompts of which two versions are in use."""
        found = (self.in_force(name) for name in self._shipped)
        return tuple(one for one in found if one.canary is not None)

    def in_force(self, name: str) -> InForce:
        """As the pointer is now; never raises over what stands in the data folder."""
        return self._in_force[name]()

    def _load(self, name: str) -> InForce:
        try:
            pointer = self.store.pointer(name)
        except HalError as error:
            self._say(error.sentence)
            return InForce(Pointer(), self._shipped[name])
        active = self._question(name, pointer.active) or self._shipped[name]
        canary = self._question(name, pointer.canary) if pointer.canary else None
        return InForce(pointer, active, canary)

    def _question(self, name: str, version: str) -> Question | None:
        if version == SHIPPED:
            return self._shipped[name]
        shipped = self._shipped[name]
        try:
            found = Question.from_prompt(self.store.load(name, version))
        except HalError as error:
            self._say(f"{error.sentence} The shipped prompt is used.")
            return None
        if found.labels != shipped.labels:
            self._say(f"Version {version} of {name} has other labels. The shipped prompt is used.")
            return None
        return found
