"""What one local host has told of its models, and when; it is asked again in the background.

Answers from memory. Knows no other host and no offer: the catalogue puts those together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Protocol

from ..errors import ModelMissing, ProviderError
from ..model_names import full_name, runs_in_cloud
from ..settings import LocalHost

# Installing a model is rare; a person who has just pulled one waits no longer than this.
INSTALLED_AGE_S = 30.0
# Models unload after minutes without use, and load within a turn.
LOADED_AGE_S = 5.0
# A model that was not there is being loaded for the turn before this one, most likely.
COLD_AGE_S = 1.0
# Asking a local server takes milliseconds; one that does not answer must not hold up a turn.
ASK_LIMIT_S = 2.0


class ModelInfo(Protocol):
    """What a server tells about one model. `digest`: of its weights, "" where that is not told;
    `context_tokens` None: neither is that."""

    @property
    def digest(self) -> str: ...

    @property
    def can_answer(self) -> bool: ...

    @property
    def can_see(self) -> bool: ...

    @property
    def can_think(self) -> bool: ...

    @property
    def context_tokens(self) -> int | None: ...


class ModelServer(Protocol):
    """What a host is asked. Each method raises ProviderErrors alone."""

    async def installed(self) -> Mapping[str, int]:
        """The models on that machine, by name, and their bytes; 0 where that is not told."""

    async def show(self, model: str) -> ModelInfo: ...

    async def loaded(self) -> frozenset[str]: ...


class KnownHost:
    """One host. `wanted`: models that are asked about, the local model first.

    `has_answered`: it did at least once, and what it said then is remembered while it is down.
    `name`: what the local model is called here, None when it is not here; then `substitute` is the
    chat model that could stand in for it.
    """

    def __init__(
        self,
        host: LocalHost,
        server: ModelServer,
        wanted: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        self.host = host
        self.is_down = self.has_answered = False
        self.name: str | None = None
        self.substitute: str | None = None
        self._server, self._wanted, self._clock = server, wanted, clock
        self._installed: frozenset[str] = frozenset()
        self._known: Mapping[str, ModelInfo] = {}
        self._loaded: frozenset[str] = frozenset()
        self._installed_at = self._loaded_at = float("-inf")
        self._first: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_unknown(self) -> bool:
        """The first question has not been answered yet, in one way or another."""
        return self._first is None or not self._first.done()

    def begin(self) -> asyncio.Task[None]:
        """The first question; whoever comes while it is on its way may wait for it, too."""
        if self._first is None:
            self._first = self._later(self._ask())
        return self._first

    def refresh(self) -> None:
        """Ask again in the background what is too old."""
        if self.is_unknown:
            self.begin()
        elif self._clock() - self._installed_at > INSTALLED_AGE_S:
            self._later(self._ask())
        elif self._clock() - self._loaded_at > self._loaded_age_s:
            self._later(self._ask_loaded())

    @property
    def _loaded_age_s(self) -> float:
        return LOADED_AGE_S if self.name and self.is_loaded(self.name) else COLD_AGE_S

    def has(self, model: str) -> bool:
        return full_name(model) in self._installed

    def info(self, model: str) -> ModelInfo | None:
        return self._known.get(full_name(model))

    def is_loaded(self, model: str) -> bool:
        return full_name(model) in self._loaded

    def close(self) -> None:
        """Ask nothing any more: the client behind the server is about to be closed."""
        for task in self._tasks:
            task.cancel()

    async def _ask(self) -> None:
        self._installed_at = self._loaded_at = self._clock()
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                sizes = await self._server.installed()
                name = name_there(self.host, self._wanted[0], sizes)
                known = await self._known_of([name or "", *self._wanted[1:]], sizes)
                substitute = None if name else await self._stand_in(sizes, known)
                loaded = await self._server.loaded()
        except (ProviderError, TimeoutError):
            self._failed()
            return
        self.has_answered, self.is_down = True, False
        self.name, self.substitute, self._known = name, substitute, known
        self._installed, self._loaded = _full(sizes), _full(loaded)

    async def _ask_loaded(self) -> None:
        self._loaded_at = self._clock()
        was_down = self.is_down
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                self._loaded = _full(await self._server.loaded())
        except (ProviderError, TimeoutError):
            self._failed()
            return
        self.is_down = False
        if was_down:  # it may have come back with other models
            await self._ask()

    def _failed(self) -> None:
        self.is_down, self._loaded = True, frozenset()

    async def _known_of(
        self, names: Iterable[str], sizes: Mapping[str, int]
    ) -> dict[str, ModelInfo]:
        installed = _full(sizes)
        here = [name for name in names if full_name(name) in installed]
        shown = {full_name(name): await self._shown(name) for name in here}
        return {name: info for name, info in shown.items() if info is not None}

    async def _stand_in(self, sizes: Mapping[str, int], known: dict[str, ModelInfo]) -> str | None:
        """The first that can hold a conversation: of the settings, then the largest."""
        if self.host.dialect == "openai":
            return None  # such a server does not tell what its models are for
        for name in dict.fromkeys((*self._wanted[1:], *sorted(sizes, key=lambda n: -sizes[n]))):
            if runs_in_cloud(name) or full_name(name) not in _full(sizes):
                continue
            info = known.get(full_name(name)) or await self._shown(name)
            if info is not None and info.can_answer:
                known[full_name(name)] = info
                return name
        return None

    async def _shown(self, name: str) -> ModelInfo | None:
        try:
            return await self._server.show(name)
        except ModelMissing:  # removed since it was listed
            return None

    def _later(self, question: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(question)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def name_there(host: LocalHost, model: str, names: Collection[str]) -> str | None:
    """What the local model is called on this host; None when the host does not have it."""
    wanted = host.model or model
    if host.dialect != "openai":
        return wanted if full_name(wanted) in _full(names) else None
    if wanted in names:
        return wanted
    alike = [name for name in names if full_name(name) == full_name(wanted)]
    # Most such servers have been started for one model, under a name of its own.
    return next(iter(alike or (names if len(names) == 1 else ())), None)


def _full(names: Iterable[str]) -> frozenset[str]:
    return frozenset(full_name(name) for name in names)
