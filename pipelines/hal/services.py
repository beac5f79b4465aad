"""Everything that one turn needs, built once per settings and shared by the turns under them.

Wires the parts together; decides nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import time
from typing import Any

import aiohttp

from .enrichment.extract import Extractor
from .enrichment.meaning import PassageMeaning
from .enrichment.pages import PageReader
from .enrichment.reading import PageCache
from .enrichment.research import Researcher
from .enrichment.rewrite import Reader, Rewriter
from .enrichment.search import SearxngClient, searxng_session
from .enrichment.targets import Permitted
from .errors import HalError
from .gateway.cache_embedding import QuestionVectors
from .gateway.cache_vectors import unpacked
from .gateway.cost import PriceEstimator
from .gateway.egress import Egress
from .gateway.gateway import Gateway
from .gateway.job import Policies
from .gateway.ports import Budget, Provider
from .gateway.providers.cloud_models import PRICES_NAME, CloudModels
from .gateway.providers.local_servers import LocalServers
from .gateway.providers.ollama import OllamaProvider
from .gateway.providers.ollama_models import LocalModels
from .gateway.providers.openai import OpenAiProvider
from .gateway.providers.xai import XaiProvider
from .live_prompts import LivePrompts
from .live_research import LiveResearch
from .live_router import LiveRouter, Models
from .policies import SharedPolicies, embedder
from .prompt_versions import VersionStore
from .prompts import Prompt, load_prompt
from .routing.catalogue import Catalogue
from .routing.classify import Classifier, Windows
from .routing.learned.deciding import Boundary
from .routing.learned.folder import RouterFolder
from .sessions.reader import SessionReader
from .sessions.record import EgressContentRow, EgressRow, PromptVersionRow
from .sessions.store import SessionStore
from .settings import Settings
from .settings_notice import SettingsNotice
from .shadowing import Shadows
from .shield import PrivacyState, Shield
from .survey import Survey
from .types import Message, Target, Turn, Usage
from .versioned_classifier import VersionedClassifier


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a turn. `http` and `store` belong to the runtime, `servers` to this object."""

    settings: Settings
    policy_id: str
    policy: Mapping[str, Any]
    gateway: Gateway
    survey: Survey
    budget: Budget
    catalogue: Catalogue
    classifier: VersionedClassifier
    log: Log
    router: LiveRouter
    researcher: Researcher
    shield: Shield
    servers: LocalServers
    models: LocalModels
    reader: PageReader
    vectors: QuestionVectors
    chance: Callable[[], float]
    cloud_price: Callable[[Usage], float | None]
    meaning: PassageMeaning | None
    shadows: Shadows
    notice: SettingsNotice

    async def close(self) -> None:
        await self.shadows.close()
        self.catalogue.close()
        self.vectors.close()
        if self.meaning is not None:
            self.meaning.close()
        await self.servers.close()
        await self.reader.close()

    def boundary(self, turn: Turn) -> Boundary | None:
        """What the learned router expects of this turn; None where it may not decide."""
        rules, cloud = self.settings.router, self.settings.cloud
        if not rules.learned or not cloud.usable:
            return None
        models = Models(self.settings.local.model, self.catalogue.local_digest, cloud.model)
        target = turn.quality_target or rules.quality_target
        found = self.router.in_force(models, target)
        if found.choice is None:
            return None
        return Boundary.of(
            *(found.router, found.id, found.choice, turn.question), drafts=rules.cascade
        )

    async def vector(self, turn: Turn, boundary: Boundary) -> Sequence[float] | None:
        """The question's embedding; None where the router looks at none, or nobody gives one."""
        if boundary.router.weights.embedding_model != self.settings.cache.embedding_model:
            return None
        found = await self.vectors.get(turn.question)
        return None if found is None else unpacked(found)


@dataclass(frozen=True, slots=True)
class Web:
    """What searches share over a change of settings; one per runtime."""

    http: aiohttp.ClientSession
    extractor: Extractor
    pages: PageCache

    @classmethod
    def open(cls) -> Web:
        """On the loop; nothing is started before the first search."""
        return cls(searxng_session(), Extractor(), PageCache())

    async def close(self) -> None:
        await self.http.close()
        await self.extractor.close()


class Log:
    """The session log for the loop: reads in a thread, waits for what must be durable.

    `sent` is told of each request that is about to leave, when its row is written.
    """

    def __init__(
        self, store: SessionStore, reader: SessionReader, sent: Callable[[EgressRow], None]
    ) -> None:
        self.store, self.reader, self._sent = store, reader, sent

    async def write_egress(self, row: Mapping[str, object], body: str | None) -> None:
        entry = EgressRow(**row)  # type: ignore[arg-type]
        await asyncio.wrap_future(self.store.write_egress(entry))
        self._sent(entry)
        if body is not None:  # nothing waits for it: the row is what may not be missing
            self.store.write(EgressContentRow(egress_id=entry.id, created_at=entry.at, body=body))

    def prompt(self, prompt: Prompt) -> None:
        """Keep the text of a prompt that comes into use, also of one that only some chats have."""
        row = PromptVersionRow(
            id=prompt.id,
            name=prompt.name,
            version=prompt.version,
            sha256=prompt.sha256,
            text=prompt.text,
            first_seen=time(),
        )
        self.store.write(row)

    async def get_state(self, key: str) -> str | None:
        try:
            return await asyncio.to_thread(self.reader.get_state, key)
        except HalError:
            return None

    async def put_state(self, key: str, text: str) -> None:
        self.store.put_state(key, text)


