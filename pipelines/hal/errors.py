"""Errors by class; the class says whether trying again, or elsewhere, can help.

Knows no client library: each provider translates its own exceptions in one place.

    HalError
    ├── ConfigError                  a setting, prompt or file is wrong; nobody can retry
    ├── NoTarget                     no permitted target can answer this turn
    ├── NotSent                      a policy of ours held the call back: no byte was sent
    │   ├── EgressRefused            the plan does not name it, or the log cannot take the row
    │   ├── CircuitOpen              it failed a moment ago; asked again after `retry_after_s`
    │   ├── OverBudget               the money or the share of turns that the user set is used up
    │   └── LimitReached             requests per minute, or at the same time
    └── ProviderError                a target failed
        ├── Unreachable              the name does not resolve, or no safe connection
        │   ├── ConnectionRefused    nothing listens there
        │   └── ConnectionReset      closed before the head of a reply
        ├── Timeout                  no first token, or no next one, in time
        ├── Overloaded               busy or failing; the request was not taken
        │   └── RateLimited          too many requests; `retry_after_s` when it said so
        ├── ModelMissing             the server runs, the model is not there
        ├── Unauthorized             the key is missing or wrong
        │   └── OutOfCredits         the key is right and the account is empty
        ├── Rejected                 the request itself was refused
        │   ├── ContextTooLong       longer than the model's window
        │   └── ContentRefused       the provider does not answer this
        └── BadReply                 an answer that is none: HTML, nothing, an error in a 200
"""

from __future__ import annotations


class HalError(Exception):
    """Root. `str()` is a sentence for the user: what broke; `remedy` says what to do."""

    code = "failed"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    @property
    def sentence(self) -> str:
        return f"{self} {self.remedy}".strip()


class ConfigError(HalError):
    code = "config"


class NoTarget(HalError):
    code = "no_target"


class NotSent(HalError):
    """A policy held the call back; another target may be asked."""

    code = "not_sent"

    def __init__(
        self, message: str, remedy: str = "", *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.retry_after_s = retry_after_s


class EgressRefused(NotSent):
    code = "egress_refused"


class CircuitOpen(NotSent):
    code = "circuit_open"


class OverBudget(NotSent):
    code = "over_budget"


class LimitReached(NotSent):
    code = "limit_reached"


class ProviderError(HalError):
    """A target failed before or while it answered.

    `status` is the HTTP status of the reply, None when there was none. `retry_after_s`: how long
    the server asked us to wait.
    """

    code = "provider"

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        provider: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.provider = provider
        self.status = status
        self.retry_after_s = retry_after_s


class Unreachable(ProviderError):
    code = "unreachable"


class ConnectionRefused(Unreachable):
    code = "refused"


class ConnectionReset(Unreachable):
    code = "reset"


class Timeout(ProviderError):
    code = "timeout"


class Overloaded(ProviderError):
    code = "overloaded"


class RateLimited(Overloaded):
    code = "rate_limited"


class ModelMissing(ProviderError):
    code = "model_missing"


class Unauthorized(ProviderError):
    code = "unauthorized"


class OutOfCredits(Unauthorized):
    code = "out_of_credits"


class Rejected(ProviderError):
    code = "rejected"


class ContextTooLong(Rejected):
    code = "context_too_long"


class ContentRefused(Rejected):
    code = "content_refused"


class BadReply(ProviderError):
    code = "bad_reply"
