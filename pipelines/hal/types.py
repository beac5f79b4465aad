"""The vocabulary of a turn: what comes in, what is decided, what goes out.

Knows no server, no client and no file; every value is frozen, so that parallel steps can share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Route(StrEnum):
    """Where a turn goes. Difficulty is SIMPLE/MODERATE/COMPLEX; ENRICH and META stand beside it."""

    META = "META"
    SIMPLE = "SIMPLE"
    MODERATE = "MODERATE"
    COMPLEX = "COMPLEX"
    ENRICH = "ENRICH"


DIFFICULTIES = (Route.SIMPLE, Route.MODERATE, Route.COMPLEX)


class Override(StrEnum):
    """What the user may write as the first word of a turn."""

    LOCAL = "/local"
    CLOUD = "/cloud"
    WEB = "/web"
    WHY = "/why"


class PrivacyWord(StrEnum):
    """What the user may write as a first word, beside an Override, to say how private a turn is."""

    PRIVATE = "/private"
    PUBLIC = "/public"


class Source(StrEnum):
    """Who made a decision."""

    RULE = "rule"
    OVERRIDE = "override"
    CLASSIFIER = "classifier"
    LEARNED = "learned"
    STICKY = "sticky"
    EXPLORATION = "exploration"
    DEFAULT = "default"


class Outcome(StrEnum):
    """How a turn or a call ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for. `arguments` is JSON text, as in the OpenAI dialect."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation.

    `images` are URLs as they came: `data:image/...;base64,...` or http(s).
    """

    role: str
    text: str
    images: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Sampling parameters in OpenAI's terms; None means that the user did not set it."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    response_format: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to hal-auto, as read from the request.

    `messages` is the whole conversation with our own commands removed; `question` is the clean text
    of this turn, without file contents and templates; `attachments` are the kinds of things that
    hang on the conversation (file, image, tool result, /local turn). `privacy_mode` is the one
    that its user asks for, in force where it is stricter than the settings'; `quality_target` is
    the user's own, None for the settings'. Ids are None for a
    direct API call.
    """

    id: str
    messages: tuple[Message, ...]
    question: str
    override: Override | None = None
    privacy: PrivacyWord | None = None
    privacy_mode: str | None = None
    quality_target: float | None = None
    task: str | None = None
    chat_id: str | None = None
    message_id: str | None = None
    user_message_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    features: Mapping[str, bool] = field(default_factory=dict)
    parameters: Parameters = field(default_factory=Parameters)
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    attachments: tuple[str, ...] = ()
    stream: bool = True

    @property
    def is_temporary(self) -> bool:
        """A temporary chat: Open WebUI keeps nothing of it, and neither do we."""
        return (self.chat_id or "").startswith("temporary:")

    @property
    def is_tool_round(self) -> bool:
        """The model's own tool call has been run; this request carries the result."""
        return bool(self.messages) and self.messages[-1].role == "tool"

    @property
    def wants_prose(self) -> bool:
        """Whether a person reads the answer: a sentence of ours would break a program's JSON."""
        form = self.parameters.response_format
        return form is None or str(form.get("type", "text")) == "text"

    @property
    def has_images(self) -> bool:
        return any(message.images for message in self.messages)


@dataclass(frozen=True, slots=True)
class Findings:
    """What in all that would travel is private. `reasons` are words for the user, never values.

    `kinds`: how many different values of which kind were found. `is_hard`: one of them never leaves
    but by the user's word. `scrub`: a cloud target may answer, and sees placeholders. `is_open`:
    all of it may leave, because the user or the settings say so. `is_private`: nothing of it may be
    kept in a cache; a lone name is no reason for that. `no_search`: not even a cleaned query may.
    """

    must_stay_local: bool = False
    reasons: tuple[str, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    is_private: bool = False
    is_hard: bool = False
    scrub: bool = False
    is_open: bool = False
    no_search: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Which route, how sure, and why.

    `confidence` and `probabilities` are in 0..1; `needs_search` is P(needs current information),
    None when nobody asked. `degraded` names what went wrong on the way, None when nothing did.
    `propensity`: with which probability the same rules take this route again, 1 without chance.
    `p_local_ok` and `gain` are what the learned router `router_id` expects: that the local answer
    is good enough, and how much better the cloud's is; None where it was not asked.
    `drafts`: the local answer is looked at before it is shown.
    """

    route: Route
    confidence: float
    source: Source
    reason: str
    needs_search: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    prompt_id: str | None = None
    latency_ms: float = 0.0
    degraded: str | None = None
    propensity: float = 1.0
    p_local_ok: float | None = None
    gain: float | None = None
    router_id: str = ""
    drafts: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A model that can answer. `context_tokens` is the window we may fill, prompt and answer.

    `host` is the address of its server. `place` is what people call that server, "" where there
    is one only.
    """

    provider: str
    model: str
    leaves_machine: bool
    context_tokens: int
    can_see: bool = False
    can_think: bool = False
    host: str = ""
    place: str = ""

    @property
    def label(self) -> str:
        """What the status line calls it."""
        name = f"{'xAI' if self.leaves_machine else 'local'} {self.model}"
        return f"{name} on {self.place}" if self.place else name


@dataclass(frozen=True, slots=True)
class Plan:
    """Every target that this turn may ever reach, best first; nothing may reach another one.

    `is_private`: something in it must not leave the machine, and must not be kept in a cache.
    `stays_local`: why no cloud target is among them, when that was a choice; words for the user.
    `scrub`: what is private is replaced by placeholders before a cloud target sees it. `is_open`:
    the last look before the socket lets private things pass, because the user or the settings do.
    `drafts`: the first target's answer is a draft, which one of the others may replace before
    anything is shown.
    """

    targets: tuple[Target, ...]
    route: Route
    enrich: bool = False
    notes: tuple[str, ...] = ()
    is_private: bool = False
    stays_local: str = ""
    scrub: bool = False
    is_open: bool = False
    drafts: bool = False

    @property
    def may_leave(self) -> bool:
        return any(target.leaves_machine for target in self.targets)


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
