"""Versions of prompts: kept whole, put in force at once, taken back byte for byte, kill or not."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import log
from pathlib import Path
from typing import Any

import pytest

from hal import prompt_versions, versioned_classifier
from hal.errors import ConfigError
from hal.live_prompts import LivePrompts
from hal.prompt_pointer import SHIPPED, Pointer
from hal.prompt_versions import (
    MAX_HISTORY,
    Manifest,
    NoSuchVersion,
    VersionsBusy,
    VersionStore,
    version_of,
)
from hal.prompts import Prompt
from hal.routing.classify import Classifier, Questions, Windows
from hal.sessions.reader import SessionReader
from hal.types import Message
from hal.versioned_classifier import VersionedClassifier, tally_of
from tests.core.things import run, turn
from tests.sessions import rows

NOON = 1_772_366_400.0
TEXT = (
    "---\nname: classify\nversion: {}\nlabels: A=SIMPLE B=MODERATE C=COMPLEX\n---\n"
    "# system\nSay {}.\n\n# user\n$question\n"
)
SEARCH = TEXT.replace("classify", "search_need").replace(
    "A=SIMPLE B=MODERATE C=COMPLEX", "Y=YES N=NO"
)
ONE, TWO, THREE = (
    TEXT.format(n, word) for n, word in ((1, "one"), (2, "zwei é"), (3, "three\r\n"))
)


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return made(tmp_path)


def made(tmp_path: Path) -> VersionStore:
    shipped = tmp_path / "shipped"
    shipped.mkdir(exist_ok=True)
    for name, text in (("classify", ONE), ("search_need", SEARCH.format(1, "yes"))):
        if not (shipped / f"{name}.md").exists():
            (shipped / f"{name}.md").write_bytes(text.encode())
    return VersionStore(tmp_path / "data" / "prompts", (shipped,))


def staged(store: VersionStore, text: str, name: str = "classify") -> str:
    return store.stage(name, text, Manifest(version_of(ONE), NOON, run="r1"))


def in_force(store: VersionStore) -> str:
    return store.load("classify", store.pointer("classify").active).text


def test_without_a_pointer_the_shipped_prompt_is_in_force(store: VersionStore) -> None:
    assert store.pointer("classify") == Pointer()
    assert in_force(store) == ONE
    assert store.versions("classify") == []
    assert store.names() == []


def test_staging_puts_nothing_in_force(store: VersionStore) -> None:
    version = staged(store, TWO)
    assert (version, staged(store, TWO)) == (version_of(TWO), version)
    assert store.load("classify", version).text == TWO
    assert store.manifest("classify", version).run == "r1"
    assert in_force(store) == ONE
    assert (store.names(), store.versions("classify")) == (["classify"], [version])


def test_apply_and_rollback_are_the_same_bytes(store: VersionStore) -> None:
    second, third = staged(store, TWO), staged(store, THREE)
    seen = [in_force(store)]
    for version in (second, third):
        store.apply("classify", version, NOON)
        seen.append(in_force(store))
    for _ in range(2):
        store.rollback("classify", NOON)
        seen.append(in_force(store))
    assert seen == [ONE, TWO, THREE, TWO, ONE]
    assert store.pointer("classify").active == SHIPPED
    with pytest.raises(NoSuchVersion, match="no earlier"):
        store.rollback("classify", NOON)


def test_an_update_of_the_program_does_not_change_what_rollback_means(
    store: VersionStore, tmp_path: Path
) -> None:
    store.apply("classify", staged(store, TWO), NOON)
    (tmp_path / "shipped" / "classify.md").write_text(THREE, encoding="utf-8")
    store.rollback("classify", NOON)
    assert in_force(store) == ONE
    assert store.pointer("classify").active == version_of(ONE)


def test_applying_what_is_in_force_changes_no_history(store: VersionStore) -> None:
    version = staged(store, TWO)
    store.apply("classify", version, NOON)
    again = store.apply("classify", version, NOON + 1)
    assert len(again.history) == 1
    assert again.since == NOON


def test_a_canary_becomes_the_version_or_goes(store: VersionStore) -> None:
    version = staged(store, TWO)
    store.try_out("classify", version, 0.2, NOON)
    assert in_force(store) == ONE
    assert store.end_canary("classify", "0" * 12, NOON, "another one").canary == version
    assert store.end_canary("classify", version, NOON - 1, "begun anew since").canary == version
    assert store.rollback("classify", NOON).canary == ""
    store.try_out("classify", version, 0.2, NOON)
    assert store.apply("classify", version, NOON).canary == ""
    assert in_force(store) == TWO


def test_history_has_an_end(store: VersionStore) -> None:
    versions = [staged(store, text) for text in (TWO, THREE)]
    for at in range(MAX_HISTORY + 5):
        store.apply("classify", versions[at % 2], NOON + at)
    assert len(store.pointer("classify").history) == MAX_HISTORY


@pytest.mark.parametrize("version", ["0" * 12, "../../x", "", "SHIPPED", "0" * 13])
def test_what_is_no_version_cannot_be_put_in_force(store: VersionStore, version: str) -> None:
    with pytest.raises(NoSuchVersion):
        store.apply("classify", version, NOON)
    assert store.pointer("classify") == Pointer()


@pytest.mark.parametrize("name", ["", "../classify", "a/b", "Classify", "x" * 65])
def test_what_is_no_name_reaches_no_file(store: VersionStore, name: str) -> None:
    with pytest.raises(ConfigError):
        store.stage(name, TWO, Manifest("", NOON))


def test_a_text_that_was_changed_on_the_disk_is_not_used(
    store: VersionStore, tmp_path: Path
) -> None:
    version = staged(store, TWO)
    path = tmp_path / f"data/prompts/classify/versions/{version}.md"
    path.write_text(THREE, encoding="utf-8")
    with pytest.raises(NoSuchVersion, match="changed on the disk"):
        store.apply("classify", version, NOON)
    assert staged(store, TWO) == version  # staging again mends it
    assert store.load("classify", version).text == TWO


def test_files_are_for_the_owner_only(store: VersionStore, tmp_path: Path) -> None:
    store.apply("classify", staged(store, TWO), NOON)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {path.suffix for path in files} == {".md", ".json", ""}


# --- two at once ----------------------------------------------------------------------------------

# Takes the lock in a process of its own: as a person does who applies a version.
HOLDS = """
import sys
from pathlib import Path
from hal.file_lock import exclusive

