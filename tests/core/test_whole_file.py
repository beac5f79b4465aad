"""What is read from files is read again when, and only when, one of them is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.whole_file import Current, write_whole


class Reader:
    """Puts two files together, and counts how often it did."""

    def __init__(self, *paths: Path) -> None:
        self.paths, self.times = paths, 0

    def __call__(self) -> str:
        self.times += 1
        return " ".join(path.read_text() if path.exists() else "-" for path in self.paths)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "a", tmp_path / "b")


def test_it_is_read_at_the_first_question_and_once(reader: Reader) -> None:
    current = Current(reader, *reader.paths)
    assert reader.times == 0
    assert [current(), current(), current()] == ["- -"] * 3
    assert reader.times == 1


def test_any_of_the_files_counts(reader: Reader) -> None:
    current = Current(reader, *reader.paths)
    found = [current()]
    for path in reader.paths:
        write_whole(path, "one")
        found.append(current())
    reader.paths[0].unlink()
    found.append(current())
    assert found == ["- -", "one -", "one one", "- one"]


def test_another_text_of_the_same_length_counts(reader: Reader) -> None:
    path, _ = reader.paths
    write_whole(path, "one")
    current = Current(reader, *reader.paths)
    first = current()
    write_whole(path, "two")
    assert (first, current()) == ("one -", "two -")


def test_a_file_that_comes_while_it_is_read_is_not_missed(reader: Reader) -> None:
    path, _ = reader.paths

    def read() -> str:
        found = reader()
        if reader.times == 1:
            write_whole(path, "late")
        return found

    current = Current(read, *reader.paths)
    assert [current(), current()] == ["- -", "late -"]


def test_an_error_is_no_answer_and_is_tried_again(reader: Reader) -> None:
    def read() -> str:
        found = reader()
        if reader.times == 1:
            raise OSError("gone")
        return found

    current = Current(read, *reader.paths)
    with pytest.raises(OSError, match="gone"):
        current()
    assert current() == "- -"
