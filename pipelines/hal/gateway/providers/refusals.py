"""What a refusal means: the class of the error, by its status and the words that came with it.

Pure, and the one place for it in all dialects. Knows no sentence for the user, and what a status
of its own means to one server alone (Ollama's 404) stands with that server.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import (
    BadReply,
    ContentRefused,
    ContextTooLong,
    ModelMissing,
    OutOfCredits,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Unauthorized,
)

# The "status" of an error within an answer that had begun well.
IN_ANSWER = 0

CREDITS = (
    "credit",
    "insufficient_quota",
    "insufficient quota",
    "exceeded your current quota",
    "spending limit",
)
TOO_LONG = (
    "maximum prompt length",  # xAI
    "context length",  # vLLM, LM Studio, Ollama
    "context_length",  # OpenAI's code
    "exceeds the context",
    "exceeds the available context",  # llama.cpp
    "exceed_context_size",
    "maximum model length",  # vLLM
    "too many tokens",
    "prompt is too long",
    "input is too long",
)
REFUSED_CONTENT = (
    "usage guidelines",  # xAI
    "safety_check",
    "safety check",
    "content_filter",  # OpenAI, Azure
    "content filter",
    "content_policy",
    "content policy",
    "content management policy",
    "responsibleai",
    "moderation",
)
RATE = ("rate limit", "rate_limit", "too many requests")
BUSY = ("server busy", "server is busy", "overloaded")
KEY = ("api key", "api_key")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Holds for these statuses; when there are words, for messages with one of them."""

    kind: type[ProviderError]
    statuses: tuple[int, ...]
    words: tuple[str, ...] = ()

    def holds(self, status: int, signs: str) -> bool:
        if status not in self.statuses:
            return False
        return not self.words or any(word in signs for word in self.words)


# The first one that holds. Older llama.cpp and Ollama say with a 500 that a prompt is too long.
_RULES = (
    _Rule(OutOfCredits, (402,)),
    _Rule(OutOfCredits, (IN_ANSWER, 403, 429), CREDITS),
    _Rule(ContextTooLong, (413,)),
    _Rule(ContextTooLong, (IN_ANSWER, 400, 422, 500), TOO_LONG),
    _Rule(ContentRefused, (IN_ANSWER, 400, 403, 422), REFUSED_CONTENT),
    _Rule(RateLimited, (429,)),
    _Rule(RateLimited, (IN_ANSWER,), RATE),
    _Rule(Overloaded, (IN_ANSWER,), BUSY),
    _Rule(Unauthorized, (401, 403, 407)),
    _Rule(Unauthorized, (400,), KEY),
    _Rule(ModelMissing, (404,)),
    _Rule(Overloaded, (408, 409)),
)


def kind_of(status: int, signs: str) -> type[ProviderError]:
    """The class for this status (IN_ANSWER: there is none) and the server's words about it."""
    lowered = signs.lower()
    for rule in _RULES:
        if rule.holds(status, lowered):
            return rule.kind
    if status >= 500:
        return Overloaded
    return Rejected if status >= 300 else BadReply
