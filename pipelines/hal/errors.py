"""Errors by class; the class says whether trying again, or elsewhere, can help.

Knows no client library: each provider translates its own exceptions in one place.

    HalError
    ├── ConfigError                  a setting, prompt or file is wrong; nobody can retry
    ├── NoTarget                     no permitted target can answer this turn
    ├── EgressRefused                the log could not take the egress row: nothing was sent
    └── ProviderError                a target failed
        ├── Unreachable              nothing listens there, or the name does not resolve
        ├── Timeout                  no first token, or no next one, in time
        ├── Overloaded               busy or rate limited; `retry_after_s` when it said so
        ├── ModelMissing             the server runs, the model is not there
        ├── Unauthorized             the key is missing, wrong or out of credits
        ├── Rejected                 the request itself was refused
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


class EgressRefused(HalError):
    code = "egress_refused"


class ProviderError(HalError):
    """A target failed before or while it answered."""

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


class Timeout(ProviderError):
    code = "timeout"


class Overloaded(ProviderError):
    code = "overloaded"


class ModelMissing(ProviderError):
    code = "model_missing"


class Unauthorized(ProviderError):
    code = "unauthorized"


class Rejected(ProviderError):
    code = "rejected"


class BadReply(ProviderError):
    code = "bad_reply"
