"""Runs the real Pipelines server as a subprocess, and talks to it as Open WebUI does.

Knows how the server is started and asked; knows nothing of what the pipeline should answer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import requests

from tests.servers.ports import free_port

from . import interpreters
from .client import PipelinesClient
from .interpreters import REPO

SHIM = REPO / "pipelines" / "hal_auto.py"
_FOREIGN = ("HAL_", "XAI_", "OLLAMA_", "SEARXNG_", "PIPELINES_", "PYTHON", "HTTP_", "HTTPS_")
_POLL_S = 0.03
_STOP_TIMEOUT_S = 8.0


class PipelinesServer(PipelinesClient):
    """The server over a folder of its own: `folder/pipelines` (with valves.json), `folder/data`.

    The pipeline file is a link to `source`; with `copy` its whole folder is copied (and the
    `prompts` folder beside it), for tests that edit the code. `env` is added to an environment
    without this machine's HAL_*, keys, service addresses and proxies.
    """

    def __init__(
        self,
        folder: Path,
        *,
        python: str | None = None,
        env: Mapping[str, str] | None = None,
        source: Path = SHIM,
        copy: bool = False,
        model: str = "hal.auto",
        start_timeout_s: float = 30.0,
    ) -> None:
        port = free_port()
        super().__init__(f"http://127.0.0.1:{port}", model)
        self.folder = folder
        self.pipelines = folder / "pipelines"
        self.data = folder / "data"
        self.python = python or interpreters.python("newest")
        self.env = dict(env or {})
        self._port = port
        self._start_timeout_s = start_timeout_s
        self._log_path = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lay_out(source, copy)

    @property
    def valves_json(self) -> Path:
        """Where the server stores the valves of the (only) pipeline."""
        return self.pipelines / self._stem / "valves.json"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    def start(self) -> Self:
        """Start the server and wait until it answers; RuntimeError with its log if it does not."""
        with self._log_path.open("ab") as log:
            self._process = self._spawn(log)
        deadline = time.monotonic() + self._start_timeout_s
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended ({self._process.returncode}):\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no answer in {self._start_timeout_s} s:\n{self.log()}")
            time.sleep(_POLL_S)
        return self

    def stop(self) -> None:
        """End the server politely; after some seconds, not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> Self:
        """Stop, and start again on the same port and folders."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def log(self) -> str:
        """All that the server and the pipeline have written to stdout and stderr."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, timeout_s: float = 5.0) -> None:
        """Wait until the log holds the text: the server may write after its answer has ended."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} is not in the log:\n{self.log()[-4000:]}")
            time.sleep(_POLL_S)

    def _lay_out(self, source: Path, copy: bool) -> None:
        self._stem = source.stem
        self.data.mkdir(parents=True, exist_ok=True)
        if copy:
            _copy(source.parent, self.pipelines, self._stem)
            prompts = source.parent.parent / "prompts"
            if prompts.is_dir():
                _copy(prompts, self.folder / "prompts", self._stem)
        else:
            self.pipelines.mkdir(exist_ok=True)
            (self.pipelines / source.name).symlink_to(source)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [self.python, "-m", "uvicorn", "main:app", "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--timeout-graceful-shutdown", "3"]
        command += ["--app-dir", str(interpreters.server_folder(self.python))]
        return subprocess.Popen(
            command, cwd=self.folder, env=self._environment(), stdout=log, stderr=log
        )

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_FOREIGN)}
        own = {
            "PIPELINES_DIR": str(self.pipelines),
            "PIPELINES_API_KEY": self.api_key,
            "HAL_DATA_DIR": str(self.data),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "*",
        }
        return kept | own | self.env

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/", timeout=1).ok
        except requests.RequestException:
            return False


def _copy(source: Path, target: Path, stem: str) -> None:
    """Copy a tree without what Python and the server write into it."""

    def left_out(folder: str, names: Sequence[str]) -> list[str]:
        written = {"failed", stem} if Path(folder) == source else set[str]()
        return [n for n in names if n == "__pycache__" or n in written]

    shutil.copytree(source, target, ignore=left_out)
