"""The rows of the session log, and how each becomes SQL values and comes back.

Knows no database: a row is a frozen value, and a table is only the name that it gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

# A turn is written when it begins and replaced when it ends, so what a kill leaves behind says so.
RUNNING = "running"

SqlValue = str | int | float | None


def _json_column(load: Callable[..., Any]) -> Any:
    """A column of JSON text; `load` makes the value out of the parsed text, or an empty one."""
    return field(default_factory=load, metadata={"json": load})


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """One turn. `started_at` is unix seconds in UTC; None means not known, or not yet.

    `provider`, `model` and `leaves_machine` are those of the target that answered. `speculation`
    is '', 'used' or 'discarded', `cache` '', 'exact' or 'semantic'. `degradations` are words such
    as "classifier_timeout".
    `private_kinds` counts what was found in all that would have travelled; `is_hard`: some of it
    never leaves but by the user's word, and `privacy_word` is that word, "off" when nobody
    looked, '' when none was said.
    `features_json` is opaque JSON text. The store fills `process_id`: who is writing this turn.
    """

    table: ClassVar[str] = "turn"
    id: str
    started_at: float
    chat_id: str | None = None
    message_id: str | None = None
    user_message_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    task: str | None = None
    policy_id: str = ""
    route: str = ""
    source: str = ""
    confidence: float | None = None
    reason: str = ""
    needs_search: float | None = None
    probabilities: Mapping[str, float] = _json_column(dict)
    prompt_id: str | None = None
    provider: str = ""
    model: str = ""
    leaves_machine: bool = False
    outcome: str = RUNNING
    error_code: str = ""
    classify_ms: float | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    speculation: str = ""
    cache: str = ""
    finish_reason: str = ""
    degradations: tuple[str, ...] = _json_column(tuple)
    notes: tuple[str, ...] = _json_column(tuple)
    hal_version: str = ""
    private_kinds: Mapping[str, int] = _json_column(dict)
    is_hard: bool = False
    privacy_word: str = ""
    features_json: str = "{}"
    process_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One request to a model. `n` counts within the turn; purpose: classify, answer, ...

    `attempt` counts the tries at one target. `is_estimate`: the provider did not say what it cost.
    """

    table: ClassVar[str] = "call"
    id: str
    turn_id: str
    n: int
    purpose: str
    provider: str
    model: str
    started_at: float
    first_token_ms: float | None = None
    total_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    outcome: str = RUNNING
    error_code: str = ""
    host: str = ""
    attempt: int = 1
    is_estimate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRow:
    """Bytes that are about to leave the machine: how many, where to, and their hash.

    `masked` counts what was replaced in them by kind, `hashes` are the keyed hashes of those
    values. `passed` counts what is private and in them all the same, by the user's word.
    """

    table: ClassVar[str] = "egress"
    id: str
    turn_id: str
    at: float
    host: str
    bytes: int
    sha256: str
    call_id: str | None = None
    provider: str = ""
    model: str = ""
    purpose: str = ""
    masked: Mapping[str, int] = _json_column(dict)
    hashes: tuple[str, ...] = _json_column(tuple)
    passed: Mapping[str, int] = _json_column(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressContentRow:
    """What left the machine, as it was sent, without the bytes of images."""

    table: ClassVar[str] = "egress_content"
    egress_id: str
    created_at: float
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersionRow:
    """A prompt as it was used. `id` is name@version+sha8; the first sighting is the one kept."""

    table: ClassVar[str] = "prompt_version"
    id: str
    name: str
    version: str
    sha256: str
    text: str
    first_seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRow:
    """What was asked, and the answer that was actually delivered, cut short or not."""

    table: ClassVar[str] = "content"
    turn_id: str
    created_at: float
    question: str = ""
    answer: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRow:
    """What the search of one turn came to. `problem` is a sentence of ours, '' when it worked.

    `rewritten_by` is "model", or why it was not the model. `cited` are the numbers of the sources
    that the answer used, `invalid` how many it made up. `detail` holds queries and addresses with
    what became of each: it expires with the texts.
    """

    table: ClassVar[str] = "lookup"
    turn_id: str
    created_at: float
    queries: int = 0
    hits: int = 0
    pages: int = 0
    pages_read: int = 0
    sources: int = 0
    cited: tuple[int, ...] = _json_column(tuple)
    invalid: int = 0
    problem: str = ""
    rewritten_by: str = ""
    freshness: str = ""
    material_tokens: int = 0
    rewrite_ms: float = 0.0
    search_ms: float = 0.0
    read_ms: float = 0.0
    total_ms: float = 0.0
    detail: Mapping[str, Any] = _json_column(dict)


Row = TurnRow | CallRow | PromptVersionRow | ContentRow | EgressContentRow | LookupRow
AnyRow = Row | EgressRow
R = TypeVar(
    "R", TurnRow, CallRow, EgressRow, EgressContentRow, PromptVersionRow, ContentRow, LookupRow
)


def encode(row: AnyRow) -> dict[str, SqlValue]:
    """Column by column, in the order of the fields."""
    return {f.name: _to_sql(getattr(row, f.name), "json" in f.metadata) for f in fields(row)}


def decode(kind: type[R], columns: Mapping[str, Any]) -> R:
    """Build a row of what is there; columns of another schema version are left out."""
    values: dict[str, Any] = {}
    for f in fields(kind):
        if f.name not in columns:
            continue
        value = columns[f.name]
        if load := f.metadata.get("json"):
            value = _from_json(value, load)
        elif isinstance(f.default, bool):
            value = bool(value)
        values[f.name] = value
    return kind(**values)


def as_dict(row: AnyRow) -> dict[str, Any]:
    """For a JSON document; mappings and tuples stay what they are."""
    return {f.name: getattr(row, f.name) for f in fields(row)}


def clean_text(text: str) -> str:
    """Valid UTF-8: a lone surrogate (half an emoji, cut in a stream) would fail the row."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _to_sql(value: Any, is_json: bool) -> SqlValue:
    if is_json:
        value = json.dumps(dict(value) if isinstance(value, Mapping) else list(value))
    if isinstance(value, str):
        return clean_text(value)
    return value  # type: ignore[no-any-return]


def _from_json(text: Any, load: Callable[..., Any]) -> Any:
    try:
        return load(json.loads(text))
    except (TypeError, ValueError):
        return load()
