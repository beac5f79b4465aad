"""The programs of a user's machine as child processes: `hal serve`, and `make webui`'s launcher.

Knows how they are started, when they are ready and how they end; nothing of pages and turns.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest
import requests
from webui.environment import webui_environment

from tests.harness.interpreters import REPO
from tests.servers.ports import free_port

# The first start of Open WebUI takes 21 s on two idle cores; the tests share theirs with others.
START_S = 240.0
STOP_S = 15.0
_POLL_S = 0.1
# What this machine has set for itself must not reach the programs under test.
_FOREIGN = ("HAL_", "XAI_", "OLLAMA_", "SEARXNG_", "PIPELINES_", "OPENAI_", "WEBUI_", "PYTHON",
            "HTTP_", "HTTPS_", "ALL_")  # fmt: skip
# Nothing is fetched: its own embedding model would come from the network at the first start.
OFFLINE = {"OFFLINE_MODE": "True", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def webui_python() -> str:
    """The interpreter that has Open WebUI; skips the tests, and says why, when there is none."""
    named = os.environ.get("HAL_E2E_WEBUI_PYTHON")
    folder = REPO / ".venv-webui"
    if not named and not (folder / ".installed").exists():  # a half of it is none
        pytest.skip(f"no Open WebUI in {folder}: make e2e, or set HAL_E2E_WEBUI_PYTHON")
    return named or str(folder / "bin/python")


class Program:
    """A child process that says on stdout when it is ready. stdout and stderr go into `log`."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path, ready: str) -> None:
        self._command, self._log, self._ready = command, log, ready
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_FOREIGN)}
        own = {"NO_PROXY": "*", "PYTHONPATH": str(REPO / "pipelines"), "PYTHONUNBUFFERED": "1"}
        self._env = kept | own | dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it is ready; RuntimeError with its log when it is not."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=REPO, env=self._env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while self._ready not in self.said():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self._command[1:4]} did not start:\n{self.said()[-4000:]}")
            time.sleep(_POLL_S)
        return self

    def stop(self) -> int | None:
        """End it as Ctrl-C does; after some seconds, not. Returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


class HalServe(Program):
    """`hal serve` in a data folder of its own; with `words` as further arguments."""

    def __init__(self, folder: Path, *words: str, **env: str) -> None:
        self.port = free_port()
        self.folder = folder
        command = [sys.executable, "-m", "hal.cli", "serve", "--port", str(self.port), *words]
        env = {"HAL_DATA_DIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"} | env
        super().__init__(command, env, folder / "serve.log", "is ready. Ctrl-C")


class OpenWebUI(Program):
    """Open WebUI as `make webui` starts it, connected to a Pipelines server on `pipelines_port`.

    Without `key` it is the one that `hal serve` has left in the same folder. `env` are Open WebUI's
    own variables, over those of the launcher.
    """

    def __init__(self, folder: Path, pipelines_port: int, key: str = "", **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        command = [sys.executable, "-m", "webui", "--python", webui_python()]
        command += ["--port", str(self.port), "--pipelines-port", str(pipelines_port)]
        own = {"HAL_DATA_DIR": str(folder), "PIPELINES_API_KEY": key} | OFFLINE
        super().__init__(command, own | env, folder / "webui.log", "Open WebUI is ready")

    def connect_to(self, pipelines_port: int) -> None:
        """Before the next start: where hal-auto serves then."""
        self._command[-1] = str(pipelines_port)

    def token(self, email: str = "", password: str = "") -> str:
        """Sign in over HTTP; without an account, as the one there is without a login."""
        body = {"email": email, "password": password}
        return str(self.call("POST", "/api/v1/auths/signin", json=body).json()["token"])

    def call(self, method: str, path: str, token: str = "", **more: object) -> requests.Response:
        """One request to its HTTP API; raises for an error status."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            reply = session.request(
                method,
                f"{self.url}{path}",
                headers=headers,
                timeout=60,
                **more,  # type: ignore[arg-type]
            )
        reply.raise_for_status()
        return reply


class BareWebUI(OpenWebUI):
    """Open WebUI by itself, without a Pipelines server: for a Function. `env` is also what the
    Function reads."""

    def __init__(self, folder: Path, **env: str) -> None:
        super().__init__(folder, 0)
        serve = f"from open_webui import serve; serve(host='127.0.0.1', port={self.port})"
        self._command = [webui_python(), "-P", "-c", serve]
        folder.mkdir(parents=True, exist_ok=True)
        told = webui_environment(self._env, folder, "", "", self.port)
        own = {"ENABLE_OPENAI_API": "False", "DEFAULT_MODELS": "", "GLOBAL_LOG_LEVEL": "INFO"}
        # Its own embedding model would be looked for at the start, and no file is read here.
        own |= {"RAG_EMBEDDING_ENGINE": "ollama"}
        self._env = told | OFFLINE | own | env
        self._ready = "Scheduler worker started"

    def start(self) -> Self:
        super().start()
        deadline = time.monotonic() + STOP_S
        while True:  # the last thing in its log is not the last that it does
            try:
                self.call("GET", "/health")
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                return self
