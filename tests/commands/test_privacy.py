"""`hal privacy`: what is found is told, values are not, and tokens come back as what they were."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hal.cli import main
from hal.commands import privacy_allow
from hal.commands.stored import settings_in_force
from hal.privacy_files import load_allowed, load_key
from hal.shield import PrivacyState

REPO = Path(__file__).resolve().parents[2]
MAIL, CARD = "jane.doe@meridian-data.net", "4539 1488 0343 6467"
TEXT = f"Write to {MAIL}, and charge {CARD}."
HARMLESS = "Is every such group abelian?\n"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, which nothing has been put into."""
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


class _Binary(io.TextIOWrapper):
    """A stream of text over bytes, as stdin and stdout are."""

    def __init__(self, raw: bytes = b"") -> None:
        super().__init__(io.BytesIO(raw), encoding="utf-8", write_through=True)

    def seen(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


def run(
    monkeypatch: pytest.MonkeyPatch, *words: str, given: str | bytes = ""
) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a command in this process."""
    raw = given if isinstance(given, bytes) else given.encode()
    out, err = _Binary(), _Binary()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", _Binary(raw))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = main(["privacy", *words])
    return code, out.seen().decode("utf-8", "surrogateescape"), err.seen().decode()


def jsonl(monkeypatch: pytest.MonkeyPatch, *lines: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, _ = run(monkeypatch, "scan", "--jsonl", given="\n".join(lines))
    return code, [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("action", ["scan", "scrub", "restore", "allow"])
def test_help_has_an_example(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["privacy", action, "--help"])
    assert caught.value.code == 0
    assert f"hal privacy {action}" in capsys.readouterr().out.partition("example:")[2]


@pytest.mark.parametrize("words", [[], ["nonsense"], ["restore"], ["scan", "a", "b"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["privacy", *words])
    assert caught.value.code == 2


def test_lines_as_a_caller_sends_them() -> None:
    """A real process, one line at a time: each answer is there before the next line is written."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPO / "pipelines"), "HOME": "/nowhere"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C"}
    command = [sys.executable, "-m", "hal.cli", "privacy", "scan", "--jsonl"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=env, **pipes) as process:  # type: ignore[call-overload]
        for number in range(3):
            row = {"id": number, "text": f"😀 {MAIL}"}
            process.stdin.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            span = {"start": 2, "end": 2 + len(MAIL), "type": "EMAIL", "tier": "contact"}
            assert answer == {"id": number, "spans": [span]}
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_ids_come_back_as_they_were_and_nothing_found_is_an_empty_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = ["a", 7, None, [1, {"x": None}]]
    lines = (json.dumps({"id": each, "text": HARMLESS}) for each in ids)
    assert jsonl(monkeypatch, *lines) == (0, [{"id": each, "spans": []} for each in ids])


def test_a_bad_line_gives_an_error_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [
        *("not JSON", "[1]", '"text"', "{}", '{"id": 1}', '{"id": 2, "text": null}'),
        *('{"id": 3, "text": 5}', "[" * 100_000, "1" * 5000, '{"id": NaN', "\udcff"),
    ]
    raw = b"\n\n".join(line.encode("utf-8", "surrogateescape") for line in bad)
    raw += b"\n" + json.dumps({"id": "last", "text": MAIL}).encode()
    code, out, err = run(monkeypatch, "scan", "--jsonl", given=raw)
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [answer["id"] for answer in answers] == [*[None] * 4, 1, 2, 3, *[None] * 4, "last"]
    assert all("error" in answer and "spans" not in answer for answer in answers[:-1])
    assert [span["type"] for span in answers[-1]["spans"]] == ["EMAIL"]
    assert err == f"hal privacy scan: {len(bad)} line(s) could not be read\n"


def test_half_a_surrogate_pair_is_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    code, answers = jsonl(monkeypatch, f'{{"id": 1, "text": "\\ud800 {MAIL}"}}')
    assert (code, [(s["start"], s["type"]) for s in answers[0]["spans"]]) == (0, [(2, "EMAIL")])


