"""`hal audit`: days, targets, findings and one sentence, from a real log, and never a value."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.cli import main
from hal.commands import audit as command
from hal.commands.stored import settings_in_force
from hal.privacy.allowed import value_hash
from hal.privacy.kinds import Kind
from hal.privacy_files import load_key, save_allowed
from hal.sessions.record import EgressContentRow
from hal.sessions.schema import SCHEMA
from hal.sessions.store import SessionStore
from tests.sessions.rows import DAY_S, NOON, SOON_S, content, egress, opened, sql, turn

MAIL, CARD, NAME = "jane.doe@meridian-data.net", "4539 1488 0343 6467", "Anna Weber"
HARMLESS = "Is every such group abelian?"
VALUES = (MAIL, CARD, NAME, "4539148803436467")
DAY = "2026-03-01"


pytestmark = pytest.mark.usefixtures("data")


def log_path() -> Path:
    return settings_in_force(os.environ).log.database


def body(*texts: str) -> str:
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "grok-4.3", "messages": messages})


class Book:
    """Writes turns as the router does; each call leaves a second after its turn began."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def turn(self, id: str, question: str = HARMLESS, at: float = NOON, **changes: Any) -> None:
        self._store.write(turn(id, started_at=at, outcome="done", **changes))
        self._store.write(content(id, question=question, answer="Yes.", created_at=at + 9))

    def sent(self, turn_id: str, text: str | None, at: float = NOON + 1, **changes: Any) -> None:
        row = egress(f"e-{turn_id}-{at}", turn_id=turn_id, at=at, model="grok-4.3", **changes)
        self._store.write_egress(row).result(SOON_S)
        if text is not None:
            self._store.write(EgressContentRow(egress_id=row.id, created_at=at, body=text)).result(
                SOON_S
            )


@contextmanager
def book() -> Iterator[Book]:
    with opened(log_path()) as store:
        yield Book(store)


