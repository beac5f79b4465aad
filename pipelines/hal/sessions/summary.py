"""What a report reads of a turn, and the indexes that hold just that.

A report over a million turns has no time to read the turns: these indexes hold the few columns it
adds up, sorted by what it groups by, so that nothing has to be sorted or looked up. They cost the
writer one entry for each turn. Knows SQL and no row; the expressions are part of the schema, so
what was released once is never edited: SQLite finds an index by the very expression.
"""

from __future__ import annotations

from dataclasses import dataclass

# Between the parts of a key. Only a model's name can hold it, and that comes last.
_SEPARATOR = "|"
# The confidence of the classifier in tenths, for its calibration.
_TENTH = (
    "CASE source WHEN 'classifier' THEN coalesce(CAST(confidence * 10 AS INTEGER), '') ELSE '' END"
)
_PARTS = (
    "route",
    "source",
    "leaves_machine",
    "outcome",
    "cache",
    "error_code",
    "(task IS NOT NULL)",
    _TENTH,
    "provider",
    "model",
)
# A time is counted in steps of 1 ms below a second, of 10 ms below ten, and of 100 ms beyond: the
# middle of a step is off by half a percent or half a millisecond at most. Times below zero (a clock
# that went back) count as zero.
STEP = (
    "CASE WHEN {0} < 0 THEN 0 WHEN {0} < 1000 THEN CAST({0} AS INTEGER)"
    " WHEN {0} < 10000 THEN CAST({0} / 10 AS INTEGER) * 10"
    " ELSE CAST({0} / 100 AS INTEGER) * 100 END"
)

# The columns of a summary by name: what `Kind.parse` reads, then figures that can be added up.
SUMMARY = {
    "kind": f" || '{_SEPARATOR}' || ".join(_PARTS),
    "at": "started_at",
    "classify": STEP.format("classify_ms"),
    "first": STEP.format("first_token_ms"),
    "total": STEP.format("total_ms"),
    "confidence": "confidence",
    "prompt": "prompt_tokens",
    "completion": "completion_tokens",
    "cost": "cost_usd",
    "cloud": "cloud_cost_usd",
    # Which scores are about it: a look at the table for each scored turn would take longer.
    "id": "id",
}
TURN_SUMMARY, TURN_TROUBLE, TURN_PRIVATE = "turn_summary", "turn_trouble", "turn_private"
EGRESS_SUMMARY, EGRESS_MASKED = "egress_summary", "egress_masked"
IS_TROUBLE = "(degradations <> '[]' OR notes <> '[]')"
IS_PRIVATE = "private_kinds <> '{}'"
IS_MASKED = "(masked <> '{}' OR passed <> '{}')"
# Each by its name; all but the first and the fourth hold the few rows that they are about.
INDEXES = {
    TURN_SUMMARY: f"turn ({', '.join(f'({column})' for column in SUMMARY.values())})",
    TURN_TROUBLE: f"turn (started_at, task, degradations, notes) WHERE {IS_TROUBLE}",
    TURN_PRIVATE: f"turn (started_at, task, leaves_machine) WHERE {IS_PRIVATE}",
    EGRESS_SUMMARY: "egress (host, purpose, model, at, bytes)",
    EGRESS_MASKED: f"egress (at, host, purpose, model, masked, passed) WHERE {IS_MASKED}",
}
# What a migration executes.
CREATE_INDEXES = tuple(f"CREATE INDEX {name} ON {columns}" for name, columns in INDEXES.items())


@dataclass(frozen=True, slots=True)
class Kind:
    """Turns that are alike in all that a report groups by. `tenth`: of the classifier's confidence,
    0..9; None where it did not decide."""

    route: str
    source: str
    leaves_machine: bool
    outcome: str
    cache: str
    error_code: str
    is_task: bool
    tenth: int | None
    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> Kind:
        """What the key of a summary says; one that is not ours has empty parts."""
        parts = text.split(_SEPARATOR, len(_PARTS) - 1)
        parts += [""] * (len(_PARTS) - len(parts))
        route, source, leaves, outcome, cache, error, task, tenth, provider, model = parts
        # A confidence of exactly 1 belongs to the uppermost tenth.
        number = min(int(tenth), 9) if tenth.isdecimal() else None
        return cls(
            route,
            source,
            leaves == "1",
            outcome,
            cache,
            error,
            task == "1",
            number,
            provider,
            model,
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the turns of one kind in one stretch of time. `cost_known`, `cloud_known`: how many have
    that figure; `paid_of_cloud`: what those whose cloud price is known did cost."""

    turns: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    cost_known: int
    cloud_usd: float
    cloud_known: int
    paid_of_cloud: float
    confidence: float