def test_the_table_shows_types_and_places_but_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(monkeypatch, "scan", given=TEXT)
    assert (code, err) == (1, "")
    assert "EMAIL" in out
    assert "CREDIT_CARD" in out
    assert f"{TEXT.index(CARD)} {TEXT.index(CARD) + len(CARD):8}" in out
    assert "found: 1 EMAIL, 1 CREDIT_CARD" in out
    assert MAIL not in out
    assert CARD not in out


def test_values_are_shown_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(MAIL) in run(monkeypatch, "scan", "--show-values", given=TEXT)[1]
    spans = json.loads(run(monkeypatch, "scan", "--json", "--show-values", given=TEXT)[1])["spans"]
    assert [span["value"] for span in spans] == [MAIL, CARD]
    row = json.dumps({"id": 1, "text": TEXT})
    out = run(monkeypatch, "scan", "--jsonl", "--show-values", given=row)[1]
    assert [span["value"] for span in json.loads(out)["spans"]] == [MAIL, CARD]


def test_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run(monkeypatch, "scan", "--json", given=TEXT)
    assert code == 1
    assert json.loads(out)["spans"][1] == {
        "start": TEXT.index(CARD),
        "end": TEXT.index(CARD) + len(CARD),
        "type": "CREDIT_CARD",
        "tier": "hard",
    }


def test_nothing_found_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "scan", given=HARMLESS) == (0, "found nothing\n", "")
    assert run(monkeypatch, "scan", given="") == (0, "found nothing\n", "")


def test_a_lone_name_is_found_and_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run(monkeypatch, "scan", "--json", given="My name is Thomas Becker.")
    assert (code, [span["tier"] for span in json.loads(out)["spans"]]) == (0, ["soft"])


def test_a_file_with_its_own_line_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_bytes(f"a\r\n\r\n{MAIL}\r\n".encode())
    code, out, _ = run(monkeypatch, "scan", "--json", str(file))
    assert (code, json.loads(out)["spans"][0]["start"]) == (1, 5)


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "/nowhere/letter.txt"],
        ["scan", "/"],
        ["scan", "--jsonl", "letter.txt"],
        ["scan", "--jsonl", "--json"],
        ["scrub", "--map", "/nowhere/letter.map"],
        ["restore", "--map", "/nowhere/letter.map"],
    ],
)
def test_what_cannot_be_read_or_written_is_2_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    code, out, err = run(monkeypatch, *words, given=TEXT)
    assert (code, out) == (2, "")
    assert err.startswith("hal privacy: ")
    assert err.count("\n") == 1


def test_scrub_and_restore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "letter.map")
    code, out, err = run(monkeypatch, "scrub", "--map", file, given=TEXT)
    assert (code, err) == (0, "hal privacy scrub: masked 1 EMAIL, 1 CREDIT_CARD\n")
    assert MAIL not in out
    assert CARD not in out
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert os.listdir(tmp_path) == ["letter.map"]
    code, out, err = run(monkeypatch, "restore", "--map", file, given=out)
    assert (code, out, err) == (0, TEXT, "hal privacy restore: restored 2, unknown 0\n")


def test_a_map_is_gone_on_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "chat.map")
    first = run(monkeypatch, "scrub", "--map", file, given=MAIL)[1]
    second = run(monkeypatch, "scrub", "--map", file, given=f"{MAIL} x.y@meridian-data.net")[1]
    assert second.startswith(first)
    restored = run(monkeypatch, "restore", "--map", file, given=second)[1]
    assert restored == f"{MAIL} x.y@meridian-data.net"


def test_a_text_that_speaks_of_tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "chat.map")
    token = run(monkeypatch, "scrub", "--map", file, given=MAIL)[1]
    text = f"what is {token}? {MAIL}"
    out = run(monkeypatch, "scrub", "--map", file, given=text)[1]
    assert run(monkeypatch, "restore", "--map", file, given=out)[1] == text


