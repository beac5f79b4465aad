"""The key and the list of allowed values: one key for all, for their owner alone, never half."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hal.errors import ConfigError
from hal.privacy_files import KEY_BYTES, load_allowed, load_key, modified, save_allowed

REPO = Path(__file__).resolve().parents[2]
ONE, TWO = "ab" * 32, "cd" * 32


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the key ------------------------------------------------------------------------------------


def test_the_first_use_makes_a_key_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "data" / "privacy.key"
    key = load_key(path)
    assert len(key) == KEY_BYTES
    assert load_key(path) == key
    assert load_key(tmp_path / "other.key") != key


def test_the_key_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_key(tmp_path / "privacy.key")
    finally:
        os.umask(before)
    assert mode(tmp_path / "privacy.key") == 0o600


def test_threads_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    count = 8

    def begin(path: Path, barrier: Barrier) -> bytes:
        barrier.wait(10)
        return load_key(path)

    with ThreadPoolExecutor(count) as pool:
        for number in range(20):
            path, barrier = tmp_path / f"{number}.key", Barrier(count)
            found = [pool.submit(begin, path, barrier) for _ in range(count)]
            assert {each.result(20) for each in found} == {load_key(path)}
    assert len(list(tmp_path.iterdir())) == 20  # and nothing half done is left


def test_processes_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    path = tmp_path / "privacy.key"
    # Each says that it is there, and begins when it is told to.
    code = (
        "import sys; from pathlib import Path; from hal.privacy_files import load_key;"
        "print('.', flush=True); sys.stdin.readline(); print(load_key(Path(sys.argv[1])).hex())"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPO / "pipelines")}
    command = [sys.executable, "-c", code, str(path)]
    running = [
        subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(2)
    ]
    for each in running:
        assert each.stdout is not None
        each.stdout.readline()
    keys = []
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in running:
        out, _ = each.communicate(timeout=30)
        keys.append(out.strip())
    assert keys == [load_key(path).hex()] * 2
    assert os.listdir(tmp_path) == ["privacy.key"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuses)
    path = tmp_path / "privacy.key"
    assert load_key(path) == load_key(path)
    assert os.listdir(tmp_path) == ["privacy.key"]


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "ab" * 31, "\xe4" * 64, "ab" * 32 + "x"])
def test_a_damaged_key_is_told_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "privacy.key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_key(path)
    assert "privacy.key" in str(caught.value)
    assert caught.value.remedy.startswith("Delete it")
    assert path.read_text(encoding="utf-8") == text


def a_file_as_folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file" / "privacy.key"


def a_folder_as_file(tmp_path: Path) -> Path:
    (tmp_path / "privacy.key").mkdir()
    return tmp_path / "privacy.key"


def a_folder_that_is_not_ours(tmp_path: Path) -> Path:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    return folder / "privacy.key"


def nothing_can_be_made_there(_: Path) -> Path:
    return Path("/proc/privacy.key")  # not even by root


@pytest.mark.parametrize(
    "place",
    [a_file_as_folder, a_folder_as_file, a_folder_that_is_not_ours, nothing_can_be_made_there],
)
def test_where_no_key_can_be(tmp_path: Path, place: object) -> None:
    path = place(tmp_path)  # type: ignore[operator]
    with pytest.raises(ConfigError) as caught:
        load_key(path)
    assert "cannot be read or written" in str(caught.value)
    assert "rights" in caught.value.remedy


# --- allowed values -----------------------------------------------------------------------------


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "data" / "allowed.txt"
    for hashes in ({ONE, TWO}, {ONE}, set[str]()):
        save_allowed(path, hashes)
        assert load_allowed(path) == hashes
    assert mode(path) == 0o600
    assert os.listdir(path.parent) == ["allowed.txt"]


def test_what_a_killed_save_left_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    (tmp_path / f"allowed.txt.{os.getpid()}.new").write_text("half")
    save_allowed(path, [ONE])
    assert load_allowed(path) == {ONE}
    assert os.listdir(tmp_path) == ["allowed.txt"]


def test_lines_that_are_no_hashes_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    path.write_bytes(f"\n  {ONE} \r\njane@x.de\n{TWO}0\n{'-' * 64}\n".encode() + b"\xff\xfe\n")
    assert load_allowed(path) == {ONE}


def test_no_file_and_no_readable_file_allow_nothing(tmp_path: Path) -> None:
    assert load_allowed(tmp_path / "allowed.txt") == frozenset()
    assert load_allowed(tmp_path) == frozenset()


def test_a_list_that_cannot_be_saved_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError):
        save_allowed(tmp_path / "file" / "allowed.txt", [ONE])


def test_when_it_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    assert modified(path) == 0.0
    save_allowed(path, [ONE])
    os.utime(path, (5.0, 5.0))
    assert modified(path) == 5.0
    save_allowed(path, [TWO])
    assert modified(path) > 5.0
