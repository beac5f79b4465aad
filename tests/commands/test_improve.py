"""`hal improve` from end to end: a scripted Ollama, a log of its own, and no other socket."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from math import exp
from pathlib import Path
from typing import Any

import pytest
from bench._improve_standin import ScriptedReflector, WordModel

from hal.cli import main
from hal.commands.checks.machine import PROMPTS
from hal.lab.improve.names import ADVISED, CHANGEABLE
from hal.live_prompts import LivePrompts
from hal.prompt_pointer import Pointer
from hal.prompt_versions import Manifest, VersionStore, version_of
from hal.sessions.statements import save
from hal.types import Message
from tests.lab.improving import WEAK, WEAK_CLASSIFY, WEAK_SEARCH, world
from tests.servers import BUSY, OllamaServer, Say, XaiServer
from tests.servers.script import Body, Label, Steps
from tests.servers.xai import KEY
from tests.sessions import rows

# Small enough for a test of seconds, and enough for the newest 150 to be unseen.
CASES = 360
ROOT = Path(__file__).resolve().parents[2]
BETTER = WEAK_CLASSIFY.replace("easy: little.", "easy: hello, thanks.")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, with weak prompts as the shipped ones."""
    for name in [name for name in os.environ if name.startswith("HAL_")]:
        monkeypatch.delenv(name)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "classify.md").write_text(WEAK_CLASSIFY, encoding="utf-8")
    (prompts / "search_need.md").write_text(WEAK_SEARCH, encoding="utf-8")
    monkeypatch.setenv("HAL_PROMPTS_DIR", str(prompts))
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def answer(body: Body) -> Steps:
    """The stand-ins, over the wire."""
    messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
    if body.get("format"):
        said = ScriptedReflector()(messages[-1].text, body["format"])
        return [Say(json.dumps(said))]
    found = WordModel().logprobs(messages)
    return [Label({label: 0.999 * exp(value) for label, value in found.items()})]


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with OllamaServer(answer) as server:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", server.url)
        yield server


def logged(data: Path, n: int = CASES) -> None:
    """A score that says which route was wanted, for each case of the world."""

    def write(connection: Any) -> None:
        for one in world(n):
            fields = {"chat_id": one.chat, "started_at": one.at, "source": "classifier"}
            save(connection, rows.turn(one.id, route="MODERATE", classify_ms=12.0, **fields))
            save(connection, rows.content(one.id, question=one.question))
            label = {"name": "override", "value": 1.0, "label": one.expected}
            save(connection, rows.score(f"s-{one.id}", turn_id=one.id, **label))

    with rows.opened(data / "sessions.sqlite") as store:
        store.apply(write).result(rows.SOON_S)


# Refuses every way out of this machine that Python has, and says so in the exit code.
GUARDED = """
import ipaddress, socket, sys
sys.modules["uvloop"] = None  # its sockets are not Python's, and nobody would see them

def guard(event, arguments):
    if event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in {"localhost", None, ""} and not ipaddress.ip_address(host).is_loopback:
        print("REFUSED", event, file=sys.stderr)
        raise ConnectionRefusedError(event)

sys.addaudithook(guard)
from hal.cli import main
from hal.commands.checks.machine import PROMPTS
from hal.lab.improve.names import ADVISED, CHANGEABLE
sys.exit(main(sys.argv[1:]))
"""


