"""The vocabulary of what a test server does: a script is a list of steps.

Knows no protocol: how a step looks on the wire is the dialect's business (`xai`, `ollama`).
A script may also be a function of the request's JSON, so that an answer can depend on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """One piece of visible text."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """One piece of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """Answer with the most probable label; with logprobs where request and server have them.

    `probabilities` sum to at most 1. With `first_chars`, labels are cut after that many
    characters, as a tokenizer would: the distribution then stands at the first piece.
    """

    probabilities: Mapping[str, float]
    first_chars: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One complete function call by the model."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class Finish:
    """The finish reason; without it, "stop" (or "tool_calls" after a ToolCall)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """The numbers the server bills; without it, they are estimated from the texts.

    `reasoning_tokens` are billed on top of `completion_tokens`, as xAI does.
    `cost_usd` None means: computed from the model's prices.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Say nothing for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Say nothing until the test sets the event: order without timing."""

    event: threading.Event


@dataclass(frozen=True, slots=True)
class Stall:
    """Never go on; ends when the client leaves. As the first step: not even a head."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and body, and nothing else. Text is sent as HTML, dicts as JSON."""

    code: int
    body: Mapping[str, Any] | str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begin:
    """Send the head now, with these headers added. Otherwise the first text sends it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    code: int = 200


@dataclass(frozen=True, slots=True)
class Raw:
    """Body bytes as they are, in intact HTTP framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes on the socket as they are, without any framing (not even a head)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection in mid-answer; `reset` sends RST instead of FIN."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """An error within the stream, which ends there."""

    text: str


@dataclass(frozen=True, slots=True)
class End:
    """End the body cleanly here: no implied finish, usage or [DONE]."""


Content = Say | Think | Label | ToolCall | Finish | Usage | ErrorLine
Pause = Sleep | Until | Stall
Step = Content | Pause | Status | Begin | Raw | Wire | Cut | End
Steps = Sequence[Step]
Body = dict[str, Any]
Script = Steps | Callable[[Body], Steps]
Matcher = str | Callable[[Body], bool]


def words(text: str, gap_s: float = 0.0) -> list[Step]:
    """Say the text word by word, with a pause before each word but the first."""
    steps: list[Step] = []
    for index, word in enumerate(text.split(" ")):
        if index and gap_s:
            steps.append(Sleep(gap_s))
        steps.append(Say(f" {word}" if index else word))
    return steps


class Playbook:
    """Chooses the script for each request. The rule added last is tried first.

    A rule holds one or more scripts: each matching request takes the next, the last repeats.
    """

    def __init__(self, default: Script) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Matcher | None, list[Script]]] = [(None, [default])]

    def add(self, match: Matcher | None, *scripts: Script) -> None:
        """Add a rule for a model's name, a predicate on the request, or (None) any request."""
        if not scripts:
            raise ValueError("a rule needs at least one script")
        with self._lock:
            self._rules.append((match, list(scripts)))

    def steps(self, body: Body) -> Steps:
        """The steps for this request."""
        script = self._next(body)
        return script(body) if callable(script) else script

    def _next(self, body: Body) -> Script:
        with self._lock:
            for match, scripts in reversed(self._rules):
                if _matches(match, body):
                    return scripts.pop(0) if len(scripts) > 1 else scripts[0]
        raise LookupError("the default rule matches everything")


def _matches(match: Matcher | None, body: Body) -> bool:
    if match is None:
        return True
    return body.get("model") == match if isinstance(match, str) else match(body)


def last_user_text(body: Body) -> str:
    """The text of the last user message, image parts left out; "" when there is none."""
    for message in reversed(body.get("messages") or []):
        if message.get("role") == "user":
            return content_text(message.get("content"))
    return ""


def content_text(content: object) -> str:
    """Message content, a string or a list of parts, as text."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def rough_tokens(text: str) -> int:
    """A deterministic stand-in for a tokenizer: four characters to the token, rounded up."""
    return -(-len(text) // 4)


def prompt_tokens(body: Body) -> int:
    """Rough size of all messages of a chat request."""
    return sum(rough_tokens(content_text(m.get("content"))) for m in body.get("messages") or [])
