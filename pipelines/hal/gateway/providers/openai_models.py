"""What a local server that speaks OpenAI's API has: the one list of models that they all give.

Knows no turn and no policy. Raises ProviderErrors alone; the caller owns the deadlines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from ...addresses import without_user
from ...errors import BadReply, ModelMissing
from ...settings import LocalHost
from ...types import Target
from .completions_errors import Complaints
from .openai_errors import PROVIDER, complaints
from .openai_request import authorization
from .service import connecting, reading
from .stream import REQUEST_TIMEOUT, read_into
from .wire import count, items, obj, parsed, text

# A list of some hundred models with their rights; more is no list of models.
MAX_LIST_BYTES = 1024 * 1024
# A list says nothing of what a model is for: LM Studio shows its embedding model among the others.
_EMBEDS = "embed"


@dataclass(frozen=True, slots=True)
class HostedModel:
    """What such a server tells of a model, which is little. `context_tokens`: vLLM's own limit."""

    name: str
    context_tokens: int | None = None
    digest: str = ""
    # Nobody says which pictures it takes; those stay on the main host.
    can_see: bool = False
    # Nobody says so either; a template without that switch ignores it.
    can_think: bool = True
    can_answer: bool = True


class HostedModels:
    """The models of one server. The HTTP session belongs to the caller."""

    def __init__(self, http: aiohttp.ClientSession, host: LocalHost) -> None:
        self._http = http
        self._host = host
        self._models: dict[str, HostedModel] = {}

    async def installed(self) -> Mapping[str, int]:
        """The models that can answer, by name; how large they are is not told."""
        listed = await self._list()
        self._models = {m.name: m for m in listed if _EMBEDS not in m.name.lower()}
        return dict.fromkeys(self._models, 0)

    async def show(self, model: str) -> HostedModel:
        """As last listed."""
        if model not in self._models:
            raise ModelMissing(f"{self._host.place} has no model {model}.", provider=PROVIDER)
        return self._models[model]

    async def loaded(self) -> frozenset[str]:
        """All that it lists: it begins to answer when its model is loaded."""
        return frozenset(await self.installed())

    async def _list(self) -> list[HostedModel]:
        said = self._complaints()
        body = bytearray()
        request = self._http.get(
            f"{without_user(self._host.url)}/models",
            headers=authorization(self._host.url),
            timeout=REQUEST_TIMEOUT,
            allow_redirects=False,
        )
        with connecting(said.service):
            response = await request
        try:
            with reading(said.service):
                await read_into(body, response, MAX_LIST_BYTES)
        finally:
            response.release()
        reply = parsed(body.decode("utf-8", "replace"))
        # Some have no list, and one model: what the settings call it is taken at its word.
        if response.status in (404, 405) and self._host.model:
            return [HostedModel(self._host.model)]
        if not 200 <= response.status < 300:
            raise said.refused(response.status, reply)
        return [_model(obj(entry)) for entry in self._entries(reply) if text(obj(entry).get("id"))]

    def _entries(self, reply: object) -> list[Any]:
        if "data" not in obj(reply):
            raise BadReply(
                f"What {without_user(self._host.url)} answered is no list of models.",
                "Check LOCAL_HOSTS.",
                provider=PROVIDER,
            )
        return items(obj(reply).get("data"))

    def _complaints(self) -> Complaints:
        target = Target(PROVIDER, self._host.model, False, 0, place=self._host.place)
        return complaints(self._host.url, target)


def _model(entry: Mapping[str, Any]) -> HostedModel:
    return HostedModel(text(entry.get("id")), count(entry.get("max_model_len")) or None)
