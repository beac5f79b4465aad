"""Retries at the same target: every row of the fault catalogue, and the three rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import (
    BadReply,
    CircuitOpen,
    ConfigError,
    ConnectionRefused,
    ConnectionReset,
    ContentRefused,
    ContextTooLong,
    EgressRefused,
    HalError,
    LimitReached,
    ModelMissing,
    NoTarget,
    OutOfCredits,
    OverBudget,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway.retry import Change, Retry, Tries, next_try
from hal.types import Target
from tests.core.things import CLOUD, LOCAL, fixed

BOTH, FREE, NOWHERE = {LOCAL, CLOUD}, {LOCAL}, set[Target]()
QUICK, BUSY, NOW = (0.2, 0.4), (0.2, 1.0), (0.0, 0.0)
BARE, SHORTER, NONE = Change.BARE, Change.SHORTER, Change.NONE


def ask(
    error: HalError,
    target: Target = LOCAL,
    tries: Tries = Tries(),  # noqa: B008 - frozen
    remaining_s: float = 60.0,
    jitter: float = 0.5,
) -> Retry | None:
    return next_try(error, tries, target, remaining_s=remaining_s, jitter=jitter)


@pytest.mark.parametrize(
    ("error", "where", "wait_s", "change"),
    [
        # a. nobody there
        (ConnectionRefused("x"), BOTH, QUICK, NONE),
        (ConnectionReset("x"), BOTH, QUICK, NONE),
        (Unreachable("x"), NOWHERE, None, NONE),
        # the request itself
        (Rejected("x", status=400), BOTH, NOW, BARE),
        (Rejected("x", status=422), BOTH, NOW, BARE),
        (Rejected("x", status=307), NOWHERE, None, NONE),
        (Rejected("x"), NOWHERE, None, NONE),
        (ContextTooLong("x", status=400), BOTH, NOW, SHORTER),
        (ContextTooLong("x"), BOTH, NOW, SHORTER),
        (Rejected("x", status=413), BOTH, NOW, SHORTER),
        (ContentRefused("x", status=400), NOWHERE, None, NONE),
        (ContentRefused("x", status=403), NOWHERE, None, NONE),
        # the account
        (Unauthorized("x", status=401), NOWHERE, None, NONE),
        (OutOfCredits("x", status=402), NOWHERE, None, NONE),
        (OutOfCredits("x", status=429), NOWHERE, None, NONE),
        (ModelMissing("x", status=404), NOWHERE, None, NONE),
        # busy or failing
        *[(Overloaded("x", status=s), BOTH, BUSY, NONE) for s in (408, 409, 500, 503, 529)],
        # R3: a proxy may have lost a server that goes on and bills
        *[(Overloaded("x", status=s), BOTH, BUSY, NONE) for s in (502, 504)],
        *[(Overloaded("x", status=s), FREE, BUSY, NONE) for s in (520, 524)],
        (Overloaded("x"), BOTH, BUSY, NONE),
        # too many requests
        (RateLimited("x", status=429), BOTH, BUSY, NONE),
        (RateLimited("x", status=429, retry_after_s=1.5), BOTH, (1.5, 1.5), NONE),
        (RateLimited("x", status=429, retry_after_s=2.0), BOTH, (2.0, 2.0), NONE),
        (RateLimited("x", status=429, retry_after_s=2.1), NOWHERE, None, NONE),
        (RateLimited("x", status=429, retry_after_s=math.inf), NOWHERE, None, NONE),
        (RateLimited("x", status=429, retry_after_s=0.0), BOTH, BUSY, NONE),
        (RateLimited("x", status=429, retry_after_s=math.nan), BOTH, BUSY, NONE),
        (Overloaded("x", status=503, retry_after_s=30.0), NOWHERE, None, NONE),
        (Overloaded("x", status=503, retry_after_s=1.0), BOTH, (1.0, 1.0), NONE),
        # e. too late: the next target
        (Timeout("x"), NOWHERE, None, NONE),
        # f. an answer that is none; it may have been billed
        (BadReply("x"), FREE, QUICK, NONE),
        (ProviderError("x"), NOWHERE, None, NONE),
        # ours
        (CircuitOpen("x", retry_after_s=1.0), NOWHERE, None, NONE),
        (LimitReached("x", retry_after_s=1.0), NOWHERE, None, NONE),
        (OverBudget("x"), NOWHERE, None, NONE),
        (EgressRefused("x"), NOWHERE, None, NONE),
        (NoTarget("x"), NOWHERE, None, NONE),
        (ConfigError("x"), NOWHERE, None, NONE),
    ],
)
def test_the_fault_catalogue(
    error: HalError, where: set[Target], wait_s: tuple[float, float] | None, change: Change
) -> None:
    for target in BOTH:
        low, high = ask(error, target, jitter=0.0), ask(error, target, jitter=1.0)
        if target not in where:
            assert (low, high) == (None, None)
            continue
        assert wait_s is not None
        assert low == Retry(wait_s[0], change)
        assert high == Retry(wait_s[1], change)


@pytest.mark.parametrize(
    "error",
    [
        *[ConnectionRefused("x"), ConnectionReset("x"), Overloaded("x"), RateLimited("x")],
        *[BadReply("x"), Rejected("x", status=400), ContextTooLong("x")],
    ],
)
def test_each_is_done_once(error: HalError) -> None:
    first = ask(error)
    assert first is not None
    assert ask(error, tries=Tries().after(first)) is None


def test_a_changed_request_may_still_meet_a_busy_server_and_the_other_way_round() -> None:
    tries = Tries()
    for error, change in (
        (Overloaded("x", status=503), NONE),
        (Rejected("x", status=400), BARE),
        (ContextTooLong("x"), SHORTER),
    ):
        retry = ask(error, tries=tries)
        assert retry is not None
        assert retry.change is change
        tries = tries.after(retry)
    assert tries == Tries(True, True, True)


def test_another_kind_of_trouble_is_no_second_chance() -> None:
    """Refused, then busy: the server is coming up, and the next target is there already."""
    refused = ask(ConnectionRefused("x"))
    assert refused is not None
    assert ask(Overloaded("x"), tries=Tries().after(refused)) is None


def test_what_cannot_be_changed_is_not_tried_again() -> None:
    assert ask(Rejected("x", status=400), tries=Tries(bare=True)) is None
    assert ask(ContextTooLong("x"), tries=Tries(shorter=True)) is None


@pytest.mark.parametrize(
    ("error", "remaining_s", "fits"),
    [
        (RateLimited("x", retry_after_s=1.5), 1.6, True),
        (RateLimited("x", retry_after_s=1.5), 1.5, False),
        (Overloaded("x"), 0.5, False),
        (ConnectionRefused("x"), 0.3, False),
        (Rejected("x", status=400), 0.1, True),
        (Rejected("x", status=400), 0.0, False),
        (ContextTooLong("x"), -1.0, False),
    ],
)
def test_no_wait_beyond_the_deadline(error: HalError, remaining_s: float, fits: bool) -> None:
    assert (ask(error, remaining_s=remaining_s) is not None) is fits


every_error = st.sampled_from(
    [
        *[ConnectionRefused, ConnectionReset, Unreachable, Timeout, Overloaded, RateLimited],
        *[ModelMissing, Unauthorized, OutOfCredits, Rejected, ContextTooLong, ContentRefused],
        BadReply,
    ]
).flatmap(
    lambda kind: st.builds(
        kind,
        st.just("x"),
        status=st.none() | st.integers(200, 599),
        retry_after_s=st.none() | st.floats(),
    )
)


@fixed
@given(
    st.lists(every_error, min_size=8, max_size=8),
    st.sampled_from([LOCAL, CLOUD]),
    st.floats(0, 1),
    st.floats(0, 10),
)
def test_it_ends_soon_and_within_the_deadline(
    faults: list[HalError], target: Target, jitter: float, remaining_s: float
) -> None:
    """A server that fails in another way each time is left after three retries."""
    tries, waited_s, retries = Tries(), 0.0, 0
    for error in faults:
        retry = ask(error, target, tries, remaining_s - waited_s, jitter)
        if retry is None:
            continue  # worse than the gateway, which goes on to the next target
        assert 0 <= retry.wait_s <= 2.0
        tries, waited_s, retries = tries.after(retry), waited_s + retry.wait_s, retries + 1
    assert retries <= 3
    assert retries == 0 or waited_s < remaining_s