with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
# Applies two versions in turn, so often, with a disk so slow that another one gets between reading
# and writing.
CHANGES = """
import sys, time
from pathlib import Path
from hal.prompt_versions import VersionStore

real = VersionStore._kept
VersionStore._kept = lambda *args: (time.sleep(0.005), real(*args))[1]
root, one, two, times = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
store = VersionStore(root / "data" / "prompts", (root / "shipped",))
print("ready", flush=True)
sys.stdin.readline()
for at in range(times):
    store.apply("classify", (one, two)[at % 2], 1.0)
"""


@contextmanager
def child(code: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(code), *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_processes_lose_no_change_of_each_other(store: VersionStore, tmp_path: Path) -> None:
    """Without the lock, one that has read the pointer writes over what came in between."""
    mine, others = ([staged(store, TEXT.format(n, n)) for n in two] for two in ((2, 3), (4, 5)))
    with (
        child(CHANGES, str(tmp_path), *mine, "20") as one,
        child(CHANGES, str(tmp_path), *others, "20") as other,
    ):
        both = (one, other)
        assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
        for process in both:
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(30) for process in both] == [0, 0]
    assert len(store.pointer("classify").history) == 40  # each change is there, once


def test_a_change_waits_for_the_one_that_is_going_on(
    store: VersionStore, tmp_path: Path, monkeypatch: Any
) -> None:
    version = staged(store, TWO)
    monkeypatch.setattr(prompt_versions, "LOCK_PATIENCE_S", 0.0)
    with child(HOLDS, str(tmp_path / "data" / "prompts" / "classify" / "LOCK")) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(VersionsBusy, match="Another process"):
            store.apply("classify", version, NOON)
        assert in_force(store) == ONE  # reading needs no lock
    # killed, and the lock has gone with it
    store.apply("classify", version, NOON)
    assert in_force(store) == TWO


