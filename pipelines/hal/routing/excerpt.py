"""The part of a conversation that a classifier reads.

Pure. The question comes whole as far as it fits; the history before it, newest first, fills the
rest of the window.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..sizes import BYTES_PER_TOKEN
from ..types import Message

# A classifier learns a message's subject from its beginning; whole answers would push out the
# turns before.
HISTORY_MESSAGE_CHARS = 400
# Of a question that is too long: most of the head, some of the tail, where the actual request often
# stands after a pasted text.
HEAD_SHARE = 0.6
GAP = "\n[...]\n"


def excerpt(question: str, history: Sequence[Message], budget_tokens: int) -> str:
    """What the classifier reads, about `budget_tokens` long. `history` comes without this turn."""
    budget_chars = max(200, int(budget_tokens * BYTES_PER_TOKEN))
    asked = shorten(question, budget_chars)
    lines: list[str] = []
    left = budget_chars - len(asked)
    for message in reversed(history):
        line = _line(message)
        if not line:
            continue
        if len(line) > left:
            break
        left -= len(line)
        lines.append(line)
    if not lines:
        return asked
    earlier = "\n".join(reversed(lines))
    return f"{asked}\n\n(Earlier in this conversation:\n{earlier})"


def shorten(text: str, limit_chars: int) -> str:
    """Head and tail of a text that is too long."""
    if len(text) <= limit_chars:
        return text
    room = limit_chars - len(GAP)
    head = int(room * HEAD_SHARE)
    return f"{text[:head]}{GAP}{text[len(text) - (room - head) :]}"


def _line(message: Message) -> str:
    if message.role not in {"user", "assistant"} or not message.text.strip():
        return ""
    text = " ".join(shorten(message.text, HISTORY_MESSAGE_CHARS).split())
    return f"{message.role.capitalize()}: {text}"