def test_the_same_chat_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    one, again = (run(monkeypatch, "scrub", "--chat", "7", given=TEXT)[1] for _ in range(2))
    other = run(monkeypatch, "scrub", "--chat", "8", given=TEXT)[1]
    assert one == again != other


def test_the_tokens_of_a_chat_are_this_machines_own(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    without = run(monkeypatch, "scrub", "--chat", "7", given=TEXT)[1]
    assert not data.exists()  # a scrub makes no key
    load_key(data / "privacy.key")
    one, again = (run(monkeypatch, "scrub", "--chat", "7", given=TEXT)[1] for _ in range(2))
    assert one == again != without


def test_bytes_that_are_no_utf8_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "letter.map")
    raw = b"\xff\xfe " + MAIL.encode() + b"\r\n\xe4"
    out = run(monkeypatch, "scrub", "--map", file, given=raw)[1].encode("utf-8", "surrogateescape")
    assert out.startswith(b"\xff\xfe [[EMAIL_")
    assert out.endswith(b"]]\r\n\xe4")
    back = run(monkeypatch, "restore", "--map", file, given=out)[1]
    assert back.encode("utf-8", "surrogateescape") == raw


def test_an_unknown_token_is_1_and_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(tmp_path / "letter.map")
    token = run(monkeypatch, "scrub", "--map", file, given=MAIL)[1]
    unknown = token.replace("_1]]", "_9]]")
    code, out, err = run(monkeypatch, "restore", "--map", file, given=f"{token} {unknown}")
    assert (code, out) == (1, f"{MAIL} {unknown}")
    assert err == "hal privacy restore: restored 1, unknown 1\n"


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"nonce": 1}', '{"nonce": "7K2", "values": [1]}', "[" * 100_000),
        '{"nonce": "7K2", "values": [["EMAIL", "a@b.de", "[[EMAIL_7K2_5]]"]]}',
        '{"nonce": "7K2", "values": [["NONSENSE", "a@b.de", "[[EMAIL_7K2_1]]"]]}',
        '{"nonce": "7K2", "values": [["EMAIL", 5, "[[EMAIL_7K2_1]]"]]}',
    ],
)
def test_a_file_that_is_no_map_is_2_and_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "letter.map"
    file.write_text(content)
    for action in ("restore", "scrub"):
        code, out, err = run(monkeypatch, action, "--map", str(file), given=TEXT)
        assert (code, out) == (2, "")
        assert "is no map of this version" in err
        assert "a@b.de" not in err
    assert file.read_text() == content


# --- allow --------------------------------------------------------------------------------------


def allow(
    monkeypatch: pytest.MonkeyPatch, *words: str, given: str = ""
) -> tuple[int, dict[str, Any]]:
    code, out, err = run(monkeypatch, "allow", "--json", *words, given=given)
    assert err == ""
    return code, json.loads(out)


def test_a_value_is_allowed_counted_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    code, out, err = run(monkeypatch, "allow", given=f"{MAIL}\n")
    words = "This e-mail address (EMAIL) does not count as private from now on.\n"
    assert (code, out, err) == (0, words, "")
    kept = (data / "allowed.txt").read_text()
    assert (len(kept), MAIL in kept) == (65, False)
    assert stat.S_IMODE((data / "allowed.txt").stat().st_mode) == 0o600
    listed = run(monkeypatch, "allow", "--list")
    assert listed == (0, "1 value is allowed. Their hashes do not say which.\n", "")
    code, out, _ = run(monkeypatch, "allow", "--remove", given=MAIL.upper())
    assert (code, out) == (0, "This value counts as private again.\n")
    assert allow(monkeypatch, "--list") == (0, {"allowed": 0})


def test_the_same_value_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allow(monkeypatch, given=CARD) == (0, {"allowed": 1, "type": "CREDIT_CARD"})
    assert allow(monkeypatch, given=CARD.replace(" ", "-")) == (
        0,
        {"allowed": 1, "type": "CREDIT_CARD"},
    )
    assert "already" in run(monkeypatch, "allow", given=CARD)[1]


