"""What one turn leaves in the log, with clocks that the test turns."""

from __future__ import annotations

import json

import pytest

from hal.prompts import parse_prompt
from hal.sessions.record import CallRow, ContentRow, PolicyRow, PromptVersionRow, TurnRow
from hal.types import Message, Outcome, Override, Route, Source, ToolCall, Usage
from tests.core.things import CLOUD, LOCAL, Clock, Rows, decision, plan, recorder, turn


def test_the_row_is_there_from_the_first_moment() -> None:
    rows = Rows()
    asked = turn(
        message_id="m", user_message_id="u", session_id="s", user_id="x", features={"memory": True}
    )
    recorder(rows, asked, now=lambda: 1700.0).begin()
    row = rows.last(TurnRow)
    assert (row.id, row.started_at, row.outcome) == ("turn-1", 1700.0, "running")
    assert (row.chat_id, row.message_id, row.user_message_id) == ("chat-1", "m", "u")
    assert (row.session_id, row.user_id, row.policy_id) == ("s", "x", "policy-1")
    assert json.loads(row.features_json) == {"memory": True}
    assert row.hal_version


def test_a_whole_turn() -> None:
    rows, clock = Rows(), Clock()
    record = recorder(rows, clock=clock)
    record.begin()
    clock.now += 0.1
    found = decision(
        Route.COMPLEX,
        confidence=0.8,
        latency_ms=100.0,
        probabilities={"COMPLEX": 0.8},
        needs_search=0.2,
        prompt_id="classify@1+ab",
    )
    record.decided(found, plan(CLOUD, notes=("a note",)))
    clock.now += 0.4
    record.text("It ")
    record.answered_by(CLOUD)
    clock.now += 0.5
    record.text("is noon.")
    record.used(Usage(100, 4, cost_usd=0.002))
    failed, answered = record.call(CLOUD, "answer"), record.call(CLOUD, "answer", 2)
    failed.usage = Usage(90, 0, cost_usd=0.001, is_estimate=True)
    answered.usage = Usage(100, 4, cost_usd=0.002)
    record.call_ended(failed, Outcome.FAILED, "timeout")
    record.call_ended(answered, Outcome.DONE)
    written = record.finish(Outcome.DONE, keep_content=True)
    assert written is not None
    assert written.done()
    row = rows.last(TurnRow)
    assert (row.route, row.source, row.confidence) == ("COMPLEX", "classifier", 0.8)
    assert (row.provider, row.model, row.leaves_machine) == ("xai", "grok-4.3", True)
    assert (row.classify_ms, row.needs_search) == (100.0, 0.2)
    assert (row.first_token_ms, row.total_ms) == pytest.approx((500.0, 1000.0))
    assert (row.prompt_tokens, row.completion_tokens, row.cost_usd) == (100, 4, 0.003)
    assert (row.outcome, row.notes, row.prompt_id) == ("done", ("a note",), "classify@1+ab")
    content = rows.last(ContentRow)
    assert (content.question, content.answer) == ("How are you?", "It is noon.")
    assert [(c.attempt, c.is_estimate, c.cost_usd) for c in rows.ended_calls] == [
        (1, True, 0.001),
        (2, False, 0.002),
    ]


def test_the_first_end_counts() -> None:
    rows = Rows()
    record = recorder(rows)
    record.finish(Outcome.CUT, "cut_off", keep_content=True)
    assert record.finish(Outcome.STOPPED, keep_content=True) is None
    assert [row.outcome for row in rows.of(TurnRow)] == ["cut"]
    assert rows.last(TurnRow).error_code == "cut_off"
    assert len(rows.of(ContentRow)) == 1


KEPT = [
    pytest.param({}, True, True, id="a chat"),
    pytest.param({}, False, False, id="switched off"),
    pytest.param({"chat_id": "temporary:abc"}, True, False, id="a temporary chat"),
    pytest.param({"task": "title_generation"}, True, False, id="a background task"),
]


@pytest.mark.parametrize(("changes", "keep", "kept"), KEPT)
def test_whose_texts_are_kept(changes: dict[str, str], keep: bool, kept: bool) -> None:
    rows = Rows()
    recorder(rows, turn(**changes)).finish(Outcome.DONE, keep_content=keep)
    assert bool(rows.of(ContentRow)) is kept
    assert len(rows.of(TurnRow)) == 1


@pytest.mark.parametrize(("chars", "answer"), [(None, "It is noon."), (3, "It "), (0, "")])
def test_the_answer_is_what_was_delivered(chars: int | None, answer: str) -> None:
    rows = Rows()
    record = recorder(rows)
    record.thinking("Hm.")
    record.text("It is noon.")
    record.delivered_chars = chars
    record.finish(Outcome.STOPPED, keep_content=True)
    content = rows.last(ContentRow)
    assert (content.answer, content.thinking) == (answer, "Hm.")


def test_calls_are_counted_and_timed() -> None:
    rows, clock = Rows(), Clock()
    record = recorder(rows, clock=clock)
    first = record.call(LOCAL, "answer")
    clock.now += 1
    first.token()
    clock.now += 1
    first.token()
    first.usage = Usage(10, 2, cached_tokens=3, reasoning_tokens=1, cost_usd=0.5)
    record.call_ended(first, Outcome.DONE)
    record.call_ended(record.call(CLOUD, "answer"), Outcome.FAILED, "timeout")
    ended = rows.ended_calls
    assert [(row.n, row.model, row.outcome, row.error_code) for row in ended] == [
        (1, "big:30b", "done", ""),
        (2, "grok-4.3", "failed", "timeout"),
    ]
    assert (ended[0].first_token_ms, ended[0].total_ms) == (1000.0, 2000.0)
    assert ended[1].first_token_ms is None
    assert (ended[0].cached_tokens, ended[0].reasoning_tokens, ended[0].cost_usd) == (3, 1, 0.5)
    assert len({row.id for row in rows.of(CallRow)}) == 2
    assert {row.turn_id for row in ended} == {"turn-1"}


