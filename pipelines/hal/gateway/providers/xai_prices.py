"""What a call to xAI has cost. Knows xAI's own unit; the prices stand in the table of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...types import Usage
from .cloud_models import CloudModel, cost_usd
from .completions_reader import counted
from .wire import count

TICKS_PER_USD = 1e10


def usage_of(said: Mapping[str, Any], model: CloudModel) -> Usage:
    """The server's own count, and its own price where it gives one."""
    usage = counted(said)
    ticks = said.get("cost_in_usd_ticks")
    known = isinstance(ticks, int | float) and not isinstance(ticks, bool)
    return replace(
        usage, cost_usd=count(ticks) / TICKS_PER_USD if known else cost_usd(model, usage)
    )
