"""Small routers whose expectations a test can set: the longer a prompt, the harder it is."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from hal.routing.learned.calibration import Calibration, Choice
from hal.routing.learned.draft import DRAFT
from hal.routing.learned.surface import SURFACE
from hal.routing.learned.weights import (
    EMBEDDING,
    LABELS,
    PROMPT,
    DraftHead,
    DraftHeads,
    Head,
    Link,
    Stack,
    Weights,
)

_EMPTY = array("f")


def head(link: Link, bias: float, slope: float, *, labels: tuple[float, ...] = ()) -> Head:
    """`slope` per standard deviation of the logarithm of the length. `labels`: the weights of the
    classifier's log-odds in a second stack."""
    surface = [0.0] * len(SURFACE)
    surface[SURFACE.index("log_characters")] = slope
    stacks = [Stack((PROMPT,), bias, (1.0,))]
    if labels:
        stacks.append(Stack((PROMPT, *LABELS), bias, (1.0, *labels)))
    return Head(link, tuple(surface), _EMPTY, _EMPTY, _EMPTY, _EMPTY, (), tuple(stacks))


def by_length(*, search: float | None = -6.0, draft_bias: float | None = None) -> Weights:
    """P(local ok) falls and the gain rises with length; about 4 (55 characters) is the middle.
    `search`: log-odds of a search for every prompt, None: no such head. `draft_bias`: the gain over
    every draft."""
    return Weights(
        vocabulary={},
        surface_mean=tuple(4.0 if name == "log_characters" else 0.0 for name in SURFACE),
        surface_scale=(1.0,) * len(SURFACE),
        embedding_model="",
        local_ok=head(Link.LOGISTIC, 0.0, -2.0, labels=(0.5, -0.5, 0.0)),
        gain=head(Link.IDENTITY, 0.2, 0.2, labels=(-0.05, 0.05, 0.0)),
        needs_search=None if search is None else head(Link.LOGISTIC, search, 0.0),
        draft=None if draft_bias is None else _drafts(draft_bias),
        made={"by": "a test"},
    )


def by_meaning(vector: Sequence[float], model: str) -> Weights:
    """As `by_length`, and what means the same as the text of this vector is hard."""
    weights = by_length()
    gain = replace(
        weights.gain,
        embedding=tuple(vector),
        stacks=(
            *weights.gain.stacks,
            Stack((PROMPT, EMBEDDING, *LABELS), 0.0, (0.0, 1.0, 0.0, 0.0, 0.0)),
        ),
    )
    return replace(weights, gain=gain, embedding_model=model)


def _drafts(bias: float) -> DraftHeads:
    none = (0.0,) * len(DRAFT)
    fixed = DraftHead(Link.IDENTITY, bias, none, 0.0, 0.0)
    return DraftHeads(none, (1.0,) * len(DRAFT), fixed, fixed)


def calibration(router_id: str, *choices: Choice, **changes: object) -> Calibration:
    values: dict[str, object] = {
        "router_id": router_id,
        "local_model": "nemotron-3-nano:30b",
        "local_digest": "",
        "cloud_model": "grok-4.3",
        "choices": choices,
        "fixed": None,
        "turns": 400,
        "since": "2026-10-01",
        "until": "2026-11-20",
        "labels": {"judge_pair": 400},
        "made_at": "2026-11-21T08:00:00+00:00",
    }
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]
