"""The whole loop on a log of its own: it learns what can be learned, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bench._improve_standin import ScriptedReflector, WordModel

from hal.errors import ConfigError, Unreachable
from hal.lab.improve.cases import Case
from hal.lab.improve.folder import RunFolder, Runs
from hal.lab.improve.gate import MIN_CASES
from hal.lab.improve.ledger import Ledger
from hal.lab.improve.loop import Loop
from hal.lab.improve.options import Options, Tools, estimate
from hal.lab.improve.outcome import Outcome, diff
from hal.lab.improve.parts import Parts
from hal.lab.improve.pins import MOST, Pins, mended
from hal.lab.improve.proposers.reflector import Reflect, ReflectionFailed
from hal.lab.improve.replay import PromptPair
from hal.lab.improve.replies import Replies
from hal.lab.improve.trial import Pair
from hal.privacy.detect import Detector
from hal.prompt_versions import VersionStore, version_of
from hal.prompts import parse_prompt
from hal.sessions.reader import SessionReader
from hal.sessions.statements import save
from tests.sessions import rows

from .improving import NOON, WEAK, replay, world

# The same texts come in every run: what was found in one is found in it again.
FIND = cache(Detector().find)
# The least from which the newest 150 are left to test on.
CASES = 360
PROPOSERS = ("thresholds", "rules", "rewriting")


class House:
    """A data folder with a log of `cases`, and everything that a run needs."""

    def __init__(self, root: Path, cases: Sequence[Case], prompts: PromptPair = WEAK) -> None:
        self.root, self.prompts = root, prompts
        self.log = root / "sessions.sqlite"
        self.runs = Runs(root / "improve")
        self.ledger, self.pins = Ledger(self.runs.ledger), Pins(self.runs.pins)
        shipped = root / "shipped"
        shipped.mkdir(parents=True)
        for prompt in (prompts.classify, prompts.search_need):
            (shipped / f"{prompt.name}.md").write_bytes(prompt.text.encode())
        self.versions = VersionStore(root / "prompts", (shipped,))
        self.model = WordModel()
        self.reflector: Reflect = ScriptedReflector()
        self._log(cases)

    def _log(self, cases: Sequence[Case]) -> None:
        with rows.opened(self.log) as store:
            store.apply(lambda connection: _write(connection, cases)).result(rows.SOON_S)

    def sides(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.log)) as connection:
            return dict(connection.execute("SELECT turn_id, split FROM eval_case"))

    def _save(self, sides: Mapping[str, str]) -> None:
        with closing(sqlite3.connect(self.log)) as connection, connection:
            connection.executemany(
                "UPDATE eval_case SET split = ? WHERE turn_id = ? AND split = ''",
                [(side, id) for id, side in sides.items()],
            )

    def run(self, folder: RunFolder | None = None, **changes: Any) -> Outcome:
        options = Options("classify", PROPOSERS, reflections=6)
        tools = Tools(
            reader=SessionReader(self.log),
            find=FIND,
            replay=replay(self.model, replies=Replies(self.runs.replies)),
            prompts=self.prompts,
            model="small",
            digest="sha256:words",
            versions=self.versions,
            ledger=self.ledger,
            pins=self.pins,
            save_sides=self._save,
            clock=lambda: NOON,
            reflect=self.reflector,
        )
        return Loop(replace(options, **changes), folder or self.runs.begin(NOON), tools).run()


def _write(connection: sqlite3.Connection, cases: Sequence[Case]) -> None:
    for one in cases:
        save(connection, rows.turn(one.id, chat_id=one.chat, started_at=one.at, route="MODERATE"))
        save(connection, rows.content(one.id, question=one.question))
        row = rows.case(one.id, expected=one.expected, weight=1.0, split=one.side)
        save(connection, row)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, world(CASES))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Outcome]:
    """A run that nothing has interrupted."""
    made = House(tmp_path_factory.mktemp("whole"), world(CASES))
    return made, made.run()


def test_it_finds_a_better_prompt_and_stages_it(whole: tuple[House, Outcome]) -> None:
    house, outcome = whole
    assert outcome.staged
    best = outcome.staged[0]
    assert best.trial.points >= 15
    assert outcome.calls["propose"] <= 1000
    assert outcome.reflections <= 6
    assert house.versions.load("classify", best.staged).text == best.attempt.text
    manifest = house.versions.manifest("classify", best.staged)
    assert (manifest.run, manifest.model_digest) == (outcome.run_id, "sha256:words")
    assert manifest.parent == version_of(WEAK.classify.text)
    assert house.versions.pointer("classify").active == "shipped"  # nothing goes live by itself


def test_words_of_users_are_nowhere_in_the_folder_but_in_the_log(
    whole: tuple[House, Outcome],
) -> None:
    house, said = whole[0], [case.question for case in world(CASES)]
    for path in (house.root / "improve").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not any(question in text for question in said), path


def test_shuffled_labels_stage_nothing(tmp_path: Path) -> None:
    random = Random(3)
    labels = [case.expected for case in world(CASES)]
    random.shuffle(labels)
    cases = [replace(c, expected=label) for c, label in zip(world(CASES), labels, strict=True)]
    outcome = House(tmp_path, cases).run()
    assert outcome.tree.attempts
    assert not outcome.staged


def test_too_few_cases_open_nothing_and_say_how_many_are_missing(tmp_path: Path) -> None:
    house = House(tmp_path, world(200))
    outcome = house.run()
    assert outcome.missing == MIN_CASES - len(outcome.sides.test)
    assert not outcome.results
    assert not house.ledger.openings


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    house = House(tmp_path, [])
    assert house.run().stopped_after == "collect"
    assert house.model.calls == 0


@pytest.mark.parametrize("until", ["mine", "propose", "evaluate"])
def test_a_run_is_gone_on_with_where_it_ended(
    house: House, whole: tuple[House, Outcome], until: str
) -> None:
    folder = house.runs.begin(NOON)
    first = house.run(folder, until=until)
    assert not first.staged
    asked = house.model.calls
    second = house.run(folder)
    assert second.staged
    once, outcome = whole
    assert [r.staged for r in second.results] == [r.staged for r in outcome.results]
    assert house.model.calls == once.model.calls  # nothing was asked twice
    assert asked <= house.model.calls


def test_a_run_that_broke_is_gone_on_with_and_looks_once(
    house: House, whole: tuple[House, Outcome]
) -> None:
    """While it mines, while it searches, and while it is tested on the unseen cases."""
    folder, calls = house.runs.begin(NOON), whole[0].model.calls
    for share in (0.05, 0.4, 0.4):
        house.model = _Breaking(int(share * calls))
        with pytest.raises(Unreachable):
            house.run(folder)
    house.model = WordModel()
    assert house.run(folder).staged
    assert set(house.ledger.openings.values()) == {1}


class _Breaking(WordModel):
    """Breaks after so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._left = calls

    async def first_token(self, *args: Any, **kwargs: Any) -> Mapping[str, float] | None:
        self._left -= 1
        if self._left < 0:
            raise Unreachable("gone")
        return await super().first_token(*args, **kwargs)


