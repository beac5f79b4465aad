"""The canary: who gets it, and how often it is taken back rightly and wrongly."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.canary import LEVEL, Tally, does_harm, evidence_of_harm, gets_canary

VERSION = "0123456789ab"


def test_a_share_of_the_conversations_gets_it_and_keeps_it() -> None:
    chats = [f"chat-{n}" for n in range(4000)]
    mine = [gets_canary(chat, VERSION, 0.1) for chat in chats]
    assert sum(mine) == pytest.approx(400, abs=80)
    assert mine == [gets_canary(chat, VERSION, 0.1) for chat in chats]
    others = [gets_canary(chat, "ba9876543210", 0.1) for chat in chats]
    assert sum(a and b for a, b in zip(mine, others, strict=True)) < 90


@given(chat=st.text(min_size=1), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_takes_nobody_out(chat: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert gets_canary(chat, VERSION, high) or not gets_canary(chat, VERSION, low)


@pytest.mark.parametrize(
    ("chat", "version", "share", "gets"),
    [
        (None, VERSION, 1.0, False),
        ("", VERSION, 1.0, False),
        ("c", "", 1.0, False),
        ("c", VERSION, 0.0, False),
        ("c", VERSION, 1.0, True),
    ],
)
def test_the_ends(chat: str | None, version: str, share: float, gets: bool) -> None:
    assert gets_canary(chat, version, share) is gets


def taken_back(random: Random, ratio: float, share: float, conversations: int) -> bool:
    """Look after every single conversation, the way that fools a test with a fixed size."""
    tally = [0, 0, 0, 0]
    for _ in range(conversations):
        is_canary = random.random() < share
        is_bad = random.random() < 0.08 * (ratio if is_canary else 1.0)
        tally[0 if is_canary else 2] += 1
        tally[1 if is_canary else 3] += is_bad
        if is_bad and does_harm(Tally(*tally), share):
            return True
    return False


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_harmless_canary_is_rarely_taken_back(share: float) -> None:
    random = Random(5)
    wrongly = sum(taken_back(random, 1.0, share, 1500) for _ in range(120))
    assert wrongly <= 12  # 6 expected at most; 12 has a chance of 1 in 70


@pytest.mark.parametrize(("ratio", "least"), [(3.0, 0.7), (5.0, 0.9)])
def test_a_harmful_one_is_taken_back(ratio: float, least: float) -> None:
    random = Random(6)
    rightly = sum(taken_back(random, ratio, 0.2, 1000) for _ in range(60))
    assert rightly >= least * 60


def test_evidence_begins_at_one_and_follows_what_is_seen() -> None:
    assert evidence_of_harm(Tally(), 0.1) == pytest.approx(1.0)
    assert evidence_of_harm(Tally(canary_bad=5), 0.1) > 1 / LEVEL
    assert evidence_of_harm(Tally(active_bad=50), 0.1) < 1.0
    assert evidence_of_harm(Tally(canary_bad=9), 1.0) == 1.0
    assert evidence_of_harm(Tally(canary_bad=10**6), 0.1) > 1e9
    assert evidence_of_harm(Tally(active_bad=10**6), 0.5) == 0.0
