"""Our columns under the names that OpenTelemetry's GenAI conventions give them.

The one mapping for spans and for exports. Content-free by construction: a column that is not in a
table here has no attribute, and what is left out says why. Knows no SDK and no exporter.

Names: https://github.com/open-telemetry/semantic-conventions-genai, as of 2026. All of `gen_ai.*`
is in development there; what has no name yet is under `hal.`. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .columns import AnyRow, clean_text
from .record import CallRow, LookupRow, TurnRow

AttributeValue = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, AttributeValue]
Convert = Callable[[Any], Any]

OPERATION = "gen_ai.operation.name"
# A turn is the whole of its calls. Called anything else, its tokens would be counted twice.
TURN_OPERATION = "invoke_workflow"
DECISION, RETRIEVAL, CHAT = "decision", "retrieval", "chat"
_OPERATIONS = MappingProxyType({"classify": DECISION, "rewrite": DECISION, "search": RETRIEVAL})
# "openai" would be the company, and what we reach by its dialect is a server at home.
_PROVIDERS = MappingProxyType({"xai": "x_ai", "openai": "openai_compatible"})
_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where one column goes, and how its value is written there; None leaves it out."""

    name: str
    convert: Convert | None = None


def operation(purpose: str) -> str:
    """What a call with this purpose is to OpenTelemetry: an answer, a task and a shadow are chats,
    which `hal.purpose` tells apart."""
    return _OPERATIONS.get(purpose, CHAT)


def _seconds(milliseconds: float) -> float:
    return milliseconds / 1000


def _provider(name: str) -> str:
    return _PROVIDERS.get(name, name)


def _finish_reasons(reason: str) -> tuple[str, ...] | None:
    """A server says what it likes: only what we know is passed on."""
    return None if not reason else (reason if reason in _FINISH_REASONS else "other",)


def _names(counts: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(counts))


