"""An evaluation as one JSON object: numbers, dates and names, and no text of a user.

Values in, values out.
"""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from .evaluating import Ranked
from .evaluation import Evaluation
from .evaluation_tables import headline, notes


def document(found: Evaluation) -> dict[str, Any]:
    """Numbers that nobody knows are null."""
    ranking = found.ranking
    content = {
        "headline": headline(found),
        "notes": list(notes(found)),
        "source": found.source,
        "router_id": found.router_id,
        "since": found.since,
        "until": found.until,
        "turns": found.turns,
        "turns_learned_from": found.seen,
        "labels": dict(found.labels),
        "pairs": ranking.n,
        "is_descriptive": ranking.is_descriptive,
        "always_local": ranking.always_local,
        "always_cloud": ranking.always_cloud,
        "routers": [_ranked(one) for one in ranking.routers],
        "baselines": [_ranked(one) for one in ranking.baselines],
        "policies": [asdict(one) for one in found.policies],
        "reliability": asdict(found.believed) if found.believed else None,
        "confusion": asdict(found.confusions) if found.confusions else None,
        "latency": [asdict(one) for one in found.latencies],
        "sure_share": found.sure_share,
        "off_policy": asdict(found.replayed) if found.replayed else None,
    }
    return {name: _plain(value) for name, value in content.items()}


def _ranked(one: Ranked) -> dict[str, Any]:
    return asdict(one)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
