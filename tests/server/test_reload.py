"""Reload: a running stream ends on the old code, the next turn runs the new, nothing is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.interpreters import NAMES
from tests.servers import Say, Stall, Until

from .house import NANO, House
from .logbook import wait_until

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"
OLD, NEW = "Choosing a model", "Thinking who knows this"


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("reload")
    valves = {"SPECULATE": False}
    with House(folder, interpreter=request.param, valves=valves, copy=True) as running:
        yield running


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def threads(house: House) -> int:
    return len(list(Path(f"/proc/{house.server.pid}/task").iterdir()))


def open_logs(house: House) -> int:
    """How many connections to the session log are open: each has the WAL file open once."""
    count = 0
    for link in Path(f"/proc/{house.server.pid}/fd").iterdir():
        try:
            count += str(link.readlink()).endswith("sessions.sqlite-wal")
        except OSError:  # closed while we looked
            continue
    return count


def settled(house: House, most_threads: int) -> None:
    """Idle: one connection, the writer's, and no more threads than that."""
    wait_until(
        lambda: open_logs(house) == 1 and threads(house) <= most_threads,
        seen=lambda: f"{open_logs(house)} open logs, {threads(house)} threads",
    )


def test_a_reload_in_the_middle_of_a_stream(house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("old "), Until(go), Say("and whole")])
    code = house.server.pipelines / "hal" / "turn.py"
    with house.begin(house.turn(TEXT)) as stream:
        old_chat = house.chat
        stream.until(lambda answer: answer.text)
        edit(code, OLD, NEW)
        try:
            house.server.reload()
            # The new code answers while the old one still streams.
            house.answer_with([Say("new")])
            second = house.ask(TEXT)
            assert (second.statuses[0], second.text) == (NEW, "new")
            assert not stream.done
            go.set()
            first = stream.rest()
        finally:
            edit(code, NEW, OLD)
            house.server.reload()
    assert (first.text, first.statuses[0], first.dones) == ("old and whole", OLD, 1)
    assert (first.error, first.cut) == (None, False)
    assert (first.usage or {})["hal_model"] == NANO
    row = house.log.turn(old_chat, "done")
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == "old and whole"
    assert house.ask(TEXT).statuses[0] == OLD


def test_stop_works_after_a_reload_for_old_and_new_streams(house: House) -> None:
    house.answer_with([Say("a"), Stall()])
    with house.begin(house.turn(TEXT)) as old:
        old.until(lambda answer: answer.text)
        house.server.reload()
        with house.begin(house.turn(TEXT)) as new:
            new.until(lambda answer: answer.text)
            new.close()
            house.ollama.wait_for_abort(1.0)
        old.close()
        house.ollama.wait_for_abort(1.0, count=2)


def test_nothing_is_left_of_an_old_runtime(house: House) -> None:
    for _ in range(2):
        house.ask(TEXT)
        house.server.reload()
    house.ask(TEXT)
    settled(house, most_threads=1000)
    before = threads(house)
    for _ in range(6):
        house.server.reload()
        assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    # One thread left by each reload would be six; the pools of the server and of the loop, which
    # grow with what happens at once, may differ by some.
    settled(house, before + 4)
    assert "Traceback" not in house.server.log()


def test_an_old_runtime_ends_with_its_last_stream(house: House) -> None:
    go = threading.Event()
    house.ask(TEXT)
    settled(house, most_threads=1000)
    house.answer_with([Say("a"), Until(go), Say("b")])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        house.server.reload()
        house.answer_with([Say("new")])
        house.ask(TEXT)
        wait_until(lambda: open_logs(house) == 2)
        go.set()
        assert stream.rest().text == "ab"
    settled(house, most_threads=1000)


def test_a_package_that_is_broken_explains_itself(house: House) -> None:
    shim = house.server.pipelines / "hal_auto.py"
    code = house.server.pipelines / "hal" / "turn.py"
    whole = code.read_text(encoding="utf-8")
    for broken, why in (
        (whole.replace("async def run_turn(", "async def run_turn(("), "SyntaxError"),
        (f"{whole}\nimport no_such_package\n", "no_such_package"),
        (f"{whole}\nraise SystemError('boom')\n", "boom"),
    ):
        code.write_text(broken, encoding="utf-8")
        try:
            house.server.reload()
            for stream in (True, False):
                answer = house.ask(TEXT, stream=stream)
                assert "hal-auto could not be loaded" in answer.error["message"]
                assert why in answer.error["message"]
                assert "reload" in answer.error["message"]
                assert answer.dones == stream
            assert [m["name"] for m in house.server.models()] == ["hal-auto"]
            assert shim.exists()
            assert not (house.server.pipelines / "failed").exists()
        finally:
            code.write_text(whole, encoding="utf-8")
    house.server.reload()
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


def test_a_broken_package_keeps_the_stored_valves(house: House) -> None:
    house.server.update_valves({"CLOUD_MODEL": "grok-4.7"})
    code = house.server.pipelines / "hal" / "turn.py"
    whole = code.read_text(encoding="utf-8")
    code.write_text("(", encoding="utf-8")
    try:
        house.server.reload()
        assert "could not be loaded" in house.ask(TEXT).error["message"]
    finally:
        code.write_text(whole, encoding="utf-8")
    house.server.reload()
    assert house.server.valves()["CLOUD_MODEL"] == "grok-4.7"


def test_a_missing_prompt_explains_itself(house: House) -> None:
    prompt = house.server.folder / "prompts" / "classify.md"
    whole = prompt.read_text(encoding="utf-8")
    prompt.unlink()
    try:
        house.server.reload()
        answer = house.ask(TEXT)
        assert "Prompt classify.md is missing" in answer.error["message"]
        assert house.ask(TEXT, stream=False).error["message"] == answer.error["message"]
    finally:
        prompt.write_text(whole, encoding="utf-8")
    house.server.reload()
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
