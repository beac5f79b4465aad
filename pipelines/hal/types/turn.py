"""What comes in: one turn with its conversation, as read from the request.

Knows no server and no wire format; every value is frozen, so that parallel steps can share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .words import Override, PrivacyWord


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
