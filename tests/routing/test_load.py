"""Which host is asked first, and when the local hosts are busy: as tables and as properties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.load import BUSY_FROM, HostLoad, order, spill_reason
from hal.types import Target
from tests.core.things import LOCAL, fixed

A, B, C = (replace(LOCAL, host=f"http://{name}:11434", place=name) for name in "abc")
V = replace(LOCAL, provider="openai", host="http://v:8000/v1", place="v")
ALL = (A, B, C)


def loads(*targets: Target, cold: tuple[Target, ...] = (), down: tuple[Target, ...] = ()) -> list:  # type: ignore[type-arg]
    return [HostLoad(target, target not in cold, target in down) for target in targets]


def counts(**by_place: int) -> Callable[[Target], int]:
    return lambda target: by_place.get(target.place, 0)


def opened(*targets: Target) -> Callable[[Target], bool]:
    return lambda target: target in targets


NONE = counts()


@pytest.mark.parametrize(
    ("found", "busy", "broken", "want"),
    [
        (loads(A, B, C), NONE, (), (A, B, C)),
        (loads(A, B, C), counts(a=2, b=1), (), (C, B, A)),
        (loads(A, B, C, cold=(A,)), counts(b=9), (), (C, B, A)),
        (loads(A, B, C, cold=(B, C)), counts(a=9), (), (A, B, C)),
        (loads(A, B, C, cold=(C,), down=(A,)), counts(b=5), (), (B, C, A)),
        (loads(A, B, C, cold=(C,), down=(B,)), NONE, (A,), (C, B, A)),
        (loads(A, B, down=(A, B)), NONE, (A, B), (A, B)),
        ([], NONE, (), ()),
    ],
    ids=["as set", "fewest", "loaded first", "busy beats cold", "down", "broken", "all", "none"],
)
def test_order(
    found: list[HostLoad],
    busy: Callable[[Target], int],
    broken: tuple[Target, ...],
    want: tuple[Target, ...],
) -> None:
    assert order(found, busy, opened(*broken), None) == want


targets = st.lists(st.sampled_from([*ALL, V]), unique=True)
places = st.dictionaries(st.sampled_from("abcv"), st.integers(0, 5))


@fixed
@given(targets, st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL)), places, st.text())
def test_no_host_is_lost_or_added(
    some: list[Target], cold: set[Target], down: set[Target], busy: dict[str, int], chat: str
) -> None:
    found = loads(*some, cold=tuple(cold), down=tuple(down))
    got = order(found, counts(**busy), opened(*down), chat)
    assert sorted(got, key=str) == sorted(some, key=str)


CHATS = [f"chat-{number}" for number in range(300)]


def first(chat: str, *some: Target) -> Target:
    return order(loads(*some), NONE, opened(), chat)[0]


def test_a_chat_keeps_its_host_whatever_the_order_of_the_settings() -> None:
    assert all(first(chat, A, B, C) == first(chat, C, A, B) for chat in CHATS)


def test_chats_spread_over_the_hosts() -> None:
    shares = Counter(first(chat, A, B, C).place for chat in CHATS)
    assert min(shares.values()) > len(CHATS) / 3 * 0.7


def test_only_the_chats_of_a_host_that_goes_move() -> None:
    before = {chat: first(chat, A, B, C) for chat in CHATS}
    moved = [chat for chat in CHATS if first(chat, A, B) != before[chat]]
    assert moved == [chat for chat in CHATS if before[chat] == C]


def test_a_chat_leaves_its_host_for_one_that_is_less_busy() -> None:
    home = first("chat-1", A, B)
    busy = counts(**{home.place: 1})
    assert order(loads(A, B), busy, opened(), "chat-1")[0] != home


COLD = "the local model has to be loaded first"


@pytest.mark.parametrize(
    ("found", "busy", "line", "mode", "want"),
    [
        (loads(A), counts(a=9), counts(a=9), "never", ""),
        (loads(A), NONE, NONE, "busy", ""),
        (loads(A), counts(a=1), NONE, "busy", ""),
        (loads(A), counts(a=2), NONE, "busy", "2 turns are ahead of this one"),
        (loads(A), counts(a=2), counts(a=1), "busy", "3 turns are ahead of this one"),
        (loads(A, B), counts(a=5, b=1), NONE, "busy", ""),
        (loads(A, B), counts(a=5, b=2), NONE, "busy", "2 turns are ahead of this one"),
        (loads(A, B, down=(B,)), counts(a=5), NONE, "busy", "5 turns are ahead of this one"),
        (loads(A, cold=(A,)), NONE, NONE, "busy", ""),
        (loads(A, cold=(A,)), NONE, NONE, "busy_or_cold", COLD),
        (loads(A, B, cold=(A,)), NONE, NONE, "busy_or_cold", ""),
        (
            loads(A, B, cold=(A,)),
            counts(b=2),
            NONE,
            "busy_or_cold",
            "2 turns are ahead of this one",
        ),
        (loads(A, B, cold=(A,)), counts(b=2), NONE, "busy", ""),
        (loads(A, B, cold=(A,), down=(B,)), NONE, NONE, "busy_or_cold", COLD),
        (loads(A, down=(A,)), counts(a=9), NONE, "busy_or_cold", ""),
        ([], NONE, NONE, "busy_or_cold", ""),
    ],
)
def test_spill(
    found: list[HostLoad],
    busy: Callable[[Target], int],
    line: Callable[[Target], int],
    mode: str,
    want: str,
) -> None:
    assert spill_reason(found, busy, line, mode) == want


def test_what_is_busy_depends_on_the_host() -> None:
    assert spill_reason(loads(V), counts(v=BUSY_FROM["openai"] - 1), NONE, "busy") == ""
    assert spill_reason(loads(V), counts(v=BUSY_FROM["openai"]), NONE, "busy")
    assert spill_reason(loads(A, V), counts(a=3, v=3), NONE, "busy") == ""


@pytest.mark.parametrize(("concurrent", "busy", "spills"), [(1, 1, True), (4, 3, False)])
def test_a_limit_that_the_user_set_is_what_a_host_can_do(
    concurrent: int, busy: int, spills: bool
) -> None:
    reason = spill_reason(loads(A), counts(a=busy), NONE, "busy", concurrent)
    assert bool(reason) is spills
    assert not reason or reason == "1 turn is ahead of this one"
