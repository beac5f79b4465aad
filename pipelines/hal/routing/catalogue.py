"""What the local server has installed and loaded, remembered, so that a turn need not ask.

Answers from memory at once and asks again in the background when the answer has aged. Knows no
rules: the plan decides what to make of the offers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Protocol

from ..errors import ProviderError
from ..model_names import full_name
from ..settings import Settings
from ..types import Target
from .plan import Offers

# Installing a model is rare; a person who has just pulled one waits no longer than this.
INSTALLED_AGE_S = 30.0
# Models unload after minutes without use, and load within a turn.
LOADED_AGE_S = 5.0
# Asking a local server takes milliseconds; one that does not answer must not hold up a turn.
ASK_LIMIT_S = 2.0


class ModelInfo(Protocol):
    """What the server tells about one model."""

    @property
    def can_see(self) -> bool: ...

    @property
    def can_think(self) -> bool: ...


class ModelServer(Protocol):
    """What the catalogue asks."""

    async def show(self, model: str) -> ModelInfo: ...

    async def loaded(self) -> frozenset[str]: ...


class Catalogue:
    """One per settings. `clouds` is empty when the cloud is off or has no key."""

    def __init__(
        self,
        server: ModelServer,
        settings: Settings,
        clouds: tuple[Target, ...],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._server, self._settings, self._clouds, self._clock = server, settings, clouds, clock
        self._known: dict[str, ModelInfo | None] = {}
        self._loaded: frozenset[str] = frozenset()
        self._installed_at = self._loaded_at = float("-inf")
        self._answers = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._first: asyncio.Task[None] | None = None

    async def offers(self) -> Offers:
        """The targets that exist now, as far as known."""
        if self._first is None:
            self._first = self._later(self._ask_installed())
        if not self._first.done():
            # Whoever comes while the first answer is on its way waits for it, too: a guess would
            # send an image to a model that cannot see.
            await asyncio.wait({self._first})
        elif self._clock() - self._installed_at > INSTALLED_AGE_S:
            self._later(self._ask_installed())
        local = self._settings.local
        return Offers(
            main=(self._target(local.model),),
            simple=self._target(local.simple_model),
            vision=self._vision(),
            clouds=self._clouds,
        )

    def are_loaded(self, *models: str) -> bool:
        """Whether all of them are in memory, as last heard; asks again when that is old."""
        if self._clock() - self._loaded_at > LOADED_AGE_S:
            self._later(self._ask_loaded())
        return all(full_name(model) in self._loaded for model in models)

    def close(self) -> None:
        """Ask nothing any more: the client behind the server is about to be closed."""
        for task in self._tasks:
            task.cancel()

    def _target(self, model: str) -> Target:
        info = self._known.get(model)
        return Target(
            provider="ollama",
            model=model,
            leaves_machine=False,
            context_tokens=self._settings.window_tokens(model),
            can_see=info.can_see if info else False,
            can_think=info.can_think if info else False,
            host=self._settings.local.base_url,
        )

    def _vision(self) -> Target | None:
        local = self._settings.local
        if not self._answers:
            # Nobody knows what is installed: let the call itself say that the server is down.
            return self._target(local.vision_model or local.model)
        for model in (local.model, local.vision_model, local.simple_model):
            if model and (info := self._known.get(model)) and info.can_see:
                return self._target(model)
        return None

    async def _ask_installed(self) -> None:
        self._installed_at = self._clock()
        answers = False
        for model in self._settings.local.models:
            try:
                async with asyncio.timeout(ASK_LIMIT_S):
                    self._known[model] = await self._server.show(model)
                answers = True
            except ProviderError as error:
                self._known[model] = None
                answers = answers or error.status is not None
            except TimeoutError:
                self._known[model] = None
        self._answers = answers

    async def _ask_loaded(self) -> None:
        self._loaded_at = self._clock()
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                names = await self._server.loaded()
        except (ProviderError, TimeoutError):
            names = frozenset()
        self._loaded = frozenset(full_name(name) for name in names)

    def _later(self, question: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(question)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
