"""`make webui`: what Open WebUI is told, how it is connected, and what is said when it cannot be.

A small server in Python stands in for Open WebUI here, because the real one takes 3 GB; `tests/e2e`
starts the real one with the same launcher.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from webui.connections import WebUI, connected

from tests.server.logbook import wait_until
from tests.servers import Exchange, RecordedRequest, ScriptedServer
from tests.servers.play import reply
from tests.servers.ports import free_port
from tests.servers.script import Status
from webui import environment

REPO = Path(environment.__file__).parents[1]
URL, KEY = "http://127.0.0.1:9099", "a key"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def connections(*urls: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"OPENAI_API_BASE_URLS": list(urls), "OPENAI_API_KEYS": list(keys), "ENABLE": True}


@pytest.mark.parametrize(
    ("config", "before", "urls", "keys"),
    [
        pytest.param(connections(URL, keys=(KEY,)), URL, [URL], [KEY], id="as it should be"),
        pytest.param(connections(URL, keys=("old",)), URL, [URL], [KEY], id="another key"),
        pytest.param(
            connections("x", "http://old", "y", keys=("1", "2", "3")),
            "http://old",
            ["x", URL, "y"],
            ["1", KEY, "3"],
            id="another port, between others",
        ),
        pytest.param(
            connections("http://old", URL, keys=("1", "2")),
            "http://old",
            ["http://old", URL],
            ["1", KEY],
            id="both are there",
        ),
        pytest.param(connections("x"), "http://old", ["x", URL], ["", KEY], id="taken out"),
        pytest.param({"ENABLE": True}, URL, [URL], [KEY], id="none at all"),
    ],
)
def test_the_connections_are_put_right(
    config: dict[str, Any], before: str, urls: list[str], keys: list[str]
) -> None:
    changed = connected(config, before, URL, KEY)
    assert changed == {"ENABLE": True, "OPENAI_API_BASE_URLS": urls, "OPENAI_API_KEYS": keys}


def test_the_callers_environment_wins_over_our_defaults_and_our_keys_stay_here(
    tmp_path: Path,
) -> None:
    caller = {"WEBUI_AUTH": "True", "PATH": "/bin", "XAI_API_KEY": "secret", "HAL_CACHE": "exact"}
    told = environment.webui_environment(caller, tmp_path, URL, KEY, 8081)
    assert (told["WEBUI_AUTH"], told["PATH"]) == ("True", "/bin")
    assert (told["OPENAI_API_BASE_URLS"], told["OPENAI_API_KEYS"]) == (URL, KEY)
    assert told["ENABLE_OLLAMA_API"] == "False"
    assert told["CORS_ALLOW_ORIGIN"] == "http://127.0.0.1:8081;http://localhost:8081"
    assert not {"XAI_API_KEY", "HAL_CACHE"} & set(told)


def test_the_secret_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    first = environment.secret_key(tmp_path)
    assert len(first) > 30
    assert environment.secret_key(tmp_path) == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    named = environment.webui_environment({"WEBUI_SECRET_KEY": "mine"}, tmp_path, URL, KEY, 8081)
    assert named["WEBUI_SECRET_KEY"] == "mine"


# The whole of it, as a process.

_STAND_IN = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
CONFIG = {"OPENAI_API_BASE_URLS": ["http://gone"], "OPENAI_API_KEYS": ["old"]}
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(CONFIG if self.path == "/openai/config" else {"status": True})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/openai/config/update":
            CONFIG.update(body)
        self.say({"token": "t"})
    def say(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words):
        pass
def serve(host, port):
    print("its own words", flush=True)
    if os.environ.get("STAND_IN_FAILS"):
        raise SystemExit(3)
    HTTPServer((host, port), Handler).serve_forever()
"""


class ModelList(ScriptedServer):
    """A Pipelines server as far as the launcher asks it."""

    def __init__(self, *models: str, key: str = KEY) -> None:
        super().__init__()
        self.models, self.key = models, key

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        right = request.headers.get("authorization") == f"Bearer {self.key}"
        listed = {"data": [{"id": model} for model in self.models]}
        await reply(exchange, Status(200, listed) if right else Status(403, {"detail": "no"}))

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