def test_a_server_that_judged_the_old_canary_leaves_the_new_one(store: VersionStore) -> None:
    """It has read the log for seconds, while somebody has begun the same canary anew."""
    version = staged(store, TWO)
    judged = store.try_out("classify", version, 0.2, NOON)
    store.rollback("classify", NOON + 1)
    store.try_out("classify", version, 0.1, NOON + 2)
    store.end_canary("classify", judged.canary, judged.canary_since, "went wrong")
    assert store.pointer("classify").share == 0.1


# --- kill -9 --------------------------------------------------------------------------------------

# For each moment at which a file is made, made durable, renamed or removed: a process that dies
# just before it. Prints how many such moments there were.
DIES = """
import os, signal, sys
from pathlib import Path
from hal.prompt_versions import Manifest, VersionStore

root, action, before, after = Path(sys.argv[1]), *sys.argv[2:5]
moments = 0

def stage(text):
    return store.stage("classify", text, Manifest("", 1.0))

PREPARED = {
    "stage": lambda: None,
    "try_out": lambda: stage(after),
    "end_canary": lambda: store.try_out("classify", stage(after), 0.5, 1.0),
}
CHANGES = {
    "stage": lambda: stage(after),
    "apply": lambda: store.apply("classify", stage(after), 1.0),
    "try_out": lambda: store.try_out("classify", stage(after), 0.5, 1.0),
    "end_canary": lambda: store.end_canary("classify", stage(after), 1.0, "went wrong"),
    "rollback": lambda: store.rollback("classify", 1.0),
}

def change(moment):
    left = moment
    def dying(real):
        def called(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return called
    os.fsync, os.open = dying(os.fsync), dying(os.open)
    Path.replace, Path.unlink = dying(Path.replace), dying(Path.unlink)
    CHANGES[action]()

was_killed = True
while was_killed:
    moments += 1
    store = VersionStore(root / str(moments) / "prompts", (root / "shipped",))
    store.apply("classify", stage(before), 1.0)
    PREPARED.get(action, lambda: None)()
    child = os.fork()
    if child == 0:
        change(moments)
        os._exit(0)
    was_killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
print(moments)
"""


def killed(tmp_path: Path, action: str, before: str, after: str) -> list[VersionStore]:
    """The folders of processes that died at the first moment, the second, and so on; the last one
    came to its end."""
    made(tmp_path)
    with child(DIES, str(tmp_path), action, before, after) as process:
        said, _ = process.communicate(timeout=60)
    return [
        VersionStore(tmp_path / str(moment) / "prompts", (tmp_path / "shipped",))
        for moment in range(1, int(said) + 1)
    ]


@pytest.mark.parametrize(
    ("action", "before", "after"), [("apply", TWO, THREE), ("rollback", TWO, ONE)]
)
def test_kill_at_every_moment_leaves_the_old_or_the_new(
    tmp_path: Path, action: str, before: str, after: str
) -> None:
    stores = killed(tmp_path, action, before, after)
    seen = [LivePrompts(one, pytest.fail).questions(None).difficulty.prompt.text for one in stores]
    assert seen == [in_force(one) for one in stores]
    assert set(seen) == {before, after}
    assert seen == sorted(seen, key=(before, after).index)  # never back again
    assert len(seen) > 4
    for one, text in zip(stores, seen, strict=True):
        if text == before:  # whoever does it again gets there
            again = staged(one, THREE) if action == "apply" else ""
            one.apply("classify", again, NOON) if again else one.rollback("classify", NOON)
        assert in_force(one) == after


def test_kill_while_it_is_staged_leaves_a_whole_version_or_none(tmp_path: Path) -> None:
    stores = killed(tmp_path, "stage", TWO, THREE)
    has_it = [version_of(THREE) in one.versions("classify") for one in stores]
    assert has_it == sorted(has_it)
    assert set(has_it) == {False, True}
    for one in stores:
        assert in_force(one) == TWO
        for version in one.versions("classify"):
            assert version_of(one.load("classify", version).text) == version
            assert one.manifest("classify", version) is not None
        one.apply("classify", staged(one, THREE), NOON)
        assert in_force(one) == THREE