def audit(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and stdout; nothing on stderr, and no value anywhere."""
    code = main(["audit", *words])
    out, err = capsys.readouterr()
    assert err == ""
    assert not [value for value in VALUES if value in out]
    return code, out


def document(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out = audit(capsys, "--json", *words)
    return code, json.loads(out)


def test_without_a_log_nothing_left(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    assert audit(capsys) == (0, "Nothing left this machine.\n")
    assert document(capsys)[1]["calls"] == 0
    assert not data.exists()  # who only looks makes neither a log nor a key


def test_a_log_of_local_turns(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
    assert audit(capsys) == (0, "Nothing left this machine.\n")


def test_what_left_by_day_and_target(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1")
        log.sent("t1", body(HARMLESS), bytes=1000, masked={"EMAIL": 1, "PERSON": 2})
        log.sent("t1", body(HARMLESS), at=NOON + 2, bytes=234, masked={"EMAIL": 1})
        log.turn("t2", at=NOON + DAY_S)
        log.sent("t2", None, at=NOON + DAY_S + 1, host="other.org", bytes=1)
    code, out = audit(capsys)
    assert code == 0
    assert out.splitlines() == [
        f"{DAY}  api.x.ai grok-4.3: 2 calls in 1 turn, 1,234 bytes",
        "            masked: EMAIL 2, PERSON 2",
        "2026-03-02  other.org grok-4.3: 1 call in 1 turn, 1 byte",
        "",
        "1 call whose text is not kept any more, or never was: sizes and hashes only",
        "looked for: 0 private values in the 2 turns that the log keeps, and",
        "            whatever the detector recognises in what was sent",
        "",
        "Nothing private was found in what left this machine (2 calls searched).",
    ]


def test_something_private_left(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("0192aaaa-1111", f"My mail is {MAIL}, charge {CARD}.")
        log.turn("0192aaab-2222", at=NOON + 60)
        log.sent("0192aaab-2222", body(MAIL, CARD), at=NOON + 61)
    code, out = audit(capsys)
    assert code == 1
    assert "private, and sent without your word:" in out
    head = f"  {DAY} 12:01:01  turn 0192aaab  api.x.ai grok-4.3  "
    assert f"{head}CREDIT_CARD (plain)\n{head}EMAIL (plain)\n" in out
    assert "in all: card number, e-mail address" in out
    assert out.endswith("Private data left this machine without your word, in 1 call.\n")
    code, found = document(capsys)
    assert (code, found["private_left"]) == (1, True)
    assert found["findings"][0] == {
        "turn_id": "0192aaab-2222",
        "at": NOON + 61,
        "host": "api.x.ai",
        "model": "grok-4.3",
        "kind": "CREDIT_CARD",
        "how": "plain",
        "count": 1,
        "is_by_word": False,
    }
    assert (found["values"], found["texts"], found["calls"], found["by_word"]) == (2, 2, 1, [])


@pytest.mark.parametrize("word", ["/public", "off"])
def test_what_was_sent_by_the_users_word(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.", privacy_word=word)
        log.sent("t1", body(MAIL), passed={"EMAIL": 1} if word == "/public" else {})
    code, out = audit(capsys)
    assert code == 0
    assert "sent by your word (/public, or PRIVACY_MODE=off):" in out
    assert "without your word" not in out
    assert "passed by your word: EMAIL 1" in out or word == "off"
    assert "Nothing private was found in what left this machine, except by your word" in out
    code, found = document(capsys)
    assert (code, found["findings"], len(found["by_word"])) == (0, [], 1)


def test_a_name_in_a_masked_call_of_the_same_chat(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My name is {NAME}.")
        log.sent("t1", body(f"My name is {NAME}."), masked={"EMAIL": 1})
        log.turn("t2", chat_id="other", at=NOON + 60)
        log.sent("t2", body(f"My name is {NAME}."), at=NOON + 61, masked={"EMAIL": 1})
    code, found = document(capsys)
    assert (code, [(f["turn_id"], f["kind"]) for f in found["findings"]]) == (
        1,
        [("t1", "PERSON")],
    )


def test_an_address_that_the_cloud_gave_out(capsys: pytest.CaptureFixture[str]) -> None:
    with opened(log_path()) as store:
        log = Book(store)
        store.write(turn("t1", leaves_machine=True, outcome="done"))
        store.write(content("t1", question=HARMLESS, answer=f"Ask {MAIL}.", created_at=NOON + 9))
        log.turn("t2", at=NOON + 60)
        log.sent("t2", body(HARMLESS, f"Ask {MAIL}."), at=NOON + 61)
    assert audit(capsys)[0] == 0


def test_since(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t1", body(MAIL))
        log.turn("t2", at=NOON + DAY_S)
        log.sent("t2", body(HARMLESS), at=NOON + DAY_S + 1)
    code, out = audit(capsys, "--since", "2026-03-02")
    assert code == 0
    assert "this machine since 2026-03-02 00:00:00" in out
    assert DAY not in out
    assert document(capsys, "--since", "2026-03-01")[1]["calls"] == 2
    code, out = audit(capsys, "--since", "1m")
    assert (code, out.startswith("Nothing left this machine since ")) == (0, True)


def test_a_value_is_known_from_before_the_asked_time(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.turn("t2", at=NOON + DAY_S)
        log.sent("t2", body(MAIL.encode().hex()), at=NOON + DAY_S + 1)
    code, found = document(capsys, "--since", "2026-03-02")
    assert (code, [f["how"] for f in found["findings"]]) == (1, ["encoded"])


@pytest.mark.parametrize("word", ["soon", "9x", ""])
def test_a_wrong_time_is_2(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--since", word]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("hal audit: --since takes 30m")


def test_what_the_user_allows_is_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    log_settings = settings_in_force(os.environ).log
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t1", body(f"My mail is {MAIL}."))
    assert audit(capsys)[0] == 1
    key = load_key(log_settings.privacy_key)
    save_allowed(log_settings.allowed_values, [value_hash(key, Kind.EMAIL, MAIL)])
    assert audit(capsys)[0] == 0


def test_a_value_that_was_masked_is_the_users_also_in_an_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its question is not kept any more; that it was masked is."""
    key = load_key(settings_in_force(os.environ).log.privacy_key)
    hashes = (value_hash(key, Kind.EMAIL, MAIL),)
    with opened(log_path()) as store:
        log = Book(store)
        store.write(turn("t1", leaves_machine=True, outcome="done"))
        log.sent("t1", None, masked={"EMAIL": 1}, hashes=hashes)
        store.write(content("t1", question=HARMLESS, answer=f"To {MAIL}", created_at=NOON + 9))
        log.turn("t2", at=NOON + 60)
        log.sent("t2", body(f"To {MAIL}"), at=NOON + 61)
    assert audit(capsys)[0] == 1


def test_a_damaged_key_is_told_and_allows_nothing(
    capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t1", body(MAIL))
    (data / "privacy.key").write_text("nonsense")
    assert main(["audit"]) == 1
    assert "privacy.key in HAL_DATA_DIR is not a key" in capsys.readouterr().err


def test_where_nothing_is_kept_nobody_can_tell(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t1", None)
    code, out = audit(capsys)
    assert code == 0
    assert out.endswith("Nobody can tell: the log does not keep what was sent.\n")


def test_a_log_from_before_the_privacy_gate(capsys: pytest.CaptureFixture[str]) -> None:
    path = log_path()
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path, isolation_level=None)
    for step in SCHEMA.migrations[:2]:
        step(connection)
    connection.execute("PRAGMA user_version = 2")
    row = "INSERT INTO egress (id, turn_id, at, host, bytes, sha256) VALUES (?, ?, ?, ?, ?, ?)"
    connection.execute(row, ("e", "t", NOON, "x", 5, ""))
    connection.close()
    code, found = document(capsys)
    assert (code, found["calls"], found["not_kept"], found["findings"]) == (0, 1, 1, [])


def test_calls_and_texts_whose_turn_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t2", body(MAIL))
    sql(log_path(), "DELETE FROM turn")
    code, found = document(capsys)
    assert (code, [f["turn_id"] for f in found["findings"]]) == (1, ["t2"])


def test_more_than_a_page_of_calls(capsys: pytest.CaptureFixture[str]) -> None:
    count = 450
    with book() as log:
        log.turn("t", f"My mail is {MAIL}.")
        log.sent("t", body(HARMLESS))
    numbers = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)"
    row = "egress (id, turn_id, at, host, bytes, sha256) SELECT 'x' || i, 't', ? + i, 'h', 1, ''"
    sql(log_path(), f"{numbers} INSERT INTO {row} FROM c", count, NOON)
    row = "egress_content SELECT 'x' || i, 0, ?"
    sql(log_path(), f"{numbers} INSERT INTO {row} FROM c", count, body(MAIL))
    code, found = document(capsys)
    assert (code, found["calls"], len(found["findings"])) == (1, count + 1, count)


def test_a_log_that_cannot_be_read_is_1(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    data.mkdir()
    log_path().write_bytes(b"nonsense" * 1000)
    assert main(["audit"]) == 1
    assert "The session log cannot be read" in capsys.readouterr().err


def test_what_a_host_is_called_cannot_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with book() as log:
        log.turn("t1", f"My mail is {MAIL}.")
        log.sent("t1", body(MAIL), host="x\x1b[31m", masked={"\x1b[0m": 1})
    assert "\x1b" not in audit(capsys)[1]


def test_a_long_log_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 2001):
        command._say("calls", number)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hal audit: 1,000 calls read\nhal audit: 2,000 calls read\n")
