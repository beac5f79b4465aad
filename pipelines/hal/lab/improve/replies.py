"""What the classifier's model said, kept by what it was asked, so that nothing is asked twice.

One line per reply in a file that only grows: a run that was cut goes on where it was. Holds hashes
and the probabilities of single tokens, and no text of anybody. Counts what really went to the
model. Knows neither prompts nor routes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ...errors import HalError
from ...routing.classify import ClassifierModel
from ...types import Message


class BudgetSpent(HalError):
    """All calls that this run may make to the classifier's model are used up."""

    code = "calls_spent"


class Replies:
    """The file; None keeps them in memory alone. Lines that are none, as a kill leaves them, are
    left out."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Any] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._known = _read(path)
            self._append("")  # ends what a kill has left half-written

    def get(self, key: str) -> Any:
        """Raises KeyError."""
        return self._known[key]

    def put(self, key: str, reply: Any) -> None:
        self._known[key] = reply
        self._append(json.dumps([key, reply]))

    def _append(self, line: str) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def _read(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return known
    for line in text.splitlines():
        try:
            key, reply = json.loads(line)
        except (ValueError, TypeError):
            continue
        known[str(key)] = reply
    return known


class RememberingModel:
    """A ClassifierModel that asks `model` only what is not known yet. `limit`: calls in all.

    Replies are kept for one digest of the model. `generation` sets them apart: another one is asked
    anew, as a second run must be. `on_call` is told of each real call, for the progress.
    """

    def __init__(
        self, model: ClassifierModel, replies: Replies, on_call: Callable[[], None] | None = None
    ) -> None:
        self._model, self._replies = model, replies
        self._on_call = on_call or (lambda: None)
        self._digest: str | None = None
        self.generation = 0
        self.calls = 0
        self.limit: int | None = None

    @property
    def left(self) -> int:
        """How many calls may still be made."""
        return 10**9 if self.limit is None else max(0, self.limit - self.calls)

    async def first_token(
        self, model: str, messages: tuple[Message, ...], *, num_ctx: int
    ) -> Mapping[str, float] | None:
        key = await self._key("token", model, messages, num_ctx)
        try:
            known: Mapping[str, float] | None = self._replies.get(key)
        except KeyError:
            self._count()
            found = await self._model.first_token(model, messages, num_ctx=num_ctx)
            known = None if found is None else dict(found)
            self._replies.put(key, known)
        return known

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, object],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]:
        key = await self._key("object", model, messages, num_ctx)
        try:
            known: Mapping[str, object] = self._replies.get(key)
        except KeyError:
            self._count()
            known = dict(await self._model.structured(model, messages, schema, num_ctx=num_ctx))
            self._replies.put(key, known)
        return known

    async def digest(self, model: str) -> str:
        if self._digest is None:
            self._digest = await self._model.digest(model)
        return self._digest

    def _count(self) -> None:
        if self.left == 0:
            raise BudgetSpent(f"The {self.limit} calls of this step are used up.")
        self.calls += 1
        self._on_call()

    async def _key(self, kind: str, model: str, messages: tuple[Message, ...], num_ctx: int) -> str:
        said = [[message.role, message.text] for message in messages]
        asked = [kind, await self.digest(model), self.generation, num_ctx, said]
        return blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()
