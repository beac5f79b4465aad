"""The session log: what a turn leaves behind, and that nothing leaves the machine unwritten."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator

import pytest

from tests.harness import openwebui
from tests.servers import Say, Stall, Status, Step, Think, Until, Usage

from .house import GROK, MINI, NANO, Body, House, new_chat
from .logbook import wait_until

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False, "LOCAL_THINK": "on"}
    with House(tmp_path_factory.mktemp("log"), valves=valves) as running:
        yield running


def test_the_rows_of_a_local_turn(house: House) -> None:
    house.answer_with([Think("Birds. "), Say("On the "), Say("wing."), Usage(21, 7)])
    turn = house.turn(TEXT)
    before = time.time()
    house.send(turn)
    row = house.logged()
    ids = ("chat_id", "message_id", "user_message_id", "session_id")
    assert {name: row[name] for name in ids} == {name: turn.metadata[name] for name in ids}
    assert row["user_id"] == openwebui.USER["id"]
    assert (row["provider"], row["model"], row["leaves_machine"]) == ("ollama", NANO, 0)
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost_usd"]) == (21, 7, 0.0)
    assert before <= row["started_at"] <= time.time()
    assert 0 < row["classify_ms"] < row["first_token_ms"] <= row["total_ms"] < 5000
    assert row["policy_id"].startswith("policy-")
    assert row["features_json"]["memory"] is True
    (call,) = house.log.of_turn("call", row["id"])
    assert (call["n"], call["purpose"], call["outcome"]) == (1, "answer", "done")
    assert (call["provider"], call["model"]) == ("ollama", NANO)
    assert (call["prompt_tokens"], call["completion_tokens"]) == (21, 7)
    assert 0 < call["first_token_ms"] <= call["total_ms"] <= row["total_ms"]
    assert house.log.of_turn("egress", row["id"]) == []
    content = house.log.content(row["id"])
    assert content is not None
    assert (content["question"], content["answer"], content["thinking"]) == (
        *(TEXT, "On the wing.", "Birds. "),
    )


def test_the_prompts_that_decided_are_kept_whole(house: House) -> None:
    house.ask(TEXT)
    row = house.logged()
    for prompt_id in row["prompt_id"].split():
        (prompt,) = house.log.rows("prompt_version", "id = ?", prompt_id)
        assert hashlib.sha256(prompt["text"].encode()).hexdigest() == prompt["sha256"]
        assert prompt_id == f"{prompt['name']}@{prompt['version']}+{prompt['sha256'][:8]}"
    again = house.log.rows("prompt_version")
    house.ask(TEXT)
    house.logged()
    assert house.log.rows("prompt_version") == again


def test_the_rows_of_a_cloud_turn(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Think("hm"), Say("Yes."), Usage(1000, 200, 400, 50)])
    house.ask(TEXT)
    row = house.logged()
    cost = (600 * 1.25 + 400 * 0.20 + 250 * 2.50) / 1e6
    assert (row["provider"], row["model"], row["leaves_machine"]) == ("xai", GROK, 1)
    assert row["cost_usd"] == pytest.approx(cost)
    (call,) = house.log.of_turn("call", row["id"])
    assert call["cost_usd"] == pytest.approx(cost)
    assert (call["cached_tokens"], call["reasoning_tokens"]) == (400, 50)
    (egress,) = house.log.of_turn("egress", row["id"])
    sent = house.cloud_requests[0].body
    assert (egress["bytes"], egress["sha256"]) == (len(sent), hashlib.sha256(sent).hexdigest())
    assert egress["call_id"] == call["id"]
    assert egress["host"] == house.xai.url.removeprefix("http://")
    assert (egress["provider"], egress["model"], egress["purpose"]) == ("xai", GROK, "answer")


def test_the_egress_row_is_there_before_xai_hears_of_it(house: House) -> None:
    found: list[list[str]] = []

    def script(body: Body) -> list[Step]:
        # Runs when the request has arrived, before a byte of the answer.
        found.append([row["sha256"] for row in house.log.rows("egress")])
        return [Say("Yes.")]

    house.judge("COMPLEX", 0.95)
    house.xai.answer(script)
    for number in range(5):
        house.ask(f"{TEXT} ({number})")
    sent = [hashlib.sha256(r.body).hexdigest() for r in house.cloud_requests]
    assert len(set(sent)) == len(found) == 5
    assert [rows[-1] for rows in found] == sent


def test_every_request_that_left_has_its_row_and_no_other(house: House) -> None:
    before = len(house.log.rows("egress"))
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Say("")], [Say("Yes.")])
    for text in (TEXT, TEXT, f"/local {TEXT}"):
        house.ask(text)
        house.logged()
    assert len(house.log.rows("egress")) - before == len(house.cloud_requests) == 2


def test_the_end_of_a_stream_means_that_it_is_written(house: House) -> None:
    """A reader who has seen the end finds the turn in the log without waiting."""
    for _ in range(5):
        house.ask(TEXT)
        (row,) = house.log.turns(house.chat)
        assert row["outcome"] == "done"
        assert house.log.content(row["id"]) is not None


def test_a_turn_is_in_the_log_from_its_beginning(house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("a"), Until(go)])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        wait_until(lambda: house.log.turns(house.chat))
        (row,) = house.log.turns(house.chat)
        assert row["outcome"] == "running"
        wait_until(lambda: house.log.of_turn("call", row["id"]))
        (call,) = house.log.of_turn("call", row["id"])
        assert call["outcome"] == "running"
        go.set()
        stream.rest()
    house.logged("done")


def test_texts_can_be_left_out(house: House) -> None:
    house.server.update_valves({"LOG_CONTENT": False})
    house.answer_with([Think("kranich"), Say("feder")])
    house.ask("mauersegler?")
    row = house.logged()
    assert house.log.content(row["id"]) is None
    house.answer_with([Say("feder"), Stall()])
    with house.begin(house.turn("mauersegler?")) as stream:
        stream.until(lambda answer: answer.text)
    assert house.log.content(house.logged("stopped")["id"]) is None
    for file in house.log.path.parent.glob("sessions.sqlite*"):
        data = file.read_bytes()
        assert not any(word in data for word in (b"mauersegler", b"feder", b"kranich"))
    house.server.update_valves({"LOG_CONTENT": True})
    house.answer_with([Say("feder")])
    house.ask(TEXT)
    assert house.log.content(house.logged()["id"]) is not None


def test_a_temporary_chat_leaves_no_text(house: House) -> None:
    house.answer_with([Say("gefieder")])
    for stream in (True, False):
        house.ask("alpensegler?", chat_id=f"temporary:sock{new_chat()}", stream=stream)
        row = house.logged()
        assert (row["route"], row["completion_tokens"]) == ("MODERATE", 2)
        assert house.log.content(row["id"]) is None
    for file in house.log.path.parent.glob("sessions.sqlite*"):
        assert b"alpensegler" not in file.read_bytes()


def test_a_failed_turn_keeps_its_question(house: House) -> None:
    house.server.update_valves({"CLOUD_ENABLED": False})
    house.answer_with([Status(404, {"error": f"model '{NANO}' not found"})])
    house.ask(TEXT)
    row = house.logged("failed")
    content = house.log.content(row["id"])
    assert content is not None
    assert (content["question"], content["answer"]) == (TEXT, "")


def test_the_policy_names_what_decided(house: House) -> None:
    house.ask(TEXT)
    first = house.logged()["policy_id"]
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.9})
    house.ask(TEXT)
    second = house.logged()["policy_id"]
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.6, "OLLAMA_KEEP_ALIVE": "1m"})
    house.ask(TEXT)
    assert first != second
    assert house.logged()["policy_id"] == first


def test_the_files_are_private(house: House) -> None:
    assert MINI  # the names of models are no secret; the texts are
    for file in house.log.path.parent.glob("sessions.sqlite*"):
        assert file.stat().st_mode & 0o077 == 0
