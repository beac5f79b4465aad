"""The failures of a service that speaks chat completions, by status or from within a stream.

One place for all such services: what differs between them (`remedies`) is given. Knows no stream.
No sentence here holds a key, or anything that was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from .refusals import IN_ANSWER, kind_of
from .service import Service
from .wire import obj, said, shortened, signs, text

# A server may quote a header back at us.
_KEYS = re.compile(r"\b(?:xai|sk)-[\w*.-]+|(?:Bearer|Basic)\s+\S+", re.IGNORECASE)
# `{said}` is what the server said, or the status. Where it could quote a part of the key, or has
# nothing to add, it is left out.
_SENTENCES: Mapping[type[ProviderError], str] = {
    OutOfCredits: "{name} does not answer: the credits are used up.",
    Unauthorized: "{name} does not accept the key.",
    ModelMissing: "{name} has no model {model}.",
    RateLimited: "{name} takes no more requests for now{said}",
    Overloaded: "{name} is busy{said}",
    ContextTooLong: "This is longer than {model} can read{said}",
    ContentRefused: "{name} does not answer this{said}",
    Rejected: "{name} refused the request{said}",
    BadReply: "{name}'s answer failed{said}",
}


@dataclass(frozen=True, slots=True)
class Complaints:
    """What one model of one service fails with. `remedies`: what to do, by the class."""

    service: Service
    model: str
    remedies: Mapping[type[ProviderError], str] = field(default_factory=dict)

    def refused(
        self, status: int, reply: object, retry_after_s: float | None = None
    ) -> ProviderError:
        """A reply with this status; `reply` is its body as JSON, None when it is none."""
        if 300 <= status < 400:
            return Rejected(
                f"{self.service.name} sent us to another address (status {status}), which is not "
                "followed.",
                f"Check {self.service.setting}.",
                provider=self.service.provider,
                status=status,
            )
        kind = kind_of(status, signs(reply))
        words = quotable(said(reply))
        if kind is ModelMissing and "model" not in words.lower():
            return self._no_such_path(status)
        if status == 403 and kind is Unauthorized:
            sentence = "{name} does not allow this: no access, or the key is blocked."
        else:
            sentence = _SENTENCES[kind]
        return kind(
            sentence.format(
                name=self.service.name,
                model=self.model,
                said=f": {words}" if words else f" (status {status}).",
            ),
            self.remedies.get(kind, ""),
            provider=self.service.provider,
            status=status,
            retry_after_s=retry_after_s,
        )

    def broken(self, error: object) -> ProviderError:
        """An error object, or its words, in a reply whose status was fine."""
        reply = {"error": error}
        code = obj(error).get("code")
        if isinstance(code, int) and 400 <= code < 600:
            return self.refused(code, reply)
        kind = kind_of(IN_ANSWER, signs(reply))
        words = quotable(said(reply)) or quotable(text(code)) or "no cause given"
        return kind(
            _SENTENCES[kind].format(name=self.service.name, model=self.model, said=f": {words}"),
            self.remedies.get(kind, ""),
            provider=self.service.provider,
        )

    def bad(self, what: str) -> BadReply:
        return BadReply(f"{self.service.name}'s answer {what}.", provider=self.service.provider)

    def failed_there(self) -> BadReply:
        name = self.service.name
        return BadReply(
            f"The answer failed on {name[:1].lower()}{name[1:]}'s side.",
            provider=self.service.provider,
        )

    def withheld(self, words: str) -> ContentRefused:
        """The model was stopped, or declined, before it said anything."""
        reason = f": {quotable(words)}" if words else "; a filter held the answer back."
        return ContentRefused(
            _SENTENCES[ContentRefused].format(name=self.service.name, said=reason),
            self.remedies.get(ContentRefused, ""),
            provider=self.service.provider,
        )

    def _no_such_path(self, status: int) -> BadReply:
        """A path that is not there has the same status as a model, and says nothing of one."""
        return BadReply(
            f"What listens at {self.service.url} knows no chat completions (status {status}).",
            f"Check {self.service.setting}.",
            provider=self.service.provider,
            status=status,
        )


def quotable(words: str) -> str:
    """The server's words, shortened, without anything that looks like a key."""
    return shortened(_KEYS.sub("[key]", words))