def _host(url: str) -> str | None:
    """Without a user and a password."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def _under(prefix: str, *names: str) -> dict[str, tuple[Attribute, ...]]:
    """Columns that keep their name and their value."""
    return {name: (Attribute(f"{prefix}.{name}"),) for name in names}


_PROVIDER = (Attribute("gen_ai.provider.name", _provider),)
_FIRST_TOKEN = (Attribute("gen_ai.response.time_to_first_chunk", _seconds),)
_DURATION = (Attribute("hal.duration", _seconds),)
_INPUT = (Attribute("gen_ai.usage.input_tokens"),)
_OUTPUT = (Attribute("gen_ai.usage.output_tokens"),)
_ERROR = (Attribute("error.type"),)
_TURN_ID = (Attribute("hal.turn_id"),)

_IN_SPAN = "the span says it"
_WHO = "who asked, and where in Open WebUI: the log keeps it, a collector has no use for it"
_WORDS = "sentences, which may hold what the user wrote"

TURN: Mapping[str, tuple[Attribute, ...]] = MappingProxyType(
    {
        "id": _TURN_ID,
        "chat_id": (Attribute("gen_ai.conversation.id"),),
        "source": (Attribute("hal.decided_by"),),
        "prompt_id": (Attribute("gen_ai.prompt.name"),),
        "provider": _PROVIDER,
        "model": (Attribute("gen_ai.response.model"),),
        "error_code": _ERROR,
        "classify_ms": (Attribute("hal.decision.duration", _seconds),),
        "first_token_ms": _FIRST_TOKEN,
        "total_ms": _DURATION,
        "prompt_tokens": _INPUT,
        "completion_tokens": _OUTPUT,
        "finish_reason": (Attribute("gen_ai.response.finish_reasons", _finish_reasons),),
        "private_kinds": (Attribute("hal.private_kinds", _names),),
        "hal_version": (Attribute("hal.version"),),
        **_under(
            "hal",
            *("policy_id", "route", "confidence", "needs_search", "leaves_machine", "outcome"),
            *("cost_usd", "cloud_cost_usd", "speculation", "cache", "degradations", "is_hard"),
            *("privacy_word", "override", "propensity", "message_count", "prompt_chars"),
            *("p_local_ok", "gain", "router_id", "cascade"),
        ),
    }
)
TURN_LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "started_at": _IN_SPAN,
        "message_id": _WHO,
        "user_message_id": _WHO,
        "session_id": _WHO,
        "user_id": _WHO,
        "task": "a word of the client's; the route META says that it was a task",
        "reason": _WORDS,
        "notes": _WORDS,
        "probabilities": "the confidence says how sure it was; the log has all of them",
        "features_json": "JSON text of the client's",
        "process_id": "a process of this machine, for the log's own housekeeping",
    }
)

CALL: Mapping[str, tuple[Attribute, ...]] = MappingProxyType(
    {
        "id": (Attribute("hal.call_id"),),
        "turn_id": _TURN_ID,
        "n": (Attribute("hal.call_number"),),
        "purpose": (Attribute(OPERATION, operation), Attribute("hal.purpose")),
        "provider": _PROVIDER,
        "model": (Attribute("gen_ai.request.model"),),
        "first_token_ms": _FIRST_TOKEN,
        "total_ms": _DURATION,
        "prompt_tokens": _INPUT,
        "completion_tokens": _OUTPUT,
        "cached_tokens": (Attribute("gen_ai.usage.cache_read.input_tokens"),),
        "reasoning_tokens": (Attribute("gen_ai.usage.reasoning.output_tokens"),),
        "error_code": _ERROR,
        "host": (Attribute("server.address", _host), Attribute("server.port", _port)),
        **_under("hal", "cost_usd", "outcome", "attempt", "is_estimate"),
    }
)
CALL_LEFT_OUT: Mapping[str, str] = MappingProxyType({"started_at": _IN_SPAN})

LOOKUP: Mapping[str, tuple[Attribute, ...]] = MappingProxyType(
    {
        "turn_id": _TURN_ID,
        **_under(
            "hal.search",
            *("queries", "hits", "pages", "pages_read", "sources", "rewritten_by"),
            *("freshness", "material_tokens"),
        ),
        "cited": (Attribute("hal.search.cited", len),),
        "invalid": (Attribute("hal.search.invalid_citations"),),
        "rewrite_ms": (Attribute("hal.search.rewrite.duration", _seconds),),
        "search_ms": (Attribute("hal.search.search.duration", _seconds),),
        "read_ms": (Attribute("hal.search.read.duration", _seconds),),
        "total_ms": _DURATION,
    }
)
LOOKUP_LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {"created_at": _IN_SPAN, "problem": _WORDS, "detail": "queries and addresses"}
)

# What of a turn belongs to the moment in which it was decided.
_OF_DECISION = frozenset(
    ("id", "chat_id", "route", "source", "confidence", "needs_search", "prompt_id", "propensity")
)
DECISION_COLUMNS: Mapping[str, tuple[Attribute, ...]] = MappingProxyType(
    {column: TURN[column] for column in TURN if column in _OF_DECISION}
)


def turn_attributes(row: TurnRow) -> Attributes:
    """One turn as a whole: its usage is that of the answer, its cost that of all its calls."""
    return {OPERATION: TURN_OPERATION, "gen_ai.workflow.name": "hal-auto", **_of(row, TURN)}


def decision_attributes(row: TurnRow) -> Attributes:
    """How the turn was decided."""
    return {OPERATION: DECISION, **_of(row, DECISION_COLUMNS)}


def call_attributes(row: CallRow) -> Attributes:
    """One request to a model."""
    return _of(row, CALL)


def lookup_attributes(row: LookupRow) -> Attributes:
    """The search of one turn, in numbers."""
    return {OPERATION: RETRIEVAL, **_of(row, LOOKUP)}


def _of(row: AnyRow, columns: Mapping[str, tuple[Attribute, ...]]) -> Attributes:
    """What is not known, or empty, has no attribute."""
    found: Attributes = {}
    for column, attributes in columns.items():
        value = getattr(row, column)
        if value is None or value == "" or value == ():
            continue
        for attribute in attributes:
            converted = value if attribute.convert is None else attribute.convert(value)
            if converted is not None and converted != ():
                found[attribute.name] = _plain(converted)
    return found


def _plain(value: Any) -> AttributeValue:
    """Half an emoji, cut in a stream, would fail the whole batch."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, tuple):
        return tuple(clean_text(item) for item in value)
    return value  # type: ignore[no-any-return]