@pytest.mark.parametrize("action", ["try_out", "end_canary"])
def test_kill_at_every_moment_of_a_canary(tmp_path: Path, action: str) -> None:
    """For everybody else the version in force stays, byte for byte; the canary runs or does not."""
    stores = killed(tmp_path, action, TWO, THREE)
    canaries = [bool(LivePrompts(one, pytest.fail).canaries) for one in stores]
    assert canaries == sorted(canaries, reverse=action == "end_canary")
    assert set(canaries) == {False, True}
    for one, has_canary in zip(stores, canaries, strict=True):
        assert in_force(one) == TWO
        assert bool(one.pointer("classify").canary) is has_canary
        if has_canary:
            one.rollback("classify", NOON)
        assert not one.pointer("classify").canary
        assert in_force(one) == TWO


# --- in service -----------------------------------------------------------------------------------


def test_a_change_is_in_force_with_the_next_turn(store: VersionStore) -> None:
    live = LivePrompts(store, pytest.fail)
    other = VersionStore(store._root, store._folders)  # as another process has it
    version = staged(other, TWO)
    assert live.questions("c").difficulty.prompt.text == ONE
    other.apply("classify", version, NOON)
    assert live.questions("c").difficulty.prompt.text == TWO
    other.rollback("classify", NOON)
    assert live.questions("c").difficulty.prompt.text == ONE


def test_it_is_read_once_for_each_change(store: VersionStore, monkeypatch: Any) -> None:
    reads: list[str] = []
    real = VersionStore.pointer
    monkeypatch.setattr(VersionStore, "pointer", lambda s, n: reads.append(n) or real(s, n))
    live = LivePrompts(store)
    for _ in range(50):
        live.questions("c")
    assert reads == ["classify", "search_need"]


