"""A valves.json that would keep the server from starting is set aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hal.stored_valves import repair

FINE = ["{}", '{"LOCAL_MODEL": "x"}', '{"OLD": [1, {"a": null}]}', " {\n}\n"]
BROKEN = [
    pytest.param(b"", id="empty"),
    pytest.param(b'{"A": 1', id="cut off"),
    pytest.param(b"[1, 2]", id="a list"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"text"', id="text"),
    pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
    pytest.param("\ufeff{}".encode(), id="byte order mark"),
    pytest.param(b"[" * 100_000, id="too deep"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "valves.json"


@pytest.mark.parametrize("text", FINE)
def test_what_can_be_read_is_left_alone(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    assert repair(path) == ()
    assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("data", BROKEN)
def test_what_cannot_be_read_is_kept_beside_an_empty_one(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    (said,) = repair(path)
    assert json.loads(path.read_text(encoding="utf-8")) == {}
    (aside,) = [file for file in path.parent.iterdir() if file != path]
    assert aside.read_bytes() == data
    assert aside.name in said
    assert repair(path) == ()


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert repair(tmp_path / "valves.json") == ()
    assert repair(tmp_path / "nowhere" / "valves.json") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_moved_away(path: Path) -> None:
    path.mkdir()
    assert repair(path)
    assert path.read_text(encoding="utf-8") == "{}"


def test_what_cannot_be_replaced_is_said(tmp_path: Path) -> None:
    # A name so long that the one set aside would be too long for any file system.
    path = tmp_path / ("v" * 250)
    path.write_text("broken", encoding="utf-8")
    (said,) = repair(path)
    assert "cannot be replaced" in said
    assert path.read_text(encoding="utf-8") == "broken"
