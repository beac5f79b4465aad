"""What is known of the cloud's models, from `xai_models.json`: windows, prices, restrictions.

Knows no request and no network. An unknown model is treated with care: nothing that some model
refuses is sent to it, and its cost is not guessed. Prices change more often than this package: a
file of one's own, by model, goes before the table:

    {"grok-4.3": {"input": 1.25, "cached": 0.2, "output": 2.5,
                  "tier": {"from_tokens": 200000, "factor": 2.0}}}

in USD per million tokens; `cached` and `tier` may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...types import Usage

TABLE = "xai_models.json"
# The smallest window of any model in xAI's list of the last two years: a request made to fit it
# is not refused for its length.
CAREFUL_CONTEXT_TOKENS = 128_000
# What reasoning models answer with an error.
CAREFUL_DROPS = frozenset({"presence_penalty", "frequency_penalty", "stop"})
# The name of the file of one's own prices, in HAL_DATA_DIR.
PRICES_NAME = "prices.json"
_PRICE_KEYS = frozenset({"input", "cached", "output", "tier"})
_TIER_KEYS = frozenset({"from_tokens", "factor"})


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
    """One model. `match` is its name, or the beginning of it; `price` None: unknown.

    `effort`: how hard it reasons when nobody says; "none": it does not.
    """

    match: str
    context_tokens: int = CAREFUL_CONTEXT_TOKENS
    can_see: bool = False
    price: Price | None = None
    drops: frozenset[str] = CAREFUL_DROPS
    efforts: tuple[str, ...] = ()
    effort: str = "high"

    def means(self, name: str) -> bool:
        """Whether `name` is this model, or a dated or tuned version of it."""
        return name == self.match or name.startswith(f"{self.match}-")


@dataclass(frozen=True, slots=True)
class CloudModels:
    """The table. `warnings`: what of the file of one's own prices is not usable, in sentences."""

    models: tuple[CloudModel, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None, *, prices: Path | None = None) -> CloudModels:
        """Read the table, our own if none is named; raises ConfigError when it is not there or not
        usable.

        `prices`: a file of one's own, which need not exist. It is never an error: what is not
        usable is left out, and said in `warnings`.
        """
        table = files(__package__) / TABLE if path is None else path
        try:
            entries = json.loads(table.read_text(encoding="utf-8"))["models"]
            models = cls(tuple(_model(entry) for entry in entries))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"The table of cloud models, {table.name}, cannot be read.",
                "Install hal-auto anew.",
            ) from error
        return models if prices is None else models.priced(*_own_prices(prices))

    def priced(self, prices: Mapping[str, Price], warnings: Sequence[str] = ()) -> CloudModels:
        """With these prices in place of the table's, and for models that it does not know."""
        own = [replace(self.find(name), match=name, price=prices[name]) for name in prices]
        rest = [model for model in self.models if model.match not in prices]
        return CloudModels((*rest, *own), (*self.warnings, *warnings))

    def find(self, name: str) -> CloudModel:
        """The entry that names this model most closely, else a careful stand-in."""
        known = [model for model in self.models if model.means(name)]
        return max(known, key=lambda model: len(model.match), default=CloudModel(name))

    @property
    def dearest(self) -> Price | None:
        """The highest price of the table, by what an answer costs; None when it has none."""
        prices = [model.price for model in self.models if model.price]
        return max(prices, key=lambda price: (price.output_usd, price.input_usd), default=None)


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
        effort=str(entry["effort"]),
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


def _own_prices(path: Path) -> tuple[dict[str, Price], list[str]]:
    """Prices by model, and what is wrong with the rest."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{path.name} cannot be read ({error.strerror}); the known prices hold."]
    except (ValueError, RecursionError):
        return {}, [f"{path.name} is not JSON; the known prices hold."]
    if not isinstance(entries, dict):
        return {}, [f"{path.name} is not an object of prices by model; the known prices hold."]
    wrong = {name: why for name, entry in entries.items() if (why := _what_is_wrong(entry))}
    prices = {
        name: price
        for name, entry in entries.items()
        if name not in wrong and (price := _price(entry, entry.get("tier") or {})) is not None
    }
    return prices, [f"{path.name}: {name[:40]}: {why}; left out." for name, why in wrong.items()]


def _what_is_wrong(entry: object) -> str:
    """Why this is no price; "" when it is one. A misspelt word must not become a wrong bill."""
    if not isinstance(entry, dict):
        return "is not an object"
    tier = entry.get("tier", {})
    if not isinstance(tier, dict):
        return "tier is not an object"
    if unknown := [*(entry.keys() - _PRICE_KEYS), *(tier.keys() - _TIER_KEYS)]:
        return f"{min(unknown)[:40]} is not known"
    needed = ["input", "output", *(["from_tokens", "factor"] if tier else [])]
    values = {**entry, **tier}
    for name in (*needed, *(["cached"] if "cached" in entry else [])):
        value = values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_amount(value):
            return f"{name} is not a number from 0"
    return ""


def _is_amount(value: float) -> bool:
    return isfinite(value) and value >= 0
