"""What is asked of a target, and what goes out: the chunks of an answer, in the order of a turn.

Frozen values; knows no wire format and no face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .decision import Decision, Plan, Target
from .turn import Message, Parameters, ToolCall


@dataclass(frozen=True, slots=True)
class Cited:
    """One numbered source of an answer. `kind` is "page", or "snippet" where the page was not read.

    `url` is where it was found in the end, `site` the name of its host, `date` ISO or "".
    """

    number: int
    url: str
    title: str
    site: str
    passages: tuple[str, ...]
    date: str = ""
    kind: str = "page"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was looked up. `instructions` join the system prompt; `question` stands in the place of
    the user's last message, with the sources in front of it, "" where nothing was found. Neither is
    seen again in a later turn. `note`: what the user reads before the first word of the model,
    where there are no sources. `word`: what came of it, for programs."""

    instructions: str = ""
    question: str = ""
    sources: tuple[Cited, ...] = ()
    note: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What one target is asked: messages that fit its context, and its own parameters."""

    target: Target
    messages: tuple[Message, ...]
    parameters: Parameters = field(default_factory=Parameters)
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    conversation_id: str | None = None
    dropped_messages: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the model's reasoning, shown as a collapsible block."""

    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """A line above the answer: what is being done, or what was decided.

    `queries` and `urls`: what is searched for and what was found, for a face that draws them.
    """

    text: str
    done: bool = False
    queries: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What the numbers in the answer mean; comes before its first word. `word`: how many there are,
    or the code of why there are none, for programs ("3 sources", "none: refused")."""

    sources: tuple[Cited, ...]
    word: str = ""


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Tool calls that the caller has to run."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used, by the provider's own count; `cost_usd` is None when it is unknown.

    `is_estimate`: the provider did not say (the call was stopped or broke off), so we counted.
    `fills_window`: the prompt took the model's whole window, so that its beginning may be lost.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    is_estimate: bool = False
    fills_window: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The provider ended its answer: stop, length, tool_calls or content_filter."""

    reason: str = "stop"


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision and the plan of this turn, for the faces that show them."""

    decision: Decision
    plan: Plan


@dataclass(frozen=True, slots=True)
class Failure:
    """The turn could not be answered; `message` says what broke and what to do."""

    message: str
    code: str = "failed"


@dataclass(frozen=True, slots=True)
class Summary:
    """The last word of a turn, for the (i) popover and for API clients.

    `cache` is "exact" or "semantic" when nobody was asked, `finish` how the answer ended, `search`
    what a search came to (`Sources.word`), "" where none was wanted; `cascade` what became of a
    local draft (`TurnRow.cascade`).
    """

    route: str
    confidence: float
    reason: str
    model: str
    usage: Usage
    classify_ms: float
    first_token_ms: float | None
    total_ms: float
    cache: str = ""
    finish: str = "stop"
    search: str = ""
    cascade: str = ""


ProviderChunk = Text | Thinking | ToolCalls | Usage | Finish
Chunk = Text | Thinking | Status | Sources | ToolCalls | Finish | Decided | Failure | Summary