class Launched:
    """A running launcher with the stand-in, and what it says."""

    def __init__(self, folder: Path, pipelines_port: int, port: int, **env: str) -> None:
        (folder / "fake").mkdir()
        (folder / "fake" / "open_webui.py").write_text(_STAND_IN, encoding="utf-8")
        python = folder / "python"
        python.write_text(
            f'#!/bin/sh\nPYTHONPATH={folder / "fake"} exec {sys.executable} "$@"\n',
            encoding="utf-8",
        )
        python.chmod(0o755)
        command = [sys.executable, "-m", "webui", "--python", os.path.relpath(python, REPO)]
        command += ["--port", str(port), "--pipelines-port", str(pipelines_port)]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {"HAL_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(REPO / "pipelines")}
        self._said = folder / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                command, cwd=REPO, env=kept | own | env, stdout=said, stderr=said
            )

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def ended(self) -> int:
        return self.process.wait(20)

    def __enter__(self) -> Launched:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def test_it_starts_connects_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    with (
        ModelList("hal.auto") as server,
        Launched(tmp_path, server.port, port, PIPELINES_API_KEY=KEY) as launched,
    ):
        wait_until(lambda: "Open WebUI is ready" in launched.said, 20.0, lambda: launched.said)
        assert f"http://127.0.0.1:{port}" in launched.said
        assert "its own words" not in launched.said
        log = tmp_path / "data" / "webui" / "open-webui.log"
        assert log.read_text(encoding="utf-8") == "its own words\n"
        site = WebUI(f"http://127.0.0.1:{port}")
        urls = site.connections("t")["OPENAI_API_BASE_URLS"]
        assert urls == ["http://gone", f"http://127.0.0.1:{server.port}"]
        launched.process.send_signal(signal.SIGINT)
        assert launched.ended() == 0
        assert not site.answers()


def problem(
    tmp_path: Path, server: ScriptedServer | None, port: int, env: Mapping[str, str]
) -> tuple[int, str]:
    pipelines_port = int(server.url.rpartition(":")[2]) if server else free_port()
    with Launched(tmp_path, pipelines_port, port, **env) as launched:
        return launched.ended(), launched.said


@pytest.mark.parametrize(
    ("models", "env", "words"),
    [
        (("hal.auto",), {}, ["there is no key", "make run"]),
        (None, {"PIPELINES_API_KEY": KEY}, ["does not answer at", "make run"]),
        (("hal.auto",), {"PIPELINES_API_KEY": "x"}, ["or not to this key", "same PORT"]),
        (("other",), {"PIPELINES_API_KEY": KEY}, ["has no hal-auto", "hal doctor"]),
        (
            ("hal.auto",),
            {"PIPELINES_API_KEY": KEY, "STAND_IN_FAILS": "1"},
            ["Open WebUI ended (exit code 3)", "its own words"],
        ),
    ],
    ids=["no key", "nobody there", "wrong key", "another server", "it ends by itself"],
)
def test_what_is_wrong_is_said_with_its_remedy(
    tmp_path: Path, models: tuple[str, ...] | None, env: dict[str, str], words: list[str]
) -> None:
    if models is None:
        code, said = problem(tmp_path, None, free_port(), env)
    else:
        with ModelList(*models) as server:
            code, said = problem(tmp_path, server, free_port(), env)
    assert code == 1
    assert all(word in said for word in words), said
    assert "Traceback" not in said


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with ModelList("hal.auto") as server:
        command = [sys.executable, "-m", "webui", "--python", str(tmp_path / "none")]
        command += ["--port", str(free_port()), "--pipelines-port", str(server.port)]
        env = dict(os.environ) | {"HAL_DATA_DIR": str(tmp_path), "PIPELINES_API_KEY": KEY}
        env |= {"PYTHONPATH": str(REPO / "pipelines")}
        ended = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True)
    assert ended.returncode == 1
    assert f"There is no Python at {tmp_path / 'none'}. `make webui` installs it." in ended.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with ModelList("hal.auto") as server:
        code, said = problem(tmp_path, server, server.port, {"PIPELINES_API_KEY": KEY})
    assert code == 1
    assert f"Port {server.port} is in use. Take another: make webui WEBUI_PORT=" in said


def test_help_has_an_example_and_the_exit_codes() -> None:
    command = [sys.executable, "-m", "webui", "--help"]
    env = dict(os.environ) | {"PYTHONPATH": str(REPO / "pipelines")}
    shown = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, check=True)
    assert "example: python -m webui" in shown.stdout
    assert "exit codes: 0" in shown.stdout
