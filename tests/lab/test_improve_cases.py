"""From the log to cases with a side: what is masked, left out, and never moved again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.lab.improve import mine
from hal.lab.improve.cases import Case, Side, Sides, as_json, from_json
from hal.lab.improve.collect import PER_CHAT, collect
from hal.lab.improve.gate import MIN_CASES
from hal.lab.improve.likeness import distinct
from hal.lab.improve.split import VALIDATION, split
from hal.privacy.detect import Detector
from hal.privacy.name_lists import NameLists
from hal.sessions.reader import SessionReader
from hal.sessions.statements import save
from tests.sessions import rows

from .improving import NOON, case, world

FIND = Detector(NameLists.load()).find
SUBJECTS = (
    *("How do bees find their hive?", "Prove the spectral theorem.", "good morning, you"),
    *("Translate house to Danish", "Weather in Bergen tomorrow", "Plan a trip over the Alps"),
)


def logged(path: Path, questions: Sequence[str], **changes: Any) -> SessionReader:
    with rows.opened(path) as store:
        for at, text in enumerate(questions):
            id = f"turn-{at}"
            fields = {"route": "MODERATE", "started_at": NOON + at, **changes}
            store.write(rows.turn(id, **fields))
            store.write(rows.content(id, question=text, answer=f"Answer {at}."))
            store.apply(partial(save, row=rows.case(id))).result(rows.SOON_S)
    return SessionReader(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.db"


def test_a_case_has_no_private_text_and_knows_what_came_before(path: Path) -> None:
    asked = [
        "Write to anna.meier@kalender-bergen.no.",
        "Is anna.meier@kalender-bergen.no a good address, really?",
    ]
    found = collect(logged(path, asked, chat_id="one"), FIND).cases
    assert [one.question.count("kalender-bergen") for one in found] == [0, 0]
    second = found[1]
    assert second.expected == "ENRICH"
    assert second.earlier[0][0] == "user"
    assert second.earlier[1] == ("assistant", "Answer 0.")
    token = second.question.removeprefix("Is ").partition(" ")[0]
    assert token.startswith("[[EMAIL")
    assert token in second.earlier[0][1]
    assert second.turn.messages[-1].text == second.question


def test_three_of_a_chat_are_enough_and_a_pin_always_stays(path: Path) -> None:
    reader = logged(path, SUBJECTS, chat_id="one")
    pinned = "UPDATE eval_case SET split = 'pin' WHERE turn_id = 'turn-0'"
    rows.sql(path, pinned)
    found = collect(reader, FIND)
    assert len(found.cases) == PER_CHAT
    assert "turn-0" in {one.id for one in found.cases}
    assert found.of_one_chat == len(SUBJECTS) - PER_CHAT


def test_cases_without_their_text_are_none(path: Path) -> None:
    reader = logged(path, SUBJECTS[:2], chat_id=None)
    rows.sql(path, "DELETE FROM content WHERE turn_id = 'turn-0'")
    assert [one.id for one in collect(reader, FIND).cases] == ["turn-1"]
    assert collect(reader, FIND, since=NOON + 99).cases == ()
    assert collect(SessionReader(path.with_name("none")), FIND).cases == ()


def test_a_private_turn_is_known_as_one(path: Path) -> None:
    reader = logged(path, SUBJECTS[:1], private_kinds={"EMAIL": 1})
    assert collect(reader, FIND).cases[0].is_private


ALIKE = "How do I renew my passport in Norway?"


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (ALIKE, 1),
        ("how do i renew my passport in norway", 1),
        ("How do I renew my pasport in Norway?", 1),
        ("How do I renew my licence in Norway?", 2),
        ("What is 3 + 4?", 2),
    ],
)
def test_near_duplicates_are_merged(other: str, kept: int) -> None:
    assert len(distinct([case("a", question=ALIKE), case("b", question=other)])) == kept


def test_another_number_or_answer_is_another_case() -> None:
    asked = [case("a", question="add 17 and 25 for me"), case("b", question="add 17 and 26 for me")]
    assert len(distinct(asked)) == 2
    assert len(distinct([asked[0], replace(asked[0], id="c", expected="COMPLEX")])) == 2


@pytest.mark.parametrize("n", [0, 1, 10, 60, 320, 400, 1000])
def test_the_newest_are_for_the_test(n: int) -> None:
    found = Sides.of(split(world(n)))
    assert len(found.all) == n
    if n >= 400:
        assert len(found.test) >= MIN_CASES
        assert len(found.validation) >= 30
    if found.test:
        assert min(c.at for c in found.test) > max((c.at for c in found.seen), default=0.0)
    if n == 1000:
        assert len(found.validation) == VALIDATION
        assert len(set(Counter(c.expected for c in found.validation).values())) == 1


@settings(max_examples=40, deadline=None)
@given(chats=st.lists(st.integers(0, 40), min_size=1, max_size=120), later=st.integers(0, 60))
def test_a_conversation_never_changes_its_side(chats: list[int], later: int) -> None:
    cases = [case(str(n), chat=f"c{chat}", at=NOON + n) for n, chat in enumerate(chats)]
    first = split(cases)
    assert _sides(first).keys() == {one.chat for one in cases}
    more = [case(f"new{n}", chat=f"c{n}", at=NOON + 999 + n) for n in range(later)]
    second = split([*first, *more])
    sides = _sides(second)
    assert all(sides[chat] == side for chat, side in _sides(first).items())
    assert split(second) == second


def _sides(cases: Sequence[Case]) -> dict[str, str]:
    """The side of each conversation; it may only have one."""
    found: dict[str, str] = {}
    for one in cases:
        assert found.setdefault(one.chat, one.side) == one.side
    return found


def test_later_conversations_fall_to_all_sides() -> None:
    known = [case("old", side="train")]
    shares = Counter(c.side for c in split([*known, *world(1000)]))
    assert shares["train"] == pytest.approx(500, abs=60)
    assert shares["test"] == pytest.approx(300, abs=60)


def test_what_was_seen_too_often_is_learned_from() -> None:
    cases = split(world(400))
    tested = next(c for c in cases if c.side == Side.TEST)
    again = split(cases, retired={tested.id})
    assert next(c for c in again if c.id == tested.id).side == Side.TRAIN
    assert sum(a != b for a, b in zip(cases, again, strict=True)) == 1


def test_a_pin_is_no_unseen_case() -> None:
    found = Sides.of(split([*world(400), case("p", side="pin")]))
    assert [one.id for one in found.pins] == ["p"]


def test_cases_come_back_from_json() -> None:
    one = case("a", earlier=(("user", "Hi"),), sources=("override",), is_private=True)
    assert from_json(as_json(one)) == one


def test_the_dearest_failure_comes_first() -> None:
    cases = world(80)
    chosen = {one.id: "SIMPLE" for one in cases}
    found = mine.failures(cases, chosen)
    assert [f.expected for f in found] == ["ENRICH", "COMPLEX", "MODERATE"]
    assert found[0].words == "SIMPLE instead of ENRICH"
    assert (found[0].count, found[0].length, len(found[0].examples)) == (20, "a line", 5)
    table = mine.confusion(cases, chosen)
    assert table.routes[0] == "SIMPLE"
    assert [sum(table.row(route)) for route in ("SIMPLE", "ENRICH")] == [20, 20]
