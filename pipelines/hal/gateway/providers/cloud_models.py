"""What is known of the cloud's models, from `xai_models.json`: windows, prices, restrictions.

Knows no request and no network. An unknown model is treated with care: nothing that some model
refuses is sent to it, and its cost is not guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...types import Usage

TABLE = Path(__file__).with_name("xai_models.json")
# The smallest window of any model in xAI's list of the last two years: a request made to fit it
# is not refused for its length.
CAREFUL_CONTEXT_TOKENS = 128_000
# What reasoning models answer with an error.
CAREFUL_DROPS = frozenset({"presence_penalty", "frequency_penalty", "stop"})


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; everything times `factor` from `tier_tokens` of prompt on."""

    input_usd: float
    cached_usd: float
    output_usd: float
    tier_tokens: int | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class CloudModel:
    """One model. `match` is its name, or the beginning of it; `price` None: unknown."""

    match: str
    context_tokens: int = CAREFUL_CONTEXT_TOKENS
    can_see: bool = False
    price: Price | None = None
    drops: frozenset[str] = CAREFUL_DROPS
    efforts: tuple[str, ...] = ()

    def means(self, name: str) -> bool:
        """Whether `name` is this model, or a dated or tuned version of it."""
        return name == self.match or name.startswith(f"{self.match}-")


@dataclass(frozen=True, slots=True)
class CloudModels:
    """The table."""

    models: tuple[CloudModel, ...]

    @classmethod
    def load(cls, path: Path = TABLE) -> CloudModels:
        """Read the table; raises ConfigError when it is not there or not usable."""
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))["models"]
            return cls(tuple(_model(entry) for entry in entries))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"The table of cloud models, {path.name}, cannot be read.", "Install hal-auto anew."
            ) from error

    def find(self, name: str) -> CloudModel:
        """The entry that names this model most closely, else a careful stand-in."""
        known = [model for model in self.models if model.means(name)]
        return max(known, key=lambda model: len(model.match), default=CloudModel(name))


def cost_usd(model: CloudModel, usage: Usage) -> float | None:
    """What this usage costs by the table; None when the price is unknown.

    Reasoning is billed as output, beside `completion_tokens` (so xAI counts on chat completions).
    """
    if (price := model.price) is None:
        return None
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    usd = (
        (usage.prompt_tokens - cached) * price.input_usd
        + cached * price.cached_usd
        + (usage.completion_tokens + usage.reasoning_tokens) * price.output_usd
    ) / 1e6
    dearer = price.tier_tokens is not None and usage.prompt_tokens >= price.tier_tokens
    return usd * price.factor if dearer else usd


def _model(entry: Mapping[str, Any]) -> CloudModel:
    return CloudModel(
        match=str(entry["match"]),
        context_tokens=int(entry["context_tokens"]),
        can_see=bool(entry["can_see"]),
        price=_price(entry.get("price"), entry.get("tier") or {}),
        drops=frozenset(_names(entry["drops"])),
        efforts=tuple(_names(entry["efforts"])),
    )


def _price(price: Mapping[str, Any] | None, tier: Mapping[str, Any]) -> Price | None:
    if not price or price.get("input") is None or price.get("output") is None:
        return None
    fresh, cached = float(price["input"]), price.get("cached")
    return Price(
        input_usd=fresh,
        # Without a price of its own a cached token is counted in full: never less than the bill.
        cached_usd=fresh if cached is None else float(cached),
        output_usd=float(price["output"]),
        tier_tokens=int(tier["from_tokens"]) if tier else None,
        factor=float(tier.get("factor", 1.0)),
    )


def _names(value: Sequence[str]) -> list[str]:
    return [str(name) for name in value]
