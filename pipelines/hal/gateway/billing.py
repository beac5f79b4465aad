"""Which calls a provider may bill although nobody said so.

Pure. Errs on the side of the bill: a budget must not be passed by calls that broke off.
"""

from __future__ import annotations

from ..errors import (
    ConnectionReset,
    HalError,
    ModelMissing,
    NotSent,
    Overloaded,
    Rejected,
    Unauthorized,
    Unreachable,
)
from ..types import Outcome

# Answered with an error status, or never reached: nobody bills those.
_NOT_TAKEN = (NotSent, Unreachable, Overloaded, Unauthorized, Rejected, ModelMissing)


def may_be_billed(outcome: Outcome, error: HalError | None) -> bool:
    """Whether a call that ended so may cost something; `error` is what ended it, if anything."""
    if outcome is Outcome.DONE or error is None:
        return True  # stopped by us while it ran, or done without a word about tokens
    # A connection that broke before the reply's head may have carried the whole request.
    return isinstance(error, ConnectionReset) or not isinstance(error, _NOT_TAKEN)
