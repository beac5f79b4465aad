"""How many tokens something takes, roughly, before any model has counted it.

Knows no tokenizer: every model has its own, and an estimate is enough to choose and to trim.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from .types import Message

# Bytes per token over English, German and code with Llama-like vocabularies: 3.4 to 4.2. The lower
# half of that range, so that an estimate errs towards too many tokens.
BYTES_PER_TOKEN = 3.6
# Role, separators and template of one message.
MESSAGE_TOKENS = 5
# What vision models make of one picture: 256 to about 1,600 tokens.
IMAGE_TOKENS = 1000
# Room for an answer of about a page: below that a model with a full window stops in mid-sentence.
ANSWER_TOKENS = 1024


def text_tokens(text: str) -> int:
    # Half an emoji, which JSON can carry, has no UTF-8 of its own.
    return ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def message_tokens(message: Message) -> int:
    calls = sum(text_tokens(call.name + call.arguments) for call in message.tool_calls)
    return MESSAGE_TOKENS + text_tokens(message.text) + IMAGE_TOKENS * len(message.images) + calls


def conversation_tokens(messages: Sequence[Message]) -> int:
    return sum(message_tokens(message) for message in messages)
