"""Versions of prompts: kept whole, put in force at once, taken back byte for byte, kill or not."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any

import pytest

from hal import versioned_classifier
from hal.errors import ConfigError
from hal.live_prompts import LivePrompts
from hal.prompt_versions import (
    MAX_HISTORY,
    SHIPPED,
    Manifest,
    NoSuchVersion,
    Pointer,
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
    assert store.end_canary("classify", "0" * 12, "other").canary == version
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


# --- kill -9 --------------------------------------------------------------------------------------

# For each moment at which a file is made, made durable, renamed or removed: a process that dies
# just before it. Prints how many such moments there were.
DIES = """
import os, signal, sys
from pathlib import Path
from hal.prompt_versions import Manifest, VersionStore

root, action, before, after = Path(sys.argv[1]), *sys.argv[2:5]
moments = 0

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
    if action == "apply":
        store.apply("classify", store.stage("classify", after, Manifest("", 1.0)), 1.0)
    else:
        store.rollback("classify", 1.0)

was_killed = True
while was_killed:
    moments += 1
    store = VersionStore(root / str(moments) / "prompts", (root / "shipped",))
    store.apply("classify", store.stage("classify", before, Manifest("", 1.0)), 1.0)
    child = os.fork()
    if child == 0:
        change(moments)
        os._exit(0)
    was_killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
print(moments)
"""


@pytest.mark.parametrize(
    ("action", "before", "after"), [("apply", TWO, THREE), ("rollback", TWO, ONE)]
)
def test_kill_at_every_moment_leaves_the_old_or_the_new(
    tmp_path: Path, action: str, before: str, after: str
) -> None:
    made(tmp_path)
    command = [sys.executable, "-c", textwrap.dedent(DIES), str(tmp_path), action, before, after]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    stores = [
        VersionStore(tmp_path / str(moment) / "prompts", (tmp_path / "shipped",))
        for moment in range(1, int(done.stdout) + 1)
    ]
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
