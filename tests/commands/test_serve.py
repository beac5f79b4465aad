"""`hal serve` with the real Pipelines server: it starts, answers, and ends without leftovers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from hal.embedded.errors import ModelUnavailable
from hal.embedded.fetch import cache_folder, ensure_model
from tests.servers import OllamaServer, Say, Stall, refused_url
from tests.servers.ports import free_port
from tests.servers.searxng import SearxngServer

REPO = Path(__file__).resolve().parents[2]
STARTED_S, ENDED_S = 30.0, 10.0

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]


class Served:
    """A running `hal serve`, what it says, and its end."""

    def __init__(self, folder: Path, *words: str, **environ: str) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env = kept | {"HAL_DATA_DIR": str(folder), "PYTHONPATH": str(REPO / "pipelines")}
        command = [sys.executable, "-m", "hal.cli", "serve", "--port", str(self.port), *words]
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, env=env | {"NO_PROXY": "*"} | environ, stdout=out, stderr=err
            )

    @property
    def said(self) -> str:
        return self._out.read_text(encoding="utf-8") + self._err.read_text(encoding="utf-8")

    @property
    def key(self) -> str:
        return (self.folder / "pipelines.key").read_text(encoding="utf-8").strip()

    def wait_until_ready(self, timeout_s: float = STARTED_S) -> None:
        deadline = time.monotonic() + timeout_s
        while "is ready" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def children(self) -> list[int]:
        """Process ids, from the process table: some systems have no /proc."""
        table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
        pairs = [line.split() for line in table.stdout.splitlines()]
        return [int(pid) for pid, parent in pairs if int(parent) == self.process.pid]

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(ENDED_S)

    def answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=1).ok
        except requests.RequestException:
            return False


@contextmanager
def serving(folder: Path, *words: str, **environ: str) -> Iterator[Served]:
    served = Served(folder, *words, **environ)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.end()


def chat(url: str, text: str) -> str:
    body = {"model": "hal.auto", "stream": True, "messages": [{"role": "user", "content": text}]}
    with requests.post(f"{url}/v1/chat/completions", json=body, timeout=30) as reply:
        return reply.text


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


def test_it_says_what_a_user_needs_and_answers(tmp_path: Path, ollama: OllamaServer) -> None:
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
        served.wait_until_ready()
        said = served._out.read_text(encoding="utf-8")
        for part in (served.url, served.key, "hal.auto", ollama.url, "sessions.sqlite", "curl"):
            assert part in said
        assert "XAI_API_KEY" in said
        header = {"Authorization": f"Bearer {served.key}"}
        models = requests.get(f"{served.url}/v1/models", headers=header, timeout=5).json()["data"]
        assert [(model["id"], model["name"]) for model in models] == [("hal.auto", "hal-auto")]
        answer = chat(served.url, "/local hello")
        assert "nemotron-3-nano:30b" in answer
        assert (tmp_path / "pipelines/hal_auto/valves.json").is_file()
        assert not (REPO / "pipelines/hal_auto").exists()


def test_it_uses_a_searxng_that_runs_or_says_how_to_get_one(
    tmp_path: Path, ollama: OllamaServer
) -> None:
    with SearxngServer() as searxng:
        environ = {"OLLAMA_HOST": ollama.url, "SEARXNG_URL": searxng.url}
        with serving(tmp_path, **environ) as served:
            served.wait_until_ready()
            assert f"web search   SearXNG at {searxng.url}\n" in served.said
    with serving(tmp_path, **environ) as served:
        served.wait_until_ready()
        assert "web search   off: nothing listens at" in served.said
        assert "docker run" in served.said


def test_the_printed_curl_line_is_a_request_that_works(
    tmp_path: Path, ollama: OllamaServer
) -> None:
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
        served.wait_until_ready()
        (body,) = re.findall(r"-d '(.*)'", served.said)
        (header,) = re.findall(r"-H '(.*?): (.*?)'", served.said)
        url = f"{served.url}/v1/chat/completions"
        reply = requests.post(url, data=body, headers=dict([header]), timeout=30)
        assert reply.ok
        assert "data: " in reply.text
        assert json.loads(body)["stream"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_ending_ends_all_of_it(number: int, tmp_path: Path, ollama: OllamaServer) -> None:
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
        served.wait_until_ready()
        (server,) = served.children()
        assert served.end(number) == 0
        assert not served.answers()
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)


def test_a_running_answer_does_not_hold_up_the_end(tmp_path: Path, ollama: OllamaServer) -> None:
    ollama.answer([Say("begun"), Stall()])
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
        served.wait_until_ready()
        body = {"model": "hal.auto", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        url = f"{served.url}/v1/chat/completions"
        with requests.post(url, json=body, stream=True, timeout=30) as reply:
            next(reply.iter_content(1))
            began = time.monotonic()
            assert served.end() == 0
        assert time.monotonic() - began < 7


def test_the_death_of_the_server_is_told_and_ends_the_rest(
    tmp_path: Path, ollama: OllamaServer
) -> None:
    with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
        served.wait_until_ready()
        os.kill(served.children()[0], signal.SIGKILL)
        assert served.process.wait(ENDED_S) == 1
        assert "The Pipelines server ended (exit code -9)" in served.said


def test_a_port_in_use_is_told_at_once(tmp_path: Path, ollama: OllamaServer) -> None:
    port = ollama.url.rpartition(":")[2]
    with serving(tmp_path, "--port", port, OLLAMA_HOST=ollama.url) as served:
        assert served.process.wait(ENDED_S) == 1
    assert served.said == (
        f"hal serve: Port {port} is in use. Another hal serve? Or take another: --port 9100.\n"
    )
    assert not (tmp_path / "pipelines").exists()


def test_the_key_stays_the_same_and_the_settings_are_kept(
    tmp_path: Path, ollama: OllamaServer
) -> None:
    keys = []
    for _ in range(2):
        with serving(tmp_path, OLLAMA_HOST=ollama.url) as served:
            served.wait_until_ready()
            keys.append(served.key)
            if len(keys) == 1:
                url = f"{served.url}/hal/valves/update"
                assert requests.post(url, json={"CLOUD_CONFIDENCE": 0.8}, timeout=5).ok
            else:
                stored = requests.get(f"{served.url}/hal/valves", timeout=5).json()
    assert keys[0] == keys[1]
    assert stored["CLOUD_CONFIDENCE"] == 0.8


def test_without_ollama_a_user_who_insists_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, "--engine", "ollama", OLLAMA_HOST=refused_url()) as served:
        assert served.process.wait(ENDED_S) == 1
    assert served.said.startswith("hal serve: No Ollama at http://127.0.0.1:")


@pytest.mark.engine
@pytest.mark.timeout(180)  # it reads two long prompts on one thread, and the others take the rest
def test_without_ollama_the_embedded_engine_answers(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    model = "smollm2:135m"
    try:
        ensure_model(model)
    except ModelUnavailable as error:
        pytest.skip(str(error))
    (tmp_path / "models").symlink_to(cache_folder())  # it is not fetched for every test
    environ = {"OLLAMA_HOST": refused_url(), "HAL_EMBEDDED_THREADS": "1"}
    with serving(tmp_path, "--model", model, **environ) as served:
        served.wait_until_ready(150)
        assert "Starting the embedded engine" in served.said
        assert model in served.said
        assert len(served.children()) == 2
        assert '"content": "' in chat(served.url, "/local Say hello.")
        engine = json.loads((tmp_path / "engine.json").read_text(encoding="utf-8"))
        assert engine["HAL_LOCAL_MODEL"] == model
        assert served.end() == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(engine["HAL_OLLAMA_BASE_URL"], timeout=1)