def test_a_value_within_the_words_that_give_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allow(monkeypatch, given="born on 12.03.1984") == (0, {"allowed": 1, "type": "DOB"})
    assert allow(monkeypatch, "--remove", given="12.03.1984") == (0, {"allowed": 0})
    allow(monkeypatch, "--kind", "DOB", given="12.03.1984")
    assert allow(monkeypatch, "--remove", given="born on 12.03.1984") == (0, {"allowed": 0})


@pytest.mark.parametrize("given", [HARMLESS, f"{MAIL} {CARD}", TEXT])
def test_what_is_no_value_or_several_is_refused(
    monkeypatch: pytest.MonkeyPatch, data: Path, given: str
) -> None:
    code, out, err = run(monkeypatch, "allow", given=given)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert MAIL not in err
    assert CARD not in err
    assert not (data / "allowed.txt").exists()


def test_several_in_one_are_named_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "EMAIL, CREDIT_CARD" in run(monkeypatch, "allow", given=TEXT)[2]


def test_the_user_may_say_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run(monkeypatch, "allow", given="K-99")
    assert (code, "--kind" in err) == (1, True)
    assert allow(monkeypatch, "--kind", "plate", given="K-99") == (
        0,
        {"allowed": 1, "type": "PLATE"},
    )
    code, _, err = run(monkeypatch, "allow", "--kind", "CREDIT_CARD", given="...")
    assert (code, err) == (1, "hal privacy: That is no card number.\n")


def test_taking_back_needs_no_kind_but_respects_one(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "--kind", "PLATE", given="K-99")
    assert allow(monkeypatch, "--remove", "--kind", "MRN", given="K-99") == (1, {"allowed": 1})
    assert allow(monkeypatch, "--remove", given="k 99") == (0, {"allowed": 0})


def test_what_is_not_in_the_list_cannot_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(monkeypatch, "allow", "--remove", given=MAIL)
    assert (code, out, err) == (1, "This value is not in the list.\n", "")


@pytest.mark.parametrize("words", [["allow"], ["allow", "--remove"], ["allow", "--kind", "EMAIL"]])
def test_no_value_is_2(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    code, out, err = run(monkeypatch, *words, given=" \n")
    assert (code, out) == (2, "")
    assert err.startswith("hal privacy: No value was given.")


def test_at_a_terminal_the_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = []
    monkeypatch.setattr(privacy_allow, "getpass", lambda text: prompts.append(text) or MAIL)
    monkeypatch.setattr(_Binary, "isatty", lambda _: True)
    assert allow(monkeypatch) == (0, {"allowed": 1, "type": "EMAIL"})
    assert len(prompts) == 1


def test_a_damaged_key_is_2(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    data.mkdir()
    (data / "privacy.key").write_text("nonsense")
    for words in (["allow"], ["allow", "--remove"], ["scrub", "--chat", "7"]):
        code, out, err = run(monkeypatch, *words, given=MAIL)
        assert (code, out) == (2, "")
        assert "privacy.key in HAL_DATA_DIR is not a key" in err


def test_a_list_that_cannot_be_written_is_2(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    (data / "allowed.txt").mkdir(parents=True)
    code, out, err = run(monkeypatch, "allow", given=MAIL)
    assert (code, out) == (2, "")
    assert "allowed.txt cannot be written" in err


def test_a_running_server_takes_it_over(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    log = settings_in_force({"HAL_DATA_DIR": str(data), "HOME": "/nowhere"}).log
    state = PrivacyState(log)
    assert state.detector.find(MAIL)
    for words, found in ((["allow"], 0), (["allow", "--remove"], 1)):
        assert run(monkeypatch, *words, given=MAIL)[0] == 0
        os.utime(log.allowed_values, (5.0 + found, 5.0 + found))  # saved in another moment
        state.refresh()
        assert len(state.detector.find(MAIL)) == found
    assert load_allowed(log.allowed_values) == frozenset()
