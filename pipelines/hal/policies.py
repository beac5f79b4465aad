"""The gateway's policies that outlive a change of settings: one set per runtime.

Opens, configures and closes them; knows none from the inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, time

from .background import Background
from .gateway.breakers import STATE_KEY, BreakerRegistry
from .gateway.cache_embedding import Embed
from .gateway.cache_store import StoredAnswers
from .gateway.ledger import Ledger
from .gateway.limits import CallLimits
from .gateway.providers.ollama_models import LocalModels
from .sessions.process import this_process
from .sessions.store import SessionStore
from .settings import Settings

# What a stopped turn leaves behind, a bill to settle above all, is written within milliseconds.
DRAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class SharedPolicies:
    """Used on the runtime's loop alone; made before it, by `make`."""

    breakers: BreakerRegistry
    limits: CallLimits
    budget: Ledger
    cache: StoredAnswers
    background: Background

    @classmethod
    def make(cls, settings: Settings, store: SessionStore) -> SharedPolicies:
        def publish(text: str) -> None:
            store.put_state(STATE_KEY, text)

        return cls(
            breakers=BreakerRegistry(
                monotonic,
                time,
                api_key=settings.cloud.api_key,
                publish=publish,
                process=str(this_process()),
            ),
            limits=CallLimits(settings.limits, monotonic),
            budget=Ledger(settings.log.budget_database, settings.budget),
            cache=StoredAnswers(settings.log.cache_database, settings.cache),
            background=Background(),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.budget.warnings, *self.cache.warnings)

    def start(self, settings: Settings, models: LocalModels) -> None:
        """Begin to work under these settings."""
        self.breakers.start()
        self.budget.start()
        self._configure_cache(settings, models)

    def configure(self, settings: Settings, models: LocalModels) -> None:
        """Other settings, for the next call. Whoever changed them wants to see what they do, so
        that every target gets its chance at once."""
        self.breakers.configure(settings.cloud.api_key)
        self.breakers.forget()
        self.limits.configure(settings.limits)
        self.budget.configure(settings.budget)
        self._configure_cache(settings, models)

    async def close(self) -> None:
        await self.background.drain(DRAIN_S)
        await self.cache.close()
        await asyncio.to_thread(self.budget.close)

    def _configure_cache(self, settings: Settings, models: LocalModels) -> None:
        # What else shapes an answer: under another setting, one of before is not that answer.
        generation = f"{settings.local.think} {settings.cloud.reasoning}"
        embed = embedder(settings, models)
        self.cache.configure(settings.cache, embed, generation=generation)


def embedder(settings: Settings, models: LocalModels) -> Embed:
    """The embedding model of these settings, for whoever compares texts by their meaning."""

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        model, keep_alive = settings.cache.embedding_model, settings.local.keep_alive
        return await models.embed(model, texts, keep_alive)

    return embed