class ClassifierCalls:
    """The calls of `routing.classify`, by the local models and their keep-alive."""

    def __init__(self, models: LocalModels, keep_alive: str) -> None:
        self._models, self._keep_alive = models, keep_alive

    async def first_token(
        self, model: str, messages: tuple[Message, ...], *, num_ctx: int
    ) -> Mapping[str, float] | None:
        return await self._models.first_token(
            model, messages, num_ctx=num_ctx, keep_alive=self._keep_alive
        )

    async def structured(
        self, model: str, messages: tuple[Message, ...], schema: Mapping[str, Any], *, num_ctx: int
    ) -> Mapping[str, Any]:
        return await self._models.structured(
            model, messages, schema, num_ctx=num_ctx, keep_alive=self._keep_alive
        )

    async def digest(self, model: str) -> str:
        return (await self._models.show(model)).digest


def build_services(  # noqa: PLR0913 - what outlives the settings, each with an end of its own
    settings: Settings,
    http: aiohttp.ClientSession,
    store: SessionStore,
    shared: SharedPolicies,
    privacy: PrivacyState,
    web: Web,
    sent: Callable[[EgressRow], None],
) -> Services:
    """Raises ConfigError when a prompt is missing or malformed."""
    log = Log(store, SessionReader(settings.log.database), sent)
    shield = Shield(privacy, settings.privacy, load_prompt("placeholders"))
    egress = Egress(http, log, last_look=shield.last_look)
    servers = LocalServers(settings.local, http)
    models = servers.main
    cloud_models = CloudModels.load(prices=settings.log.data_dir / PRICES_NAME)
    providers: dict[str, Provider] = {
        "ollama": OllamaProvider(http, settings.local, settings.answer.gap_s),
        "openai": OpenAiProvider(http, settings.local, settings.answer.gap_s),
        "xai": XaiProvider(egress, settings.cloud, settings.answer.gap_s, cloud_models),
    }
    catalogue = Catalogue(servers.by_url, settings, cloud_targets(settings, cloud_models))
    estimator = PriceEstimator(cloud_models, settings.cloud.reasoning)
    policies = Policies(
        cache=shared.cache,
        budget=shared.budget,
        limits=shared.limits,
        breakers=shared.breakers,
        estimator=estimator,
        is_cold=catalogue.is_cold,
        background=shared.background,
    )
    calls = ClassifierCalls(models, settings.local.keep_alive)
    windows = _windows(settings)
    versions = VersionStore(settings.log.prompt_versions)
    prompts = LiveResearch(versions)
    reader = PageReader(egress, web.extractor, permitted=Permitted(settings.searchable_hosts))
    meaning = PassageMeaning(embedder(settings, models)) if settings.compares_meaning else None
    researcher = Researcher(
        Rewriter(
            calls,
            Reader(windows.model, windows.num_ctx, windows.reads_tokens),
            prompts,
            shield.clean_query,
        ),
        SearxngClient(egress, web.http, settings.searxng_url),
        reader,
        web.pages,
        prompts,
        date.today,
        meaning,
    )
    gateway = Gateway(providers, settings.answer, policies, shield.hashes)
    router = LiveRouter(RouterFolder(settings.log.router))
    return Services(
        settings=settings,
        policy_id=settings.policy_id,
        policy=settings.policy,
        gateway=gateway,
        survey=Survey(
            catalogue, shared.breakers, shared.limits, shared.budget, estimator, settings
        ),
        budget=shared.budget,
        catalogue=catalogue,
        classifier=VersionedClassifier(
            LivePrompts(versions),
            lambda questions: Classifier(calls, questions, windows, log),
            log.prompt,
            log.reader,
        ),
        log=log,
        router=router,
        researcher=researcher,
        reader=reader,
        vectors=QuestionVectors(
            *(embedder(settings, models), settings.cache.embedding_model),
            without="The learned router decides without the meaning of questions",
        ),
        chance=random.random,
        cloud_price=partial(estimator.at_cloud, settings.cloud.model),
        meaning=meaning,
        shadows=Shadows(settings, gateway, router, store, log.reader),
        notice=SettingsNotice(settings),
        shield=shield,
        servers=servers,
        models=models,
    )


def _windows(settings: Settings) -> Windows:
    """One model in both roles has the larger window, and still reads no more to classify."""
    model = settings.routing.classifier_model
    window = settings.window_tokens(model)
    return Windows(model, window, min(window, settings.routing.classifier_context_tokens))


def cloud_targets(settings: Settings, table: CloudModels) -> tuple[Target, ...]:
    """The cloud model and the one to ask when it is gone; empty when the cloud is not usable."""
    cloud = settings.cloud
    if not cloud.usable:
        return ()
    names = dict.fromkeys(name for name in (cloud.model, cloud.substitute) if name)
    return tuple(
        Target("xai", name, True, model.context_tokens, can_see=model.can_see, host=cloud.base_url)
        for name in names
        for model in [table.find(name)]
    )
