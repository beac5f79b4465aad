"""The life of a runtime: it starts, changes its settings, and ends when its last turn has ended."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from hal.errors import ConfigError
from hal.runtime import Runtime
from hal.sessions.reader import SessionReader
from hal.settings import Settings
from hal.settings_reader import read_environment
from hal.types import Chunk, Failure, Override, Text
from tests.core.things import turn
from tests.servers import Label, OllamaModel, OllamaServer, Say, Stall, Until, refused_url

SOON_S = 5.0
FIRST, SECOND = "first:30b", "second:30b"


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert wait_for(lambda: not set(threading.enumerate()) - before), threading.enumerate()


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=[OllamaModel(FIRST), OllamaModel(SECOND)]) as running:
        yield running


def settings(folder: Path, url: str, **changes: str) -> Settings:
    environ = {
        "HOME": str(folder),
        "HAL_DATA_DIR": str(folder / "data"),
        "HAL_OLLAMA_BASE_URL": url,
        "HAL_LOCAL_MODEL": FIRST,
        "HAL_CLASSIFIER_MODEL": "none:1b",
    }
    return read_environment({**environ, **changes})


def started(folder: Path, url: str, **changes: str) -> Runtime:
    runtime = Runtime(settings(folder, url, **changes))
    runtime.start()
    return runtime


def ask(runtime: Runtime, text: str = "hello", **changes: Any) -> Future[list[Chunk]]:
    asked = turn(text, **{"override": Override.LOCAL, **changes})

    async def collect() -> list[Chunk]:
        return [chunk async for chunk in runtime.answer(asked, [])]

    return runtime.submit(collect())


def text_of(future: Future[list[Chunk]]) -> str:
    return "".join(c.text for c in future.result(SOON_S) if isinstance(c, Text))


def wait_for(condition: Callable[[], Any]) -> bool:
    end = monotonic() + SOON_S
    while not condition():
        if monotonic() > end:
            return False
        sleep(0.005)
    return True


def end(runtime: Runtime) -> None:
    runtime.retire()
    assert runtime.join(SOON_S)
    assert not runtime.is_alive()


def test_a_turn_from_start_to_end(tmp_path: Path, server: OllamaServer) -> None:
    runtime = started(tmp_path, server.url)
    assert text_of(ask(runtime)) == f"{FIRST}: hello"
    end(runtime)
    row = SessionReader(runtime.settings.log.database).turn("turn-1")
    assert row is not None
    assert (row.outcome, row.model) == ("done", FIRST)


def test_without_any_ollama_it_starts_and_says_so(tmp_path: Path) -> None:
    runtime = started(tmp_path, refused_url())
    failures = [c for c in ask(runtime).result(SOON_S) if isinstance(c, Failure)]
    assert [failure.code for failure in failures] == ["refused"]
    end(runtime)


def test_warmed_is_calibrated(tmp_path: Path, server: OllamaServer) -> None:
    server.models["tiny:1b"] = OllamaModel("tiny:1b")
    labels = {"easy": 0.4, "normal": 0.4, "hard": 0.2}
    server.when(lambda body: "easy" in str(body["messages"][0]), [Label(labels)])
    server.when("tiny:1b", [Label({"yes": 0.1, "no": 0.9})])
    runtime = started(tmp_path, server.url, HAL_CLASSIFIER_MODEL="tiny:1b")
    runtime.submit(runtime.warmed()).result(SOON_S)
    asked = len(server.chats)
    assert asked > 0
    ask(runtime, override=None).result(SOON_S)
    assert len(server.chats) == asked + 3  # two questions and the answer, no calibration
    end(runtime)


def test_warming_up_without_ollama_is_no_failure(tmp_path: Path) -> None:
    runtime = started(tmp_path, refused_url())
    runtime.submit(runtime.warmed()).result(SOON_S)
    end(runtime)


def test_ending_again_changes_nothing(tmp_path: Path) -> None:
    runtime = started(tmp_path, refused_url())
    runtime.retire()
    end(runtime)
    end(runtime)
    assert runtime.join(0)


def test_a_turn_that_runs_ends_in_peace(tmp_path: Path, server: OllamaServer) -> None:
    go_on = threading.Event()
    server.when(FIRST, [Say("It "), Until(go_on), Say("is noon.")])
    runtime = started(tmp_path, server.url)
    running = ask(runtime)
    assert wait_for(lambda: server.chats)
    runtime.retire()
    assert not runtime.join(0.1)
    go_on.set()
    assert text_of(running) == "It is noon."
    assert runtime.join(SOON_S)


def test_a_cancelled_turn_gives_its_lease_back(tmp_path: Path, server: OllamaServer) -> None:
    server.when(FIRST, [Say("It "), Stall()])
    runtime = started(tmp_path, server.url)
    running = ask(runtime)
    assert wait_for(lambda: server.chats)
    runtime.retire()
    running.cancel()
    assert runtime.join(SOON_S)
    row = SessionReader(runtime.settings.log.database).turn("turn-1")
    assert row is not None
    assert row.outcome == "stopped"


def test_new_settings_hold_from_the_next_turn_on(tmp_path: Path, server: OllamaServer) -> None:
    go_on = threading.Event()
    server.when(FIRST, [Say("old "), Until(go_on), Say("rules")])
    runtime = started(tmp_path, server.url)
    running = ask(runtime)
    assert wait_for(lambda: server.chats)
    runtime.configure(settings(tmp_path, server.url, HAL_LOCAL_MODEL=SECOND))
    assert runtime.settings.local.model == SECOND
    assert text_of(ask(runtime, id="turn-2")) == f"{SECOND}: hello"
    go_on.set()
    assert text_of(running) == "old rules"
    end(runtime)


@pytest.fixture
def broken_prompt(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "classify.md").write_text("no front matter", encoding="utf-8")
    return folder


def test_a_broken_prompt_is_named_and_leaves_nothing_behind(
    tmp_path: Path, broken_prompt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAL_PROMPTS_DIR", str(broken_prompt))
    runtime = Runtime(settings(tmp_path, refused_url()))
    with pytest.raises(ConfigError, match="classify"):
        runtime.start()
    assert runtime.join(SOON_S)


def test_settings_that_cannot_be_applied_leave_the_old_ones_at_work(
    tmp_path: Path,
    server: OllamaServer,
    broken_prompt: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime = started(tmp_path, server.url)
    monkeypatch.setenv("HAL_PROMPTS_DIR", str(broken_prompt))
    runtime.configure(settings(tmp_path, server.url, HAL_LOCAL_MODEL=SECOND))
    assert text_of(ask(runtime)) == f"{FIRST}: hello"
    end(runtime)
    assert "settings not applied" in caplog.text


def test_a_callback_after_the_end_is_no_error(tmp_path: Path) -> None:
    runtime = started(tmp_path, refused_url())
    end(runtime)
    runtime.call_soon(lambda: None)


def test_what_hangs_in_the_background_does_not_hold_up_the_end(
    tmp_path: Path, server: OllamaServer
) -> None:
    server.when("none:1b", [Stall()])
    server.models["none:1b"] = OllamaModel("none:1b")
    runtime = started(tmp_path, server.url)
    assert wait_for(lambda: server.chats)
    end(runtime)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06, 0.1])
def test_a_runtime_that_is_still_warming_up_ends_without_a_trace(
    tmp_path: Path, after_s: float
) -> None:
    """The classifier's bias is measured in tasks that nobody waits for: a loop that ended before
    their connections did raised in its thread, which pytest would report here."""
    with OllamaServer(models=[OllamaModel(FIRST)]) as hanging:
        hanging.when(lambda _body: True, [Stall()])
        runtime = started(tmp_path, hanging.url, HAL_CLASSIFIER_MODEL=FIRST)
        sleep(after_s)
        runtime.retire()
        assert runtime.join(SOON_S)
        gc.collect()