def test_a_reflector_that_fails_gives_no_verdict(house: House) -> None:
    def broken(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Unreachable("nobody listens")

    house.reflector = broken
    with pytest.raises(ReflectionFailed):
        house.run()
    assert not house.ledger.openings


def test_a_run_belongs_to_its_prompt_and_model(house: House) -> None:
    folder = house.runs.begin(NOON)
    house.run(folder, until="mine")
    house.prompts = WEAK.with_prompt(Parts.of(WEAK.classify).with_rule("easy: x.").prompt)
    with pytest.raises(ConfigError, match="another prompt"):
        house.run(folder)


def test_sides_are_kept_in_the_log_and_stay(house: House) -> None:
    house.run(until="collect")
    first = house.sides()
    assert set(first.values()) == {"train", "validation", "test"}
    house._log(world(100, start=CASES))
    house.run(until="collect")
    second = house.sides()
    assert len(second) == CASES + 100
    assert {id: second[id] for id in first} == first


def test_a_pin_that_would_break_stops_the_proposal(
    tmp_path: Path, whole: tuple[House, Outcome]
) -> None:
    """A person has pinned what the cases contradict: whoever learns the cases breaks the pin."""
    cases = world(CASES)
    better = parse_prompt("classify", whole[1].staged[0].attempt.text)
    before, after = (replay(WordModel()).routes(p, cases) for p in (WEAK, WEAK.with_prompt(better)))
    moved = next(c for c in cases if before[c.id] != after[c.id])
    pinned = replace(moved, id="pin", chat="pin", expected=before[moved.id], side="pin")
    outcome = House(tmp_path, [*cases, pinned]).run()
    assert not outcome.staged
    assert any("pinned" in result.verdict.reason for result in outcome.results)


def test_what_a_version_has_mended_is_pinned_while_it_is_in_force(
    whole: tuple[House, Outcome],
) -> None:
    house, outcome = whole
    best = outcome.staged[0]
    right_now = {
        case.id
        for case, pair in zip(outcome.sides.test, best.trial.first, strict=True)
        if pair.is_fixed
    }
    assert set(house.pins.of([best.staged])) <= right_now
    assert len(house.pins.of([best.staged])) == min(MOST, len(right_now))
    assert not house.pins.of(["shipped"])
    assert not house.run(until="mine").sides.pins
    house.versions.apply("classify", best.staged, NOON)
    try:
        assert {pin.id for pin in house.run(until="mine").sides.pins} <= right_now
        assert house.run(until="mine").sides.pins
    finally:
        house.versions.rollback("classify", NOON)


def test_only_what_a_person_has_said_is_pinned() -> None:
    cases = [replace(world(1)[0], id=str(at), weight=weight) for at, weight in enumerate(WEIGHTS)]
    fixed = tuple(Pair(case.chat, "SIMPLE", "COMPLEX", "SIMPLE") for case in cases)
    assert mended(cases, fixed) == ["0", "1"]


WEIGHTS = (1.0, 0.9, 0.5)


def test_auto_puts_thresholds_in_force_and_nothing_else(tmp_path: Path) -> None:
    parts = Parts.of(WEAK.classify)
    for word in ("hello thanks morning evening bye cheers", "prove theorem derive lemma"):
        label = "easy" if "hello" in word else "hard"
        parts = parts.with_rule(f"{label}: {word}.")
    skewed = parts.with_base_rates({"easy": 0.05, "normal": 0.9, "hard": 0.05}).prompt
    house = House(tmp_path, world(CASES), WEAK.with_prompt(skewed))
    outcome = house.run(auto=True)
    live = [result for result in outcome.results if result.is_live]
    assert [result.attempt.proposer for result in live] == ["thresholds"]
    assert house.versions.pointer("classify").active == live[0].staged


def test_the_estimate_is_never_too_low(house: House) -> None:
    options = Options("classify", PROPOSERS)
    outcome = house.run(proposers=("thresholds", "demonstrations", "rules"))
    told = sum(estimate(outcome.sides, options).values())
    assert house.model.calls <= told


def test_runs_have_names_and_are_found_by_their_beginning(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "improve")
    first = runs.begin(NOON)
    first.write("run", {})
    second = runs.begin(NOON)
    second.write("run", {})
    assert (first.run_id, second.run_id) == ("20260301-120000", "20260301-120000-2")
    assert runs.find("20260301-120000") == first
    assert [one.run_id for one in runs.all()] == [second.run_id, first.run_id]
    for name in ("nothing", "2026", "../improve", ""):
        with pytest.raises(ConfigError):
            runs.find(name)


def test_a_stage_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r")
    folder.write("cases", [])
    (tmp_path / "r" / "cases.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cases\.json"):
        folder.read("cases")


def test_a_diff_shows_what_changed() -> None:
    assert diff("a\nb\n", "a\nc\n", "old", "new")[2:] == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
