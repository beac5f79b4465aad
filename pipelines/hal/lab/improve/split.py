"""Gives every case its side: what is learned from, what is chosen by, and what stays unseen.

Pure. By whole conversations, and for good: a conversation that has a side keeps it, whatever comes
later. The first time, by time: the oldest half to learn from, the newest to test on, as the next
month will be newer still. Afterwards by a hash of the chat's id, in the same shares.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import zip_longest

from .cases import Case, Side
from .gate import MIN_CASES

TRAIN_SHARE = 0.5
# 60 cases chose better than 30 and than 150 for a budget of 1,000 calls (fact sheet, section 5).
VALIDATION, VALIDATION_LEAST = 60, 30
# Of a large log, what the test gets beyond the least that the gate wants.
TEST_SHARE = 0.3


def split(cases: Sequence[Case], retired: Collection[str] = ()) -> list[Case]:
    """The cases with their sides, in the order given. `retired` were looked at too often."""
    known = _known(cases)
    new = [case for case in cases if not case.side and case.chat not in known]
    sides = {**known, **(_by_hash(new) if known else _by_time(new))}
    return [_placed(case, sides, retired) for case in cases]


def _placed(case: Case, sides: Mapping[str, Side], retired: Collection[str]) -> Case:
    if case.side == Side.PIN:
        return case
    side = Side.TRAIN if case.id in retired else Side(case.side or sides[case.chat])
    return replace(case, side=str(side))


def _known(cases: Sequence[Case]) -> dict[str, Side]:
    """Sides of conversations; one that was learned from in part may not be tested with."""
    found: dict[str, Side] = {}
    for case in cases:
        if case.side and case.side != Side.PIN:
            side = Side(case.side)
            found[case.chat] = side if found.get(case.chat, side) == side else Side.TRAIN
    return found


def _by_hash(cases: Sequence[Case]) -> dict[str, Side]:
    return {case.chat: _side_of(_share(case.chat)) for case in cases}


def _side_of(share: float) -> Side:
    if share < TRAIN_SHARE:
        return Side.TRAIN
    return Side.TEST if share >= 1 - TEST_SHARE else Side.VALIDATION


def _share(chat: str) -> float:
    """Where a chat falls between 0 and 1, the same on every machine."""
    digest = blake2b(chat.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _by_time(cases: Sequence[Case]) -> dict[str, Side]:
    groups = _conversations(cases)
    total = len(cases)
    for_test = min(max(MIN_CASES, int(TEST_SHARE * total)), total - int(TRAIN_SHARE * total))
    old, rest = _cut(groups, int(TRAIN_SHARE * total))
    middle, new = _cut(rest, max(total - _size(old) - for_test, min(VALIDATION_LEAST, total // 10)))
    chosen = {chat for chat, _ in _stratified(middle)}
    sides = {chat: Side.TRAIN for chat, _ in old}
    sides |= {chat: Side.VALIDATION if chat in chosen else Side.TRAIN for chat, _ in middle}
    return {**sides, **{chat: Side.TEST for chat, _ in new}}


_Group = tuple[str, list[Case]]


def _conversations(cases: Sequence[Case]) -> list[_Group]:
    """By the time of their first case, oldest first."""
    found: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: (case.at, case.id)):
        found.setdefault(case.chat, []).append(case)
    return list(found.items())


def _size(groups: Sequence[_Group]) -> int:
    return sum(len(cases) for _, cases in groups)


def _cut(groups: Sequence[_Group], size: int) -> tuple[list[_Group], list[_Group]]:
    """The first conversations with at least `size` cases, and the others."""
    at = taken = 0
    while at < len(groups) and taken < size:
        taken += len(groups[at][1])
        at += 1
    return list(groups[:at]), list(groups[at:])


def _stratified(groups: Sequence[_Group]) -> Iterator[_Group]:
    """Conversations of every route in turn, up to the number of cases that choose best."""
    lanes: dict[str, list[_Group]] = {}
    for group in groups:
        lanes.setdefault(group[1][0].expected, []).append(group)
    taken = 0
    for row in zip_longest(*lanes.values()):
        for group in filter(None, row):
            if taken >= VALIDATION:
                return
            taken += len(group[1])
            yield group
