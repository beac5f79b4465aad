"""Reading the log for a router: whose turns count, what they say, and on which side they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the lab extra is not installed")

from hal.lab.router.labels import Label
from hal.lab.router.logged import Log, LoggedTurn, Pair, labels_of, read_log
from hal.lab.router.sides import LEAST_LEARNED, divide, without_duplicates
from hal.lab.router.takeover import LEAST_TURNS
from hal.sessions.columns import AnyRow
from hal.sessions.reader import SessionReader
from hal.sessions.record import ShadowContentRow, ShadowRow
from tests.sessions import rows

PAIR = Pair.of(["local:30b", "Other-Name"], "cloud-1")
Write = Callable[..., Path]


def turn(id: str = "turn-1", **changes: Any) -> AnyRow:
    usual = {"route": "MODERATE", "source": "classifier", "outcome": "done", "model": "local:30b"}
    return rows.turn(id, **{**usual, **changes})


def shadow(**changes: Any) -> AnyRow:
    usual = {"created_at": rows.NOON, "reason": "anchor", "propensity": 0.25, "model": "cloud-1"}
    more = {"leaves_machine": True, "outcome": "done"}
    return ShadowRow(**{"id": "s1", "turn_id": "turn-1", **usual, **more, **changes})


def kept(text: str) -> AnyRow:
    return ShadowContentRow(shadow_id="s1", created_at=rows.NOON, answer=text)


def log(write: Write, *written: AnyRow) -> Log:
    return read_log(SessionReader(write(*written)), PAIR)


def only(write: Write, *written: AnyRow) -> LoggedTurn:
    (found,) = log(write, *written).turns
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "title"},
        {"source": "rule"},
        {"outcome": "failed"},
        {"route": "META"},
        {"private_kinds": {"EMAIL": 1}},
        {"is_hard": True},
        {"privacy_word": "/private"},
    ],
    ids=["task", "rule", "failed", "meta", "private", "hard", "said to be private"],
)
def test_whose_turns_do_not_count(write: Write, changes: dict[str, Any]) -> None:
    assert log(write, turn(**changes), rows.content()).turns == ()


def test_a_turn_without_its_text_does_not_count(write: Write) -> None:
    assert log(write, turn()).turns == ()
    assert log(write, turn("turn-2"), rows.content("turn-2", question="")).turns == ()


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert read_log(SessionReader(tmp_path / "none.sqlite"), PAIR) == Log()


def test_a_pair_with_what_the_local_model_said(write: Write) -> None:
    score = rows.score(name="judge_pair", value=-1.0, label="cloud")
    found = only(write, turn(), rows.content(answer="Mine."), shadow(), kept("Its."), score)
    assert found.label.is_pair
    assert (found.local_answer, found.drawn) == ("Mine.", 0.25)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ([rows.content(answer="Cloud.", draft="Draft.")], "Draft."),
        (
            [
                rows.content(answer="Cloud."),
                shadow(model="local:30b", leaves_machine=False),
                kept("Shadow."),
            ],
            "Shadow.",
        ),
        ([rows.content(answer="Cloud.")], ""),
    ],
    ids=["replaced draft", "shadow", "none"],
)
def test_the_local_answer_of_a_cloud_turn(write: Write, written: list[AnyRow], wanted: str) -> None:
    cloud = turn(model="cloud-1", leaves_machine=True, route="COMPLEX")
    pair = rows.score(name="judge_pair", value=1.0, label="tie")
    assert only(write, cloud, *written, pair).local_answer == wanted


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"model": "OTHER-name:latest"}, True),
        ({"model": "local:70b"}, False),
        ({"model": "cloud-2", "leaves_machine": True, "route": "COMPLEX"}, False),
        ({"policy_id": "policy-1"}, False),
    ],
    ids=["another name of it", "another local model", "another cloud", "rules of another model"],
)
def test_outcomes_of_other_models_do_not_count(
    write: Write, changes: dict[str, Any], counts: bool
) -> None:
    settings = {"local": {"model": "local:8b"}}
    found = log(
        write,
        turn(**changes),
        rows.content(),
        rows.score(value=1.0),
        rows.policy(settings=settings),
    )
    assert found.turns[0].label.has_outcome == counts
    assert found.other_models == (not counts)


def test_the_classifier_is_read_as_it_is_served(write: Write) -> None:
    """The log has one distribution; the router is given difficulties that add up to 1."""
    combined = {"SIMPLE": 0.4, "MODERATE": 0.24, "COMPLEX": 0.16, "ENRICH": 0.2}
    found = only(write, turn(probabilities=combined), rows.content())
    assert found.labels == pytest.approx((0.5, 0.2, 0.2))
    assert found.label.needs_search == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("combined", "wanted"),
    [
        ({}, None),
        ({"SIMPLE": 0.5, "ENRICH": 0.5}, None),
        ({"SIMPLE": 0.0, "COMPLEX": 0.0, "ENRICH": 1.0}, (1 / 3, 1 / 3, 1.0)),
        ({"SIMPLE": 0.0, "COMPLEX": 0.0, "ENRICH": float("nan")}, None),
    ],
    ids=["not asked", "not whole", "certain search", "no number"],
)
def test_odd_probabilities(combined: dict[str, float], wanted: tuple[float, ...] | None) -> None:
    assert labels_of(combined) == wanted


def test_a_conversation_begins_with_its_first_turn(write: Write) -> None:
    first = turn("t1", task="title", started_at=rows.NOON - 50)
    found = only(write, first, turn("t2", started_at=rows.NOON), rows.content("t2"))
    assert found.began == rows.NOON - 50


def made(at: int, chat: int, *, is_pair: bool = True, text: str = "") -> LoggedTurn:
    label = Label(1.0, 0.0) if is_pair else Label(needs_search=0.1)
    return LoggedTurn(f"t{at}", f"c{chat}", float(at), float(chat), text or f"text {at}", label)


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=900), st.integers(0, 200))
def test_a_conversation_is_on_one_side_and_the_newest_are_unseen(
    spec: list[tuple[int, bool]], not_before: int
) -> None:
    turns = [made(at, chat, is_pair=pair) for at, (chat, pair) in enumerate(spec)]
    sides = divide(turns, float(not_before))
    learned, held_out = ({one.chat for one in side} for side in (sides.learned, sides.held_out))
    assert not learned & held_out
    assert len(sides.learned) + len(sides.held_out) == len(turns)
    assert all(one.began >= max(sides.boundary, not_before) for one in sides.held_out)
    assert all(one.began < sides.boundary for one in sides.learned)


@pytest.mark.parametrize(
    ("pairs", "missing"),
    [(0, 450), (100, 350), (300, 150), (440, 10), (450, 0), (2000, 0)],
)
def test_how_many_pairs_are_missing(pairs: int, missing: int) -> None:
    assert LEAST_TURNS + LEAST_LEARNED == 450
    assert divide([made(at, at) for at in range(pairs)]).missing == missing


def test_a_third_of_many_is_held_out() -> None:
    sides = divide([made(at, at) for at in range(2000)])
    assert (len(sides.learned), len(sides.held_out)) == (1400, 600)


def test_what_was_looked_at_too_often_is_learned_from_with_all_before() -> None:
    turns = [made(at, at // 2) for at in range(1000)]
    worn = [one.id for one in turns[800:803]]
    sides = divide(turns, retired=worn)
    assert {one.id for one in sides.held_out}.isdisjoint(worn)
    assert min(one.at for one in sides.held_out) == 804
    assert sides.missing == LEAST_TURNS - 196


def test_of_the_same_question_the_one_that_is_known_best_stays() -> None:
    text = "How do I bake a sourdough bread with rye?"
    twice = [
        made(1, 1, is_pair=False, text=text),
        made(2, 2, text=text),
        made(3, 3, is_pair=False, text="Prove that there are infinitely many primes."),
    ]
    assert [one.id for one in without_duplicates(twice)] == ["t2", "t3"]
    kept = without_duplicates([replace(one, label=Label()) for one in twice])
    assert [one.id for one in kept] == ["t1", "t3"]
