"""What the local hosts have installed and loaded, as targets that a turn may be offered.

Answers from what is remembered of each host. Knows no rules: the plan decides what to make of the
offers, and `load.py` which host is asked first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from ..addresses import without_user
from ..settings import Settings
from ..types import Target
from .known_host import KnownHost, ModelServer
from .load import HostLoad
from .plan import Offers


class Catalogue:
    """One per settings. `servers` by the address of each local host; `clouds` is empty when the
    cloud is off or has no key.
    """

    def __init__(
        self,
        servers: Mapping[str, ModelServer],
        settings: Settings,
        clouds: tuple[Target, ...],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings, self._local, self._clouds = settings, settings.local, clouds
        main, *others = self._local.hosts
        # Small talk and images stay on the main host: nobody asks another one about them.
        self._main = KnownHost(main, servers[main.url], self._local.models, clock)
        wanted = (self._local.model,)
        rest = [KnownHost(host, servers[host.url], wanted, clock) for host in others]
        self._hosts = (self._main, *rest)

    async def offers(self) -> Offers:
        """The targets that exist now, as far as known."""
        for host in self._hosts:
            host.refresh()
        await self._first_answers()
        main = tuple(load.target for load in self.loads())
        return Offers(
            main=main,
            simple=self._simple(main[0]),
            vision=self._vision(main[0]),
            clouds=self._clouds,
            note=self.substitute_note,
        )

    def loads(self) -> tuple[HostLoad, ...]:
        """The local model on every host that has it, as last heard, the main host first; never
        empty. A host that has not told yet what it has is only left out while it is being asked.
        """
        stands_in = self._substitute()
        names = [(host, self._name_on(host, stands_in)) for host in self._hosts]
        found = tuple(self._load(host, name) for host, name in names if name)
        return found or (self._load(self._main, self._local.model),)

    @property
    def substitute_note(self) -> str:
        """That another model answers, and how to have the right one; "" when it is there."""
        if (stands_in := self._substitute()) is None:
            return ""
        model = self._local.model
        return f"{model} is not installed (ollama pull {model}), {stands_in[1]} answers"

    @property
    def local_digest(self) -> str:
        """Which version of the local model the main host has; "" where nobody told."""
        info = self._main.info(self._main.name or self._local.model)
        return info.digest if info else ""

    def are_loaded(self, *models: str) -> bool:
        """Whether all of them are in the memory of the main host, as last heard."""
        self._main.refresh()
        return all(self._main.is_loaded(model) for model in models)

    def is_cold(self, target: Target) -> bool:
        """Whether the model of a local target has to be loaded before it answers."""
        hosts = {without_user(host.host.url): host for host in self._hosts}
        host = hosts.get(target.host)
        return host is not None and not host.is_loaded(target.model)

    def close(self) -> None:
        """Ask nothing any more: the clients behind the servers are about to be closed."""
        for host in self._hosts:
            host.close()

    async def _first_answers(self) -> None:
        """Wait for what the main host has: a guess would send an image to a model that cannot see.

        For the others only when that one is down; each is asked for two seconds at most, and all
        of them at the same time.
        """
        if self._main.is_unknown:
            await asyncio.wait({self._main.begin()})
        others = {host.begin() for host in self._hosts if host.is_unknown}
        if others and self._main.is_down:
            await asyncio.wait(others)

    def _substitute(self) -> tuple[KnownHost, str] | None:
        """A model that answers where no host is known to have the right one."""
        if any(host.name for host in self._hosts):
            return None
        return next(((host, host.substitute) for host in self._hosts if host.substitute), None)

    def _name_on(self, host: KnownHost, stands_in: tuple[KnownHost, str] | None) -> str | None:
        if stands_in is not None and host is stands_in[0]:
            return stands_in[1]
        if host.has_answered or host.is_unknown:
            return host.name
        return host.host.model or self._local.model

    def _load(self, host: KnownHost, name: str) -> HostLoad:
        return HostLoad(self._target(host, name), host.is_loaded(name), host.is_down)

    def _target(self, host: KnownHost, name: str) -> Target:
        info = host.info(name)
        return Target(
            provider=host.host.dialect,
            model=name,
            leaves_machine=False,
            context_tokens=self._window(host, name),
            can_see=info.can_see if info else False,
            can_think=info.can_think if info else False,
            host=without_user(host.host.url),
            place=host.host.place,
        )

    def _window(self, host: KnownHost, name: str) -> int:
        wanted = self._settings.window_tokens(self._local.model if name == host.name else name)
        named = (*self._local.models, self._settings.routing.classifier_model)
        if host.host.dialect == "ollama" and name in named:
            return wanted  # as set: another window would load the model anew
        info = host.info(name)
        return min(wanted, info.context_tokens or wanted) if info else wanted

    def _simple(self, first: Target) -> Target:
        name = self._local.simple_model
        is_missing = self._main.has_answered and not self._main.has(name)
        return first if is_missing else self._target(self._main, name)

    def _vision(self, first: Target) -> Target | None:
        local = self._local
        if not self._main.has_answered:
            # Nobody knows what is installed: let the call itself say that the server is down.
            return self._target(self._main, local.vision_model or local.model)
        for name in (local.model, local.vision_model, local.simple_model):
            if name and (info := self._main.info(name)) and info.can_see:
                return self._target(self._main, name)
        return first if first.can_see else None
