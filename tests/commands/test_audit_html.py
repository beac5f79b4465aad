"""`hal audit --html`: every call on one page, and nothing on it that a browser would obey."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hal.cli import main
from hal.commands.stored import settings_in_force
from hal.html_page import page, table, text
from hal.sessions.record import EgressContentRow
from hal.sessions.schema import SCHEMA
from tests.sessions.rows import DAY_S, NOON, SOON_S, content, egress, opened, sql, turn

MAIL = "jane.doe@meridian-data.net"
HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m"
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Tags in order, checked to be well nested, and the text between them."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


pytestmark = pytest.mark.usefixtures("data")


def log_path() -> Path:
    return settings_in_force(os.environ).log.database


@pytest.fixture
def log() -> None:
    with opened(log_path()) as store:
        store.write(turn("0192aaaa-1111", route="COMPLEX", outcome="done"))
        store.write(content("0192aaaa-1111", question=f"My mail is {MAIL}."))
        store.write(turn("0192aaab-2222", privacy_word="/public", outcome="done"))
        first = egress("e1", turn_id="0192aaaa-1111", bytes=1000, masked={"EMAIL": 2})
        store.write_egress(first)
        by_word = {"turn_id": "0192aaab-2222", "passed": {"EMAIL": 1}}
        said = egress("e2", at=NOON + DAY_S, bytes=500, **by_word)
        store.write_egress(said)
        store.write_egress(egress("e3", at=NOON + 9, host="other.org", bytes=5, purpose="search"))
        for row, body in ((first, f'{{"content": "{HOSTILE}"}}'), (said, MAIL)):
            kept = EgressContentRow(egress_id=row.id, created_at=row.at, body=body)
            store.write(kept).result(SOON_S)


def written(file: Path, *words: str) -> str:
    main(["audit", "--html", str(file), *words])
    return file.read_text()


def test_every_call_by_target_and_day(
    log: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = written(tmp_path / "audit.html")
    out, err = capsys.readouterr()
    assert err == f"hal audit: the page is {tmp_path / 'audit.html'}\n"
    words = Reader(document).words
    assert out.splitlines()[-1] in words  # the verdict is the same, on top
    assert words.index("Nothing private") < words.index("By target")
    order = ["1 call, 500 bytes", "1 call, 1,000 bytes", "1 call, 5 bytes"]
    assert [words.count(each) for each in order] == [1, 1, 1]
    assert sorted(order, key=words.index) == order  # by target, the newest first
    for cell in ("EMAIL 2", "/public: EMAIL 1", "0192aaaa", "COMPLEX", "search", ("ab" * 32)[:16]):
        assert cell in words
    assert f'title="{"ab" * 32}"' in document
    assert stat.S_IMODE((tmp_path / "audit.html").stat().st_mode) == 0o600


def test_texts_only_by_word(log: None, tmp_path: Path) -> None:
    bare = written(tmp_path / "bare.html")
    assert (MAIL in bare, "alert" in bare) == (False, False)
    whole = written(tmp_path / "whole.html", "--with-texts")
    assert MAIL in Reader(whole).words
    assert "alert(1)" in Reader(whole).words


def test_with_texts_is_for_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--with-texts"]) == 2
    assert "Add --html FILE" in capsys.readouterr().err


def test_nothing_is_loaded_and_nothing_runs(log: None, tmp_path: Path) -> None:
    """Whatever stands in the log."""
    sql(log_path(), "UPDATE egress SET host = ?, model = ?, purpose = ?", *[HOSTILE] * 3)
    sql(log_path(), "UPDATE egress SET sha256 = ?, masked = ?", HOSTILE, '{"<b onx=1>": 1}')
    sql(log_path(), "UPDATE turn SET route = ?, id = ? WHERE id LIKE '%1111'", HOSTILE, HOSTILE)
    sql(log_path(), "UPDATE turn SET privacy_word = ?", HOSTILE)
    document = written(tmp_path / "audit.html", "--with-texts")
    found = Reader(document)
    assert not {"script", "b", "img", "link", "iframe", "form", "a"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"(?i)https?:|url\(|@import|javascript:", document)
    assert "\x1b" not in document
    assert "default-src 'none'" in document


def test_something_private_left_is_on_top(
    log: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql(log_path(), "UPDATE turn SET privacy_word = ''")
    sql(log_path(), "UPDATE egress SET passed = '{}'")
    assert main(["audit", "--html", str(tmp_path / "a.html")]) == 1
    document = (tmp_path / "a.html").read_text()
    assert 'class="card verdict failed"' in document
    assert "Private, and sent without your word" in document


def test_to_stdout(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--html", "-"]) == 0
    out, err = capsys.readouterr()
    assert (out.startswith("<!doctype html>"), out.count("<html"), err) == (True, 1, "")


@pytest.mark.parametrize("version", ["none", "empty"])
def test_without_a_call(version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if version == "empty":
        with opened(log_path()) as store:
            store.write(turn()).result(SOON_S)
    words = Reader(written(tmp_path / "audit.html")).words
    assert "Nothing left this machine." in words
    assert "By target" not in words


def test_a_log_of_the_first_version(tmp_path: Path) -> None:
    """It knew no words about privacy and kept nothing that was sent."""
    log_path().parent.mkdir(parents=True)
    with closing(sqlite3.connect(log_path(), isolation_level=None)) as connection:
        SCHEMA.migrations[0](connection)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO egress (id, turn_id, at, host, bytes, sha256)"
            " VALUES ('e', 't', 1772366400, 'api.x.ai', 7, 'ab')"
        )
    assert "1 call, 7 bytes" in Reader(written(tmp_path / "a.html", "--with-texts")).words


def test_the_shell_escapes_what_it_is_given() -> None:
    assert text(HOSTILE).count("<") == text(HOSTILE).count('"') == text(HOSTILE).count("'") == 0
    document = page(HOSTILE, [table([HOSTILE], [[text(HOSTILE)]], caption=HOSTILE, classes=">")])
    assert "script" not in Reader(document).tags
    assert 'class="number"' in document


@pytest.mark.parametrize("ground", ["ground", "raised"])
@pytest.mark.parametrize("ink", ["ink", "faint", "accent", "good", "warn", "bad"])
def test_what_is_written_can_be_read(ground: str, ink: str) -> None:
    """By day and by night, as WCAG 2 counts contrast for text."""
    for theme in re.findall(r":root \{[^}]*--ground[^}]*\}", page("", [])):
        colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", theme))
        light, dark = sorted((_luminance(colours[name]) for name in (ground, ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
