"""One process of the extractor, from its caller's side: start, ask, kill.

Knows a subprocess and two pipes; knows neither loops nor what is asked. `start` and `ask` block:
they are called in a thread. `kill` may be called from anywhere and ends both.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from ..bundled import START, importer_of
from .bodies import MAX_TEXT_CHARS

_SOURCES = Path(__file__).resolve().parents[2]
# Our folder is on the path for the one import only: what lies beside the package is not ours.
_MAIN = "from hal.enrichment.extract_worker import main; main()"
_START = f"import sys; sys.path.insert(0, sys.argv[1]); import hal; del sys.path[0]; {_MAIN}"
# In a bundle there is no folder: the package comes as the first thing on its stdin.
_START_BUNDLED = f"{START}; {_MAIN}"
# No key, no proxy and no setting: what an interpreter needs to find its modules.
_ENVIRONMENT = (
    *("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HOME", "LANG", "LC_ALL", "TZ"),
    *("SYSTEMROOT", "TEMP", "APPDATA", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
# JSON writes a character beyond the first plane in twelve bytes; title and names are short.
_MAX_REPLY_BYTES = 12 * MAX_TEXT_CHARS + 10_000


class WorkerProcess:
    """A process that reads documents. Nothing it says is believed beyond its shape."""

    def __init__(self) -> None:
        self._importer = importer_of(__spec__)
        start = _START if self._importer is None else _START_BUNDLED
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: what lies in the current folder is no module.
            [sys.executable, "-P", "-c", start, str(_SOURCES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C is for us; it ends when its stdin does
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def greeting(self) -> dict[str, Any]:
        """What it says when it is ready, or why it is not; {} when it has died."""
        if self._importer is not None and not self._write(self._importer.hal_handed_on()):
            return {}
        return self._reply()

    def ask(self, order: dict[str, Any], data: bytes) -> dict[str, Any]:
        """Its reply to one document; {} when it has died, or talks nonsense."""
        head = json.dumps(order | {"bytes": len(data)}).encode() + b"\n"
        return self._reply() if self._write(head + data) else {}

    def kill(self) -> None:
        """End it at once; does nothing the second time. Whoever waits for a reply gets {}."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Give the pipes back, when nobody waits for a reply any more."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not written yet cannot be any more
                _pipe(pipe).close()

    def _write(self, data: bytes) -> bool:
        try:
            _pipe(self._process.stdin).write(data)
            _pipe(self._process.stdin).flush()
        except (OSError, ValueError):  # it is gone, or was killed meanwhile
            return False
        return True

    def _reply(self) -> dict[str, Any]:
        try:
            line = _pipe(self._process.stdout).readline(_MAX_REPLY_BYTES)
            reply = json.loads(line)
        except (OSError, ValueError, RecursionError):
            return {}
        return reply if isinstance(reply, dict) else {}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("started without pipes")
    return pipe
