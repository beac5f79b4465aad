"""What logged questions mean, as vectors of the local embedding model.

The texts go to the local server and nowhere else. Knows no arithmetic of the router.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
import ollama

from ..errors import ConfigError, HalError
from ..gateway.cache_vectors import NoVector, packed, unpacked
from ..gateway.providers.ollama_models import LocalModels
from ..lab.router.logged import LoggedTurn
from ..routing.learned.weights import Weights
from ..settings import Settings
from .ollama_host import CONNECT_S

# all-minilm takes 5 to 30 ms for a text on a CPU: after each second at most, progress is shown.
BATCH = 32
# Loading the model from a cold disk comes before the first batch.
READ_S = 120.0


def reads_meaning(weights: Weights, settings: Settings) -> bool:
    """Whether the served router asks the embedding model under these settings."""
    return bool(weights.embedding_model) and (
        weights.embedding_model == settings.cache.embedding_model
    )


def with_vectors(
    settings: Settings, turns: Sequence[LoggedTurn], say: Callable[[str], None]
) -> list[LoggedTurn]:
    """The turns with their vectors, of length 1. Raises ConfigError where nobody makes them."""
    model = settings.cache.embedding_model
    try:
        found = asyncio.run(_embedded(settings, [turn.question for turn in turns], say))
        vectors = [tuple(unpacked(packed(vector))) for vector in found]
    except HalError as error:
        raise ConfigError(
            f"{model} makes no vectors: {error.sentence}",
            "EMBEDDING_MODEL names the model; `hal router fit` without --embed needs none.",
        ) from None
    except NoVector:
        raise ConfigError(f"{model} sent something that is no vector.") from None
    return [replace(turn, embedding=vector) for turn, vector in zip(turns, vectors, strict=True)]


async def _embedded(
    settings: Settings, texts: Sequence[str], say: Callable[[str], None]
) -> list[Sequence[float]]:
    client = ollama.AsyncClient(
        settings.local.base_url,
        timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=False,  # a proxy that is meant for the internet would see every question
    )
    models, model = LocalModels(client), settings.cache.embedding_model
    found: list[Sequence[float]] = []
    try:
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            found += await models.embed(model, batch, settings.local.keep_alive)
            say(f"{model}: {len(found)} of {len(texts)} questions read.")
    finally:
        await client._client.aclose()  # its own close() has no types
    return found
