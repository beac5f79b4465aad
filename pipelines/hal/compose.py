"""From a turn to the request for one target: messages that fit its window.

Pure. Drops the oldest messages, never the system prompt and never the last user message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from .errors import ContextTooLong
from .sizes import ANSWER_TOKENS, conversation_tokens
from .types import Evidence, Message, Parameters, Request, Target, Turn


def compose(turn: Turn, target: Target, evidence: Evidence, *, pass_tools: bool) -> Request:
    """The request for this target; ContextTooLong when even the last message does not fit."""
    # Beside the words of strangers a model gets nothing to act with.
    tools = turn.tools if pass_tools and not evidence.sources else ()
    messages = _with_question(_with_instructions(turn.messages, evidence), turn, evidence)
    room = (
        target.context_tokens - _answer_tokens(turn, target) - sum(len(str(t)) for t in tools) // 4
    )
    kept = _fit(messages, room, target)
    return Request(
        target=target,
        messages=kept,
        parameters=turn.parameters,
        tools=tools,
        tool_choice=turn.tool_choice if tools else None,
        conversation_id=conversation_id(turn.chat_id),
        dropped_messages=len(messages) - len(kept),
    )


def bare(request: Request) -> Request:
    """The request without what a server may refuse and an answer can do without."""
    kept = request.parameters
    parameters = Parameters(max_tokens=kept.max_tokens, response_format=kept.response_format)
    return replace(request, parameters=parameters, tools=(), tool_choice=None)


def shorter(request: Request) -> Request:
    """The request with half of its history at most, whatever we think that fits: who finds it too
    long counts otherwise, or holds less than it says."""
    system, rest, last_user = _parts(request.messages)
    start = _start(rest, last_user, conversation_tokens(rest[:last_user]) // 2)
    dropped = request.dropped_messages + start
    return replace(request, messages=(*system, *rest[start:]), dropped_messages=dropped)


def conversation_id(chat_id: str | None) -> str | None:
    """A stable name for the chat that does not tell the chat's own id."""
    return sha256(f"hal-auto:{chat_id}".encode()).hexdigest()[:32] if chat_id else None


def _answer_tokens(turn: Turn, target: Target) -> int:
    # Below zero means "without limit" to some servers, and must not make room here.
    wanted = turn.parameters.max_tokens or ANSWER_TOKENS
    return min(wanted if wanted > 0 else ANSWER_TOKENS, target.context_tokens // 4)


def _with_instructions(messages: Sequence[Message], evidence: Evidence) -> list[Message]:
    if not evidence.instructions:
        return list(messages)
    first = messages[0] if messages and messages[0].role == "system" else None
    if first is None:
        return [Message("system", evidence.instructions), *messages]
    return [replace(first, text=f"{first.text}\n\n{evidence.instructions}"), *messages[1:]]


def _with_question(messages: list[Message], turn: Turn, evidence: Evidence) -> list[Message]:
    """The sources stand with the question, behind all history: what is last is read best. What
    Open WebUI has put around the question, a file above all, stays."""
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=None)
    if not evidence.question or last is None:
        return messages
    said = messages[last].text
    head, found, tail = said.rpartition(turn.question)
    # Not found where masking has read the two in different ways: better twice than a file lost.
    text = f"{head}{evidence.question}{tail}" if found else f"{said}\n\n{evidence.question}"
    return [*messages[:last], replace(messages[last], text=text), *messages[last + 1 :]]


def _fit(messages: Sequence[Message], room_tokens: int, target: Target) -> tuple[Message, ...]:
    system, rest, last_user = _parts(messages)
    used = conversation_tokens(system) + conversation_tokens(rest[last_user:])
    if used > room_tokens:
        raise ContextTooLong(
            f"This turn is about {used:,} tokens long, more than {target.label} can hold "
            f"({target.context_tokens:,}).",
            "Shorten it, raise LOCAL_CONTEXT_TOKENS, or let the cloud answer it.",
        )
    return (*system, *rest[_start(rest, last_user, room_tokens - used) :])


def _parts(messages: Sequence[Message]) -> tuple[list[Message], list[Message], int]:
    """The system prompt, the conversation, and where in it the last user message stands."""
    system = [message for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    return system, rest, max((i for i, m in enumerate(rest) if m.role == "user"), default=0)


def _start(rest: Sequence[Message], last_user: int, room_tokens: int) -> int:
    """From where on the history fits into this room."""
    start = last_user
    while start > 0:
        room_tokens -= conversation_tokens(rest[start - 1 : start])
        if room_tokens < 0:
            break
        start -= 1
    # An answer without its question, or a tool result without its call, only confuses a model.
    while 0 < start < last_user and rest[start].role != "user":
        start += 1
    return start
