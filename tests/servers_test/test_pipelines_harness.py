"""The harness around the real Pipelines server, with a tiny pipeline, on both interpreters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import PipelinesClient, PipelinesServer, openwebui
from tests.harness.interpreters import NAMES, python

PROBE = Path(__file__).parent / "probe" / "probe_pipeline.py"
HI = openwebui.history("hi")
pytestmark = pytest.mark.server


def probe(folder: Path, interpreter: str = "newest", copy: bool = False) -> PipelinesServer:
    return PipelinesServer(
        folder,
        python=python(interpreter),
        env={"HAL_PROBE": "env"},
        source=PROBE,
        copy=copy,
        model="probe.auto",
    )


@pytest.fixture(scope="module", params=NAMES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PipelinesServer]:
    with probe(tmp_path_factory.mktemp("server"), request.param) as running:
        yield running


def test_the_model_list(server: PipelinesServer) -> None:
    assert [(m["id"], m["name"]) for m in server.models()] == [("probe.auto", "probe-auto")]


def test_a_streamed_turn(server: PipelinesServer) -> None:
    answer = server.send(openwebui.chat_turn("hi"))
    assert answer.text == "hello env é 0 1 2"
    assert (answer.reasoning, answer.statuses) == ("hm", ["generation 1"])
    assert (answer.usage, answer.error) == ({"hal_route": "local"}, None)
    assert (answer.finish_reasons, answer.dones, answer.cut) == (["stop"], 1, False)
    assert answer.first_token_s is not None
    assert answer.first_token_s < 1
    assert answer.raw.endswith(b"data: [DONE]")


def test_a_task_goes_through_the_inlet(server: PipelinesServer) -> None:
    answer = server.send(openwebui.title_task(openwebui.history("hi", "hello")))
    assert answer.text == "task title_generation, metadata False"
    assert server.chat(HI, stream=False).text == "task None, metadata False"


def test_an_error_and_an_exception(server: PipelinesServer) -> None:
    failed = server.chat(openwebui.history("fail"))
    assert (failed.error, failed.done) == ({"message": "quota exceeded"}, True)
    broken = server.chat(openwebui.history("break"))
    # The pinned server cuts the connection; the newest ends the body as if all were well.
    assert (broken.done, broken.finish_reasons) == (False, [])
    assert (broken.text, broken.error) == ("hello env é 0 1 2", None)
    server.wait_for_log("broken on purpose")


def test_stop_and_read_in_steps(server: PipelinesServer) -> None:
    with server.stream(HI) as stream:
        stream.until(lambda answer: "hello" in answer.text)
        assert not stream.done
    with pytest.raises(EOFError), server.stream(HI) as stream:
        stream.until(lambda answer: answer.error)


def test_valves(server: PipelinesServer) -> None:
    assert server.valves() == {"GREETING": "hello", "COUNT": 3}
    server.update_valves({"COUNT": 1})
    assert json.loads(server.valves_json.read_text()) == {"GREETING": "hello", "COUNT": 1}
    assert server.chat(HI).text == "hello env é 0"
    assert server.post_valves({}) == {"GREETING": "hello", "COUNT": 3}
    with pytest.raises(RuntimeError, match="500"):
        server.update_valves({"COUNT": "many"})


def test_a_hundred_streams(server: PipelinesServer) -> None:
    answers = server.many([server.prepare(HI)] * 100)
    assert {answer.text for answer in answers} == {"hello env é 0 1 2"}
    assert all(answer.done for answer in answers)


def test_an_inlet_that_fails_aborts_the_turn(server: PipelinesServer) -> None:
    other = PipelinesClient(server.url, "absent.auto")
    with pytest.raises(RuntimeError, match="filter/inlet: 404"):
        other.send(openwebui.chat_turn("hi"))
    assert other.chat(HI).status == 404


def test_edit_and_reload_and_restart(tmp_path: Path) -> None:
    with probe(tmp_path, copy=True) as server:
        file = server.pipelines / PROBE.name
        file.write_text(file.read_text().replace("GENERATION = 1", "GENERATION = 2"))
        assert server.chat(HI).statuses == ["generation 1"]
        server.reload()
        assert server.chat(HI).statuses == ["generation 2"]
        server.update_valves({"GREETING": "again"})
        first = server.pid
        server.kill()
        assert server.pid is None
        server.start()
        assert server.pid not in (None, first)
        assert server.restart().chat(HI).text.startswith("again")
    assert PROBE.read_text().count("GENERATION = 1") == 1


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = probe(tmp_path)
    server.valves_json.parent.mkdir()
    server.valves_json.write_text("{oops")
    with pytest.raises(RuntimeError, match="Application startup failed"):
        server.start()
    assert server.pid is None


def test_this_machine_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "real")
    monkeypatch.setenv("https_proxy", "http://proxy")
    environment = probe(tmp_path)._environment()
    assert not {"XAI_API_KEY", "https_proxy", "PYTHONPATH"} & set(environment)
    assert environment["HAL_DATA_DIR"] == str(tmp_path / "data")
    assert os.environ["PATH"] == environment["PATH"]
