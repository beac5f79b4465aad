"""`make webui`: Open WebUI on this machine, connected to the hal-auto that `make run` serves.

Runs in hal-auto's environment and starts Open WebUI out of one of its own. Knows the order of
things, and nothing of turns. What it writes lies in HAL_DATA_DIR/webui: Open WebUI's data and log,
its secret key, and where it was connected last.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hal.commands.pipelines_server import (
    MODEL_ID,
    listed_models,
    require_free_port,
    stored_key,
    url_of,
)
from hal.commands.stored import Places
from hal.errors import ConfigError, HalError

from .connections import WebUI, connect
from .environment import HOST, webui_environment

# The first start makes its database: 21 s on two idle cores, several times that on a busy machine,
# and it tries to fetch its embedding model before it listens.
READY_S = 600.0
POLL_S = 0.25
STOP_S = 8.0  # it lets running answers end, and then closes its database
LAST_LINES = 15  # a traceback's end, with what it was about
EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_EPILOG = """\
example: python -m webui --python .venv-webui/bin/python --pipelines-port 9099 --port 8081

Open WebUI's own settings come from the environment (WEBUI_AUTH=True asks for an account) and from
its admin panel, which is kept in HAL_DATA_DIR/webui.
exit codes: 0 ended by Ctrl-C, 1 it could not start or ended by itself, 2 wrong usage or settings
"""


class WebUIProblem(HalError):
    """Open WebUI cannot start; the message says why."""

    code = "webui"


def main(argv: Sequence[str] | None = None) -> int:
    """Start Open WebUI and wait for its end; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        return _run(args, os.environ)
    except HalError as error:
        print(f"make webui: {error.sentence}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webui",
        description="Open WebUI beside `make run`, without Docker.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--python", required=True, metavar="PATH", help="the interpreter that has Open WebUI")
    add("--port", type=int, default=8081, help="where Open WebUI listens (%(default)s)")
    add("--pipelines-port", type=int, default=9099, help="where hal-auto serves (%(default)s)")
    return parser


def _run(args: argparse.Namespace, environ: Mapping[str, str]) -> int:
    places = Places.of(environ)
    url, key = url_of(HOST, args.pipelines_port), _key(environ, places)
    _require_hal_auto(url, key)
    _require_port(args.port)
    folder = places.root / "webui"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [_interpreter(args.python), "-P", "-c", _SERVE, HOST, str(args.port)]
    environment = webui_environment(environ, folder, url, key, args.port)
    log = folder / "open-webui.log"
    print(f"Starting Open WebUI; the first start takes a minute. Log: {log}", file=sys.stderr)
    with Ending() as ending, _started(command, environment, log) as process:
        site = WebUI(url_of(HOST, args.port))
        if _wait_until_ready(process, site, ending):
            note = connect(site, url, key, folder)
            print(_block(site.url, url, folder, note, environment), flush=True)
        return _wait(process, ending, log)


def _interpreter(path: str) -> str:
    """Absolute, as it is started in another folder; a link stays one, or it loses its packages."""
    interpreter = Path(path).absolute()
    if not os.access(interpreter, os.X_OK):
        raise WebUIProblem(f"There is no Python at {interpreter}.", "`make webui` installs it.")
    return str(interpreter)


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The child, in the folder of its log, in a session of its own: Ctrl-C reaches us alone."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the interpreter that the caller names
            command,
            cwd=log.parent,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


# `open-webui serve` would do the same, but its script names the interpreter by an absolute path
# that is wrong once the folder has moved. -P: what lies in the data folder is data, not modules.
_SERVE = """
import sys
from open_webui import serve
serve(host=sys.argv[1], port=int(sys.argv[2]))
"""


def _key(environ: Mapping[str, str], places: Places) -> str:
    key = environ.get("PIPELINES_API_KEY", "").strip() or stored_key(places)
    if not key:
        raise WebUIProblem(
            f"hal-auto has never served from {places.root}: there is no key.",
            "Start it first, in another terminal: make run",
        )
    return key


def _require_hal_auto(url: str, key: str) -> None:
    models = listed_models(url, key)
    if models is None:
        raise WebUIProblem(
            f"hal-auto does not answer at {url}, or not to this key.",
            "Start it first, in another terminal: make run (with the same PORT and HAL_DATA_DIR)",
        )
    if MODEL_ID not in models:
        raise WebUIProblem(f"The server at {url} has no hal-auto.", "`hal doctor` tells more.")


def _require_port(port: int) -> None:
    try:
        require_free_port(HOST, port)
    except HalError:
        raise WebUIProblem(
            f"Port {port} is in use.", f"Take another: make webui WEBUI_PORT={port + 1}"
        ) from None


class Ending:
    """Whether Ctrl-C, SIGTERM or the end of the terminal has come."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Ending:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if (number := getattr(signal, name, None)) is not None:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.wanted = True


def _wait_until_ready(process: subprocess.Popen[bytes], site: WebUI, ending: Ending) -> bool:
    deadline = time.monotonic() + READY_S
    while not site.answers():
        if ending.wanted or process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise WebUIProblem(f"Open WebUI gave no answer within {READY_S:.0f} s.")
        time.sleep(POLL_S)
    return True


def _wait(process: subprocess.Popen[bytes], ending: Ending, log: Path) -> int:
    while process.poll() is None:
        if ending.wanted:
            print("Stopping.", file=sys.stderr, flush=True)
            return EXIT_OK
        time.sleep(POLL_S)
    if ending.wanted:
        return EXIT_OK
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    raise WebUIProblem(f"Open WebUI ended (exit code {process.returncode}):\n" + "\n".join(last))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it politely; after some seconds, not."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _block(site: str, url: str, folder: Path, note: str, environment: Mapping[str, str]) -> str:
    open_to_all = environment["WEBUI_AUTH"].lower() != "true"
    login = "none: whoever uses this machine is the admin; nobody else reaches it"
    return f"""
Open WebUI is ready. Ctrl-C ends it.

  open         {site}
  model        hal-auto, from {url}
  login        {login if open_to_all else "its own accounts (WEBUI_AUTH)"}
  data         {folder}
{f"  note         {note}" if note else ""}"""


if __name__ == "__main__":
    sys.exit(main())