def test_every_degradation_is_noted() -> None:
    rows = Rows()
    record = recorder(rows)
    failed = decision(source=Source.DEFAULT, degraded="classifier_timeout")
    record.decided(failed, plan())
    record.degraded("ollama_unreachable")
    record.speculation("discarded")
    record.finish(Outcome.DONE, keep_content=False)
    row = rows.last(TurnRow)
    assert row.degradations == ("classifier_timeout", "ollama_unreachable")
    assert row.speculation == "discarded"


def test_thinking_is_a_first_token_too() -> None:
    clock = Clock()
    record = recorder(clock=clock)
    clock.now += 2
    record.thinking("Hm.")
    clock.now += 2
    record.text("It")
    assert record.first_token_ms == 2000.0


def test_prompts_are_kept_as_they_were_used() -> None:
    rows = Rows()
    prompt = parse_prompt("classify", "---\nversion: 3\n---\nSort it.")
    recorder(rows, now=lambda: 5.0).prompt(prompt)
    row = rows.last(PromptVersionRow)
    assert (row.id, row.name, row.version, row.first_seen) == (prompt.id, "classify", "3", 5.0)
    assert row.text.endswith("Sort it.")


def test_how_long_the_conversation_was_and_what_was_commanded() -> None:
    rows = Rows()
    call = Message("assistant", "", tool_calls=(ToolCall("1", "now", "{}"),))
    earlier = [
        Message("system", "Brief."),
        Message("user", "Hi"),
        call,
        Message("tool", "12:00"),
        Message("assistant", "Noon."),
    ]
    recorder(rows, turn("Why?", *earlier, override=Override.CLOUD)).begin()
    row = rows.last(TurnRow)
    assert (row.message_count, row.prompt_chars, row.override) == (3, 22, "/cloud")
    recorder(rows).begin()
    assert rows.last(TurnRow).override == ""


def test_with_which_probability_it_was_decided_so() -> None:
    rows = Rows()
    record = recorder(rows)
    record.decided(decision(propensity=0.05), plan())
    record.finish(Outcome.DONE, keep_content=False)
    recorder(rows).finish(Outcome.DONE, keep_content=False)
    assert [row.propensity for row in rows.of(TurnRow)] == [0.05, 1.0]


def test_what_the_cloud_would_have_cost() -> None:
    rows = Rows()
    record = recorder(rows)
    record.cloud_price = lambda usage: usage.completion_tokens / 1000
    record.answered_by(LOCAL)
    record.used(Usage(100, 4, cost_usd=0.0))
    record.finish(Outcome.DONE, keep_content=False)
    recorder(rows).finish(Outcome.DONE, keep_content=False)
    assert [row.cloud_cost_usd for row in rows.of(TurnRow)] == [0.004, None]


def test_the_rules_are_kept_as_they_were() -> None:
    rows = Rows()
    recorder(rows, now=lambda: 5.0).policy({"cloud": {"confidence": 0.6}})
    row = rows.last(PolicyRow)
    assert (row.id, row.first_seen, row.settings) == (
        *("policy-1", 5.0, {"cloud": {"confidence": 0.6}}),
    )


def test_what_was_said_so_far_is_kept_while_more_comes() -> None:
    rows = Rows()
    record = recorder(rows)
    record.keep_so_far()
    record.thinking("Hm.")
    record.keep_so_far()
    record.text("It is ")
    record.keep_so_far()
    record.keep_so_far()
    record.text("noon.")
    record.finish(Outcome.DONE, keep_content=True)
    record.keep_so_far()
    kept = [(row.question, row.thinking, row.answer) for row in rows.of(ContentRow)]
    assert kept == [
        ("How are you?", "", ""),
        ("How are you?", "Hm.", ""),
        ("How are you?", "Hm.", "It is "),
        ("How are you?", "Hm.", "It is noon."),
    ]


def test_of_an_answer_in_one_piece_nothing_is_delivered_before_its_end() -> None:
    rows = Rows()
    record = recorder(rows, turn(stream=False))
    record.text("It is ")
    record.keep_so_far()
    assert rows.last(ContentRow).answer == ""
    record.finish(Outcome.DONE, keep_content=True)
    assert rows.last(ContentRow).answer == "It is "


UNKEPT = [
    pytest.param({"chat_id": "temporary:abc"}, id="a temporary chat"),
    pytest.param({"task": "title_generation"}, id="a background task"),
]


@pytest.mark.parametrize("changes", UNKEPT)
def test_of_whom_neither_texts_nor_signals_are_kept(changes: dict[str, str]) -> None:
    rows = Rows()
    record = recorder(rows, turn(**changes))
    record.text("It is noon.")
    record.keep_so_far()
    record.finish(Outcome.STOPPED, keep_content=True)
    assert rows.of(ContentRow) == []
    assert rows.changes == []


def test_signals_come_once_and_after_the_last_row() -> None:
    rows = Rows()
    record = recorder(rows)
    record.finish(Outcome.STOPPED, keep_content=False)
    record.finish(Outcome.DONE, keep_content=False)
    assert len(rows.changes) == 1
    assert rows.written_before_changes == [len(rows.rows)]
