"""Start the embedded server as a process of its own, and stop it: what `hal serve` needs.

It does not know models or HTTP; it waits for the one line that says where the server is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import EngineFailed

_SOURCES = Path(__file__).resolve().parents[2]  # so that the child finds the package we run from
_STOP_S = 3.0  # the server promises 2 s


@dataclass(frozen=True, slots=True)
class EmbeddedProcess:
    """A running server; `stop()` it, or leave it: it ends with the process that started it."""

    url: str
    model_names: tuple[str, ...]
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it; does nothing the second time."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(
    models: Sequence[str] = (),
    port: int = 0,
    *,
    aliases: Mapping[str, str] | None = None,
    extra: Sequence[str] = (),
    timeout_s: float | None = None,
) -> EmbeddedProcess:
    """Start the server and wait until its first model is loaded; its progress goes to stderr.

    Without `models` it takes the default, or the fallback where that cannot be had. `extra` are
    further arguments of `python -m hal.embedded`. `timeout_s` counts a first download, too; None
    waits as long as it takes. Raises EngineFailed.
    """
    command = [sys.executable, "-m", "hal.embedded", "--port", str(port)]
    command += ["--parent-pid", str(os.getpid())]
    for name in models:
        command += ["--model", name]
    for alias, name in (aliases or {}).items():
        command += ["--alias", f"{alias}={name}"]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [*command, *extra],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    names = (*models, *(aliases or {}))
    return EmbeddedProcess(_await_ready(process, timeout_s), names, process)


def _await_ready(process: subprocess.Popen[str], timeout_s: float | None) -> str:
    """Return the address that the server prints; ends the process when it does not."""
    timer = threading.Timer(timeout_s, process.kill) if timeout_s is not None else None
    if timer is not None:
        timer.start()
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
    except BaseException:
        process.kill()
        raise
    finally:
        if timer is not None:
            timer.cancel()
    word, _, url = line.strip().partition(" ")
    if word == "ready":
        return url
    process.kill()
    code = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    raise EngineFailed(f"the embedded engine did not start (exit code {code}); its reason is above")


def _environment() -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_SOURCES), *([path] if path else [])])}
