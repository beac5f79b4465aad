"""The prompts of a search in the versions that are in force now, without a restart.

As `live_prompts` for the classifier, without a share of the chats: whoever answers from sources is
changed by a person's approval, for everybody. Knows files; asks no model.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from string import Template
from typing import TypeVar

from .enrichment.asked import RewritePrompt
from .errors import ConfigError, HalError
from .live_prompts import GROUNDED, REWRITE, logger
from .prompt_pointer import SHIPPED
from .prompt_versions import VersionStore
from .prompts import Prompt, placeholders
from .types import Message, Turn
from .whole_file import Current

T = TypeVar("T")


class LiveResearch:
    """`grounded` and `no_evidence` as the researcher wants them, and the prompt of the rewriter.

    A version that cannot be used leaves the shipped prompt in force, and says so once. Raises
    ConfigError when a shipped one is missing or malformed.
    """

    def __init__(self, store: VersionStore, say: Callable[[str], None] | None = None) -> None:
        self._store = store
        self._say = say or (lambda words: logger.warning("%s", words))
        self.no_evidence = store.shipped("no_evidence")
        self._grounded = self._in_force(GROUNDED, lambda prompt: prompt)
        self._rewriting = self._in_force(REWRITE, RewritePrompt.from_prompt)

    @property
    def grounded(self) -> Prompt:
        return self._grounded()

    @property
    def prompt(self) -> Prompt:
        """The rewriter's, for the log."""
        return self._rewriting().prompt

    def messages(self, turn: Turn, today: date, reads_tokens: int) -> tuple[Message, ...]:
        """As `RewritePrompt.messages`."""
        return self._rewriting().messages(turn, today, reads_tokens)

    def _in_force(self, name: str, read: Callable[[Prompt], T]) -> Current[T]:
        shipped = read(self._store.shipped(name))

        def load() -> T:
            try:
                return self._loaded(name, read) or shipped
            except HalError as error:
                self._say(f"{error.sentence} The shipped prompt is used.")
                return shipped

        return Current(load, self._store.pointer_path(name))

    def _loaded(self, name: str, read: Callable[[Prompt], T]) -> T | None:
        """None where the pointer names the shipped one."""
        version = self._store.pointer(name).active
        if version == SHIPPED:
            return None
        prompt = self._store.load(name, version)
        wanted = placeholders(self._store.shipped(name).text)
        if placeholders(prompt.text) != wanted or not Template(prompt.text).is_valid():
            raise ConfigError(f"Version {version} of {name} has other placeholders.")
        return read(prompt)