def guarded(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(GUARDED), *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_the_guard_refuses() -> None:
    script = GUARDED.replace(
        "from hal.cli import main", "socket.create_connection(('192.0.2.1', 9))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "REFUSED" in done.stderr


@pytest.mark.timeout(180)
def test_a_run_with_every_other_socket_refused(data: Path, ollama: OllamaServer) -> None:
    logged(data)
    words = ("--proposers", "thresholds,rules", "--reflections", "4", "--explain")
    page = data / "page.html"
    done = guarded("improve", "run", *words, "--html", str(page), "--engine", "ollama")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "REFUSED" not in done.stderr
    assert done.stdout.startswith("A better prompt for classify is staged")
    for part in (
        "What fails now",
        "What was tried",
        "unseen cases",
        "+- normal:",
        "hal improve apply",
    ):
        assert part in done.stdout
    assert "“" in done.stdout  # examples
    assert "At most" in done.stderr
    assert "min at the speed of your turns" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert 'class="tree"' in text
    assert not any(case.question in text for case in world(CASES))
    store = VersionStore(data / "prompts")
    (version,) = store.versions("classify")
    _apply_and_roll_back(store, version)
    again = guarded("improve", "run", "--run", "2", "--json", *words[:4], "--engine", "ollama")
    told = json.loads(again.stdout)
    assert told["results"][0]["version"] == version
    assert told["calls"] == {"replay": 0, "propose": 0}


def _apply_and_roll_back(store: VersionStore, version: str) -> None:
    live = LivePrompts(store, pytest.fail)
    before = live.questions(None).difficulty.prompt.text
    assert main(["improve", "apply", version[:6]]) == 1
    assert live.questions(None).difficulty.prompt.text == before
    assert main(["improve", "apply", version[:6], "--yes"]) == 0
    assert version_of(live.questions(None).difficulty.prompt.text) == version
    assert main(["improve", "rollback", "--yes"]) == 0
    assert live.questions(None).difficulty.prompt.text == before == WEAK.classify.text


@pytest.fixture
def xai(monkeypatch: pytest.MonkeyPatch) -> Iterator[XaiServer]:
    """The scripted reflector as a cloud model, with a key in the environment."""

    def reflect(body: Body) -> Steps:
        text = body["messages"][-1]["content"]
        schema = json.loads(text.rpartition("\n")[2])
        return [Say(f"Here it is:\n{json.dumps(ScriptedReflector()(text, schema))}")]

    with XaiServer(reflect) as server:
        monkeypatch.setenv("HAL_XAI_API_BASE_URL", server.base_url)
        monkeypatch.setenv("XAI_API_KEY", KEY)
        yield server


REFLECTING = ("--proposers", "rules,rewriting", "--reflections", "4", "--engine", "ollama")


def test_a_key_alone_lets_nothing_leave(data: Path, ollama: OllamaServer, xai: XaiServer) -> None:
    logged(data)
    assert main(["improve", "run", *REFLECTING]) == 0
    assert not xai.requests
    assert any(request.json.get("format") for request in ollama.chats)


def test_the_cloud_reflects_where_it_is_allowed(
    data: Path, ollama: OllamaServer, xai: XaiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masked, without private turns, each request after its row, and billed."""
    logged(data)
    with closing(sqlite3.connect(data / "sessions.sqlite")) as log, log:
        for at, (id, question) in enumerate(log.execute("SELECT turn_id, question FROM content")):
            private = f"{question} ask max.mustermann@example.com" if at % 3 == 0 else question
            log.execute("UPDATE content SET question = ? WHERE turn_id = ?", (private, id))
            kinds = '{"EMAIL": 1}' if at % 3 == 0 else "{}"
            log.execute("UPDATE turn SET private_kinds = ? WHERE id = ?", (kinds, id))
    assert main(["improve", "run", *REFLECTING, "--allow-cloud"]) in {0, 1}
    err = capsys.readouterr().err
    assert err.index("up to 4 questions go to xAI grok-4.3 at 127.0.0.1") < err.index(
        "cases from the log"
    )
    bodies = [request.body.decode() for request in xai.requests]
    assert 1 <= len(bodies) <= 4
    assert not any(request.json.get("format") for request in ollama.chats)
    assert any("<message>" in body for body in bodies)
    assert not any("mustermann" in body or " ask " in body for body in bodies)
    with closing(sqlite3.connect(data / "sessions.sqlite")) as log:
        sent = log.execute("SELECT sha256 FROM egress ORDER BY at").fetchall()
        turns = log.execute("SELECT id, outcome, cost_usd FROM turn WHERE task = 'reflection'")
        done = [(id, outcome, cost > 0) for id, outcome, cost in turns]
        kept = {id for (id,) in log.execute("SELECT turn_id FROM content")}
    assert [sha for (sha,) in sent] == [sha256(body.encode()).hexdigest() for body in bodies]
    assert {(outcome, is_paid) for _, outcome, is_paid in done} == {("done", True)}
    assert not kept & {id for id, _, _ in done}


@pytest.mark.parametrize(
    ("environ", "code", "says"),
    [
        pytest.param({"XAI_API_KEY": ""}, 2, "Set XAI_API_KEY", id="without a key"),
        pytest.param({"HAL_CLOUD_ENABLED": "false"}, 2, "off or has no key", id="switched off"),
        pytest.param(
            {"HAL_DAILY_BUDGET_USD": "0.0000001"}, 1, "model that reflects", id="no money"
        ),
    ],
)
def test_the_cloud_is_never_asked(
    data: Path,
    ollama: OllamaServer,
    xai: XaiServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environ: Mapping[str, str],
    code: int,
    says: str,
) -> None:
    logged(data, 40)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["improve", "run", *REFLECTING, "--allow-cloud"]) == code
    assert says in capsys.readouterr().err
    assert not xai.requests
    assert (ollama.chats == []) is (code == 2)


def test_a_run_that_breaks_says_how_to_go_on(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(data, 40)
    ollama.when(lambda body: bool(body.get("format")), [BUSY])
    words = ["--proposers", "rules", "--engine", "ollama"]
    assert main(["improve", "run", *words]) == 1
    err = capsys.readouterr().err
    assert "The model that reflects failed" in err
    run_id = err.partition("hal improve run --run ")[2].split()[0]
    ollama.answer(answer)
    assert main(["improve", "run", "--run", run_id, *words]) == 1
    assert "NOT ENOUGH DATA" in capsys.readouterr().out


def test_too_few_cases_say_how_many_more(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(data, 60)
    words = ["--proposers", "thresholds", "--engine", "ollama"]
    assert main(["improve", "run", *words]) == 1
    assert "NOT ENOUGH DATA: 12" in capsys.readouterr().out
    assert main(["improve", "run", "--until", "collect", *words]) == 0


def test_an_empty_log_says_where_cases_come_from(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["improve", "run", "--engine", "ollama"]) == 1
    out = capsys.readouterr().out
    assert "no cases" in out
    assert "hal feedback pull" in out


def test_an_estimate_starts_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logged(data, 8)
    assert main(["improve", "run", "--estimate"]) == 0
    assert "8 cases" in capsys.readouterr().err
    assert not (data / "improve").exists()


def staged(data: Path, text: str = BETTER) -> tuple[VersionStore, str]:
    store = VersionStore(data / "prompts")
    manifest = Manifest(
        version_of(WEAK_CLASSIFY), rows.NOON, run="r", note="+9 points", model="m:1"
    )
    return store, store.stage("classify", text, manifest)


def test_show_tells_what_there_is(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, version = staged(data)
    store.try_out("classify", version, 0.2, rows.NOON)
    assert main(["improve", "show"]) == 0
    out = capsys.readouterr().out
    assert "classify: shipped is in force" in out
    assert f"canary {version} for 20%" in out
    assert "+9 points" in out
    assert main(["improve", "show", version[:5]]) == 0
    out = capsys.readouterr().out
    assert "+easy: hello, thanks." in out
    assert "tested with m:1" in out
    assert main(["improve", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"]["classify"]["canary"] == version
    assert main(["improve", "show", version, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == BETTER


def test_a_canary_by_hand_and_its_end(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, version = staged(data)
    assert main(["improve", "apply", version, "--canary", "0.2", "--yes"]) == 0
    assert store.pointer("classify").share == 0.2
    assert main(["improve", "rollback"]) == 1
    assert main(["improve", "rollback", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pointer"]["canary"] == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["apply", "0" * 12, "--yes"], 2, "no version"),
        (["rollback", "--yes"], 2, "no earlier"),
        (["rollback"], 1, "no earlier"),
        (["show", "zzz"], 2, "no version"),
        (["run", "--run", "nothing", "--engine", "ollama"], 2, "no run"),
        (["run", "--calls", "-1"], 2, "from 0 on"),
        (["run", "--allow-cloud", "--reflector", "m"], 2, "local model"),
    ],
)
def test_what_does_not_work_says_why(
    data: Path, capsys: pytest.CaptureFixture[str], words: Sequence[str], code: int, says: str
) -> None:
    assert main(["improve", *words]) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("share", ["0", "0.9", "half"])
def test_a_share_is_checked(data: Path, share: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["improve", "apply", "x", "--canary", share])
    assert caught.value.code == 2


# What answers, what protects, and what the loop itself is asked by.
NEVER = tuple(name for name in PROMPTS if name not in (*CHANGEABLE, *ADVISED))


@pytest.mark.parametrize("name", [*NEVER, "system", "privacy"])
@pytest.mark.parametrize("words", [("--yes",), ("--canary", "0.1", "--yes")])
def test_no_other_prompt_is_ever_changed(
    data: Path, capsys: pytest.CaptureFixture[str], name: str, words: Sequence[str]
) -> None:
    store = VersionStore(data / "prompts")
    version = store.stage(name, WEAK_CLASSIFY, Manifest("", rows.NOON))
    for approval in ((), ("--approve", "grounded")):
        assert main(["improve", "apply", version, *words, *approval]) == 2
        assert "not changed by" in capsys.readouterr().err
    for command in (["run"], ["advise"], ["rollback", "--yes"]):
        with pytest.raises(SystemExit) as caught:
            main(["improve", *command, "--prompt", name])
        assert caught.value.code == 2
    assert store.pointer(name) == Pointer()


def test_every_prompt_is_in_one_of_the_three_lists() -> None:
    assert {"no_evidence", "placeholders"} <= set(NEVER)
    assert {path.stem for path in (ROOT / "prompts").glob("*.md")} == set(PROMPTS)
    assert sorted((*NEVER, *CHANGEABLE, *ADVISED)) == sorted(PROMPTS)
