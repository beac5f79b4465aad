"""The part of a conversation that a classifier reads.

Pure. The question comes whole as far as it fits; the history before it, newest first, fills the
rest of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..sizes import BYTES_PER_TOKEN
from ..types import Message

# A classifier learns a message's subject from its beginning; whole answers would push out the
# turns before.
HISTORY_MESSAGE_BYTES = 400
# Of a question that is too long: most of the head, some of the tail, where the actual request often
# stands after a pasted text.
HEAD_SHARE = 0.6
# A question of a few lines is read even where the prompt leaves no room for it.
MIN_BYTES = 200
GAP = "\n[...]\n"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`question` as far as it fits, and `earlier` messages, one a line; "" for none."""

    question: str
    earlier: str = ""


def excerpt(question: str, history: Sequence[Message], budget_tokens: int) -> Excerpt:
    """What the classifier reads, about `budget_tokens` long. `history` comes without this turn."""
    budget_bytes = max(MIN_BYTES, int(budget_tokens * BYTES_PER_TOKEN))
    asked = shorten(question, budget_bytes)
    lines: list[str] = []
    left = budget_bytes - _size(asked)
    for message in reversed(history):
        line = _line(message)
        if not line:
            continue
        if _size(line) + 1 > left:
            break
        left -= _size(line) + 1
        lines.append(line)
    return Excerpt(asked, "\n".join(reversed(lines)))


def shorten(text: str, limit_bytes: int) -> str:
    """Head and tail of a text that is too long, in UTF-8: a Chinese letter takes 3 bytes."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit_bytes:
        return text
    room = limit_bytes - len(GAP)
    head = int(room * HEAD_SHARE)
    tail = data[len(data) - (room - head) :]
    return f"{data[:head].decode(errors='ignore')}{GAP}{tail.decode(errors='ignore')}"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _line(message: Message) -> str:
    if message.role not in {"user", "assistant"} or not message.text.strip():
        return ""
    text = " ".join(shorten(message.text, HISTORY_MESSAGE_BYTES).split())
    return f"{message.role.capitalize()}: {text}"