BROKEN = {
    "no JSON": "{",
    "a list": "[]",
    "an unknown field": '{"active": "shipped", "history": [], "colour": 1}',
    "a path": '{"active": "../../etc/passwd", "history": []}',
    "a version that is not there": '{"active": "000000000000", "history": []}',
    "a share that is no number": '{"active": "shipped", "history": [], "share": "x"}',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_pointer_leaves_the_shipped_prompt(store: VersionStore, kind: str) -> None:
    said: list[str] = []
    path = store.pointer_path("classify")
    path.parent.mkdir(parents=True)
    path.write_text(BROKEN[kind], encoding="utf-8")
    live = LivePrompts(store, said.append)
    for _ in range(3):
        assert live.questions("c").difficulty.prompt.text == ONE
    assert len(said) == 1
    assert "hipped prompt is used" in said[0]


@pytest.mark.parametrize(
    "text",
    [
        "---\nversion: 1\n---\nno question",
        TWO.replace("A=SIMPLE", "A=COMPLEX"),
        TWO.replace("$question", "nothing"),
    ],
)
def test_a_version_that_is_no_such_question_is_not_used(store: VersionStore, text: str) -> None:
    said: list[str] = []
    store.apply("classify", staged(store, text), NOON)
    assert LivePrompts(store, said.append).questions("c").difficulty.prompt.text == ONE
    assert len(said) == 1


def test_a_share_of_the_chats_has_the_canary(store: VersionStore) -> None:
    store.try_out("classify", staged(store, TWO), 0.5, NOON)
    live = LivePrompts(store, pytest.fail)
    texts = [live.questions(f"c{n}").difficulty.prompt.text for n in range(200)]
    assert 70 < texts.count(TWO) < 130
    assert live.questions(None).difficulty.prompt.text == ONE
    assert len(live.canaries) == 1


class Model:
    """Answers evenly, and keeps the system part of what it was asked."""

    def __init__(self) -> None:
        self.systems: list[str] = []

    async def first_token(
        self, model: str, messages: tuple[Message, ...], *, num_ctx: int
    ) -> Mapping[str, float]:
        self.systems.append(messages[0].text)
        return {label: log(1 / 5) for label in "ABCYN"}

    async def structured(self, *args: Any, **kwargs: Any) -> Mapping[str, object]:
        raise AssertionError

    async def digest(self, model: str) -> str:
        return "sha256:1"


class State:
    async def get_state(self, key: str) -> str | None:
        return None

    async def put_state(self, key: str, text: str) -> None:
        pass


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def classifier(
    store: VersionStore, model: Model, seen: list[Prompt], path: Path, clock: Clock
) -> VersionedClassifier:
    def make(questions: Questions) -> Classifier:
        return Classifier(model, questions, Windows("m", 2048, 2048), State())

    return VersionedClassifier(LivePrompts(store), make, seen.append, SessionReader(path), clock)


def test_a_turn_is_classified_by_the_version_of_its_chat(
    store: VersionStore, tmp_path: Path
) -> None:
    model, seen = Model(), []
    made_ = classifier(store, model, seen, tmp_path / "none.sqlite", Clock())
    first = run(made_.classify(turn("Why?", chat_id="c")))
    store.apply("classify", staged(store, TWO), NOON)
    second = run(made_.classify(turn("Why?", chat_id="c")))
    run(made_.warm())
    assert first.prompt_id.split()[0].startswith("classify@1")
    assert second.prompt_id.split()[0].startswith("classify@2")
    assert {"Say one.", "Say zwei é."} <= set(model.systems)
    assert [prompt.version for prompt in seen] == ["1", "1", "2", "1"]
    assert made_.questions.difficulty.prompt.text == TWO


def logged(path: Path, prompt_id: str, bad: int, good: int, start: int = 0) -> None:
    with rows.opened(path) as log_:
        for n in range(start, start + bad + good):
            fields = {"chat_id": f"c{n}", "source": "classifier", "prompt_id": f"{prompt_id} s@1"}
            log_.write(rows.turn(f"t{n}", **fields))
            if n < start + bad:
                log_.write(rows.score(f"s{n}", turn_id=f"t{n}"))
        log_.put_state("k", "1").result(rows.SOON_S)


@pytest.mark.parametrize(("bad", "is_kept"), [(1, True), (12, False)])
def test_the_log_takes_a_canary_back(
    store: VersionStore, tmp_path: Path, bad: int, is_kept: bool
) -> None:
    async def later() -> None:
        await made_.classify(turn("Why?", chat_id="c"))
        clock.now += versioned_classifier.WATCH_S
        await made_.classify(turn("Why?", chat_id="c"))
        if made_._watching is not None:
            await made_._watching

    path, clock = tmp_path / "log" / "sessions.sqlite", Clock()
    version = staged(store, TWO)
    store.try_out("classify", version, 0.2, NOON - 1)
    old, new = (store.load("classify", v).id for v in (SHIPPED, version))
    logged(path, new, bad, 10)
    logged(path, old, 1, 60, start=100)
    assert tally_of(SessionReader(path), new, NOON - 1).canary_bad == bad
    made_ = classifier(store, Model(), [], path, clock)
    asyncio.run(later())
    pointer = store.pointer("classify")
    assert (pointer.canary == version) is is_kept
    assert is_kept or "12 of 22" in pointer.note
    assert json.loads(store.pointer_path("classify").read_text("utf-8"))["active"] == SHIPPED


def test_a_complaint_that_was_taken_back_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log" / "sessions.sqlite"
    logged(path, "new@1", 3, 5)
    with rows.opened(path) as log_:
        again = rows.score("later", turn_id="t0", value=None, created_at=NOON + 1)
        log_.write(again).result(rows.SOON_S)
    tally = tally_of(SessionReader(path), "new@1", NOON - 1)
    assert (tally.canary, tally.canary_bad) == (8, 2)


def test_a_log_that_cannot_be_read_takes_nothing_back(
    store: VersionStore, tmp_path: Path, caplog: Any
) -> None:
    async def look() -> None:
        await made_._look_after()

    path = tmp_path / "sessions.sqlite"
    path.write_bytes(b"no database at all" * 100)
    store.try_out("classify", staged(store, TWO), 0.2, NOON)
    made_ = classifier(store, Model(), [], path, Clock())
    asyncio.run(look())
    assert store.pointer("classify").canary
    assert "not looked after" in caplog.text
