"""Shadows of answered turns: who is asked, what is written, and that people come first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hal.shadowing
from hal.errors import ConnectionReset, Rejected
from hal.gateway.gateway import Gateway
from hal.gateway.ports import CachedAnswer, Level, Standing
from hal.live_router import LiveRouter
from hal.recorder import TurnRecorder
from hal.routing.learned.folder import RouterFolder, prior
from hal.sessions.reader import SessionReader
from hal.sessions.record import CallRow, ShadowContentRow, ShadowRow, TurnRow
from hal.settings import Settings
from hal.shadowing import TRIES, WAITING_MAX, Shadows
from hal.types import Finish, Outcome, Plan, Target, Text, Turn
from tests.core.policies import Rules
from tests.core.providers import ANSWER, HANG, Scripted
from tests.core.things import CLOUD, DEFAULTS, LOCAL, Rows, plan, recorder, run, turn
from tests.sessions.rows import NOON, call, opened, shadow
from tests.sessions.rows import turn as turn_row

ASKED_HERE, ASKED_THERE = plan(LOCAL, CLOUD), plan(CLOUD, LOCAL)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet is a matter of seconds in service; here its order counts."""
    monkeypatch.setattr(hal.shadowing, "QUIET_S", 0.0)


class Stage:
    """Shadows with scripted providers, a log in memory and a log on the disk for what was spent."""

    def __init__(self, folder: Path, drawn: float = 0.0, **changes: Any) -> None:
        self.rules, self.rows, self.provider = Rules(), Rows(), Scripted()
        learned = replace(DEFAULTS.router, **{"shadow_share": 0.5, **changes})
        self.settings: Settings = replace(DEFAULTS, router=learned)
        providers = {"ollama": self.provider, "xai": self.provider}
        gateway = Gateway(providers, self.settings.answer, self.rules.policies())
        self.folder = RouterFolder(folder / "router")
        self.log = folder / "sessions.sqlite"
        self.shadows = Shadows(
            self.settings,
            gateway,
            LiveRouter(self.folder),
            self.rows,
            SessionReader(self.log),
            drawn=lambda: drawn,
            clock=lambda: NOON,
        )

    def answered(self, planned: Plan, asked: Turn | None = None, text: str = "Because.") -> None:
        """A turn that its first target has answered."""
        asked = asked or turn()
        noted = recorder(self.rows, asked)
        self.call(noted, planned.targets[0])
        noted.answered_by(planned.targets[0])
        noted.text(text)
        noted.finish(Outcome.DONE, keep_content=True)
        self.shadows.consider(asked, planned, noted)

    @staticmethod
    def call(noted: TurnRecorder, target: Target) -> None:
        noted.call_ended(noted.call(target, "answer"), Outcome.DONE)

    def last(self) -> ShadowRow:
        return [row for row in self.rows.rows if isinstance(row, ShadowRow)][-1]

    def texts(self) -> list[str]:
        return [row.answer for row in self.rows.rows if isinstance(row, ShadowContentRow)]


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come about")


async def settle() -> None:
    """Long enough for everything that would begin."""
    for _ in range(60):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("planned", "other"), [(ASKED_HERE, CLOUD), (ASKED_THERE, LOCAL)], ids=["cloud", "local"]
)
def test_the_other_side_answers_as_well(tmp_path: Path, planned: Plan, other: Target) -> None:
    async def scene(stage: Stage) -> None:
        stage.answered(planned)
        await until(lambda: bool(stage.texts()) and stage.last().outcome == "done")

    stage = Stage(tmp_path)
    run(scene(stage))
    row = stage.last()
    assert stage.provider.asked == [other]
    assert [made.purpose for made in stage.provider.calls] == ["shadow"]
    assert stage.provider.calls[0].plan.targets == (other,)
    assert (row.turn_id, row.model, row.leaves_machine) == ("turn-1", other.model, other is CLOUD)
    assert (row.reason, row.propensity, row.router_id) == ("anchor", 0.5, "")
    assert stage.texts() == ["It is noon."]
    calls = [r for r in stage.rows.ended_calls if r.purpose == "shadow"]
    assert [(r.turn_id, r.n, r.id) for r in calls] == [("turn-1", 2, row.call_id)]
    # Money is set aside and settled like any other.
    assert len(stage.rules.purse.reserved) == len(stage.rules.purse.settled) == (other is CLOUD)
    # The turn itself is over: its row is not touched again.
    after = stage.rows.rows[
        stage.rows.rows.index(next(r for r in stage.rows.rows if r is calls[0])) :
    ]
    assert not [r for r in after if isinstance(r, TurnRow)]


def test_nothing_of_it_comes_from_the_cache_or_goes_there(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.rules.memory.hit = CachedAnswer("exact", "Old.", "", "xai", "m", "stop", 1.0, 1.0)
        stage.answered(ASKED_HERE)
        await until(lambda: bool(stage.texts()))

    stage = Stage(tmp_path)
    run(scene(stage))
    assert stage.texts() == ["It is noon."]
    assert stage.rules.memory.kept == []


def test_off_by_default_and_by_chance(tmp_path: Path) -> None:
    assert DEFAULTS.router.shadow_share == 0.0

    async def scene(stage: Stage) -> None:
        stage.answered(ASKED_HERE)
        await settle()

    for stage in (Stage(tmp_path, drawn=0.5), Stage(tmp_path, shadow_share=0.0)):
        run(scene(stage))
        assert stage.provider.asked == []


def test_a_candidate_that_disagrees_makes_it_likelier(tmp_path: Path) -> None:
    """The prior, as a candidate, likes the local model for short questions."""

    async def scene(stage: Stage) -> None:
        stage.answered(ASKED_THERE, turn("Hi."))
        await settle()

    plain, disputed = (Stage(tmp_path / name, 0.15, shadow_share=0.1) for name in "ab")
    run(scene(plain))
    assert plain.provider.asked == []
    candidate = disputed.folder.put_candidate(prior().weights)
    run(scene(disputed))
    row = disputed.last()
    assert (row.reason, row.propensity, row.router_id) == ("disagreement", 0.4, candidate)


FAILS = {
    "refused": ((Rejected("No."),), "failed", "rejected"),
    "broke off": ((Text("Half "), ConnectionReset("Gone.")), "cut", "cut_off"),
    "mistake of ours": ((Text("Half "), OSError("gone")), "failed", "internal"),
    "length": ((Text("Half "), Finish("length")), "cut", "length"),
    "empty": ((Finish(),), "failed", "bad_reply"),
}


@pytest.mark.parametrize(("script", "outcome", "code"), FAILS.values(), ids=FAILS)
def test_one_that_fails_costs_a_row_and_no_more(
    tmp_path: Path, script: Any, outcome: str, code: str
) -> None:
    async def scene(stage: Stage) -> None:
        stage.provider.scripts = {CLOUD.model: script}
        stage.answered(ASKED_HERE)
        await until(lambda: stage.provider.open == 0 and bool(stage.provider.calls))
        await settle()

    stage = Stage(tmp_path)
    run(scene(stage))
    assert (stage.last().outcome, stage.last().error_code) == (outcome, code)
    assert stage.texts() == []


class TestPeopleComeFirst:
    def test_the_local_model_is_asked_when_no_turn_is_running(self, tmp_path: Path) -> None:
        async def scene(stage: Stage) -> None:
            stage.shadows.turn_began()
            stage.answered(ASKED_THERE)
            await settle()
            assert stage.provider.asked == []
            stage.shadows.turn_ended()
            await until(lambda: bool(stage.texts()))

        run(scene(Stage(tmp_path)))

    def test_nor_while_the_host_is_busy(self, tmp_path: Path) -> None:
        async def scene(stage: Stage) -> None:
            place = stage.rules.limits.try_slot(LOCAL)
            assert place is not None
            async with place:
                stage.answered(ASKED_THERE)
                await settle()
                assert stage.provider.asked == []
            await until(lambda: bool(stage.texts()))

        run(scene(Stage(tmp_path)))

    def test_a_turn_that_begins_ends_a_local_one_which_is_tried_again_once(
        self, tmp_path: Path
    ) -> None:
        async def scene(stage: Stage) -> None:
            stage.provider.scripts = {LOCAL.model: (Text("Half "), HANG)}
            stage.answered(ASKED_THERE)
            for tries in range(1, TRIES + 1):
                await until(lambda n=tries: len(stage.provider.calls) == n)
                stage.shadows.turn_began()
                await until(lambda: stage.provider.open == 0)
                assert (stage.last().outcome, stage.last().error_code) == ("stopped", "yielded")
                stage.shadows.turn_ended()
            await settle()
            assert len(stage.provider.calls) == TRIES

        stage = Stage(tmp_path)
        run(scene(stage))
        assert len({row.id for row in stage.rows.rows if isinstance(row, ShadowRow)}) == 1

    def test_many_turns_at_once_end_it_once_and_its_place_is_free(self, tmp_path: Path) -> None:
        async def scene(stage: Stage) -> None:
            stage.provider.scripts = {LOCAL.model: (Text("Half "), HANG)}
            stage.answered(ASKED_THERE)
            await until(lambda: stage.provider.open == 1)
            for _ in range(3):
                stage.shadows.turn_began()
                await asyncio.sleep(0)
            await stage.shadows.close()
            assert stage.rules.limits.in_flight(LOCAL) == 0
            assert stage.provider.open == 0

        run(scene(Stage(tmp_path)))

    def test_one_that_was_ended_keeps_only_its_second_answer(self, tmp_path: Path) -> None:
        async def scene(stage: Stage) -> None:
            stage.provider.scripts = {LOCAL.model: (Text("Half "), HANG)}
            stage.answered(ASKED_THERE)
            await until(lambda: stage.provider.open == 1)
            await settle()
            stage.shadows.turn_began()
            stage.provider.scripts = {LOCAL.model: ANSWER}
            stage.shadows.turn_ended()
            await until(lambda: bool(stage.texts()))
            assert stage.texts() == ["It is noon."]
            assert stage.last().outcome == "done"

        run(scene(Stage(tmp_path)))

    @pytest.mark.parametrize(("places", "is_ended"), [(None, False), (2, False), (1, True)])
    def test_the_cloud_goes_on_as_long_as_it_leaves_a_place(
        self, tmp_path: Path, places: int | None, is_ended: bool
    ) -> None:
        async def scene(stage: Stage) -> None:
            stage.provider.scripts = {CLOUD.model: (Text("Half "), HANG)}
            stage.answered(ASKED_HERE)
            await until(lambda: stage.provider.open == 1)
            stage.shadows.turn_began()
            await settle()
            assert (stage.provider.open == 0) is is_ended
            await stage.shadows.close()
            assert stage.provider.open == 0

        stage = Stage(tmp_path)
        limits = replace(DEFAULTS.limits, cloud_concurrent=places)
        stage.settings = replace(stage.settings, limits=limits)
        stage.shadows._settings = stage.settings
        run(scene(stage))

    def test_one_at_a_time_and_the_oldest_are_given_up(self, tmp_path: Path) -> None:
        async def scene(stage: Stage) -> None:
            stage.shadows.turn_began()
            for number in range(WAITING_MAX + 2):
                stage.answered(ASKED_THERE, turn(id=f"turn-{number}"))
            stage.shadows.turn_ended()
            await until(lambda: len(stage.texts()) == WAITING_MAX)
            await settle()

        stage = Stage(tmp_path)
        run(scene(stage))
        first = [row.turn_id for row in stage.rows.rows if isinstance(row, ShadowRow)]
        expected = [f"turn-{number}" for number in range(2, WAITING_MAX + 2)]
        assert list(dict.fromkeys(first)) == expected


def test_after_stop_nothing_begins_and_what_runs_ends(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        stage.provider.scripts = {CLOUD.model: (HANG,)}
        stage.answered(ASKED_HERE)
        await until(lambda: stage.provider.open == 1)
        stage.answered(ASKED_HERE, turn(id="turn-2"))
        await stage.shadows.close()
        assert stage.provider.open == 0
        stage.answered(ASKED_HERE, turn(id="turn-3"))
        await settle()
        assert len(stage.provider.calls) == 1

    run(scene(Stage(tmp_path)))


def test_a_mistake_of_ours_does_not_reach_the_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(stage: Stage) -> None:
        def broken() -> float:
            raise RuntimeError("dice")

        stage.shadows._drawn = broken
        stage.answered(ASKED_HERE, text="a secret")
        await settle()

    run(scene(Stage(tmp_path)))
    assert "no shadow of turn" in caplog.text
    assert "a secret" not in caplog.text


class TestMoney:
    def asked(self, stage: Stage) -> int:
        async def scene() -> None:
            stage.answered(ASKED_HERE)
            await settle()

        run(scene())
        return len(stage.provider.asked)

    @pytest.mark.parametrize(
        ("level", "asked"), [(Level.FREE, 1), (Level.SOFT, 0), (Level.HARD, 0)]
    )
    def test_only_far_from_the_end_of_the_budget(
        self, tmp_path: Path, level: Level, asked: int
    ) -> None:
        async def standing(user_id: str | None, estimate_usd: float | None) -> Standing:
            return Standing(level)

        stage = Stage(tmp_path)
        stage.rules.purse.standing = standing  # type: ignore[method-assign]
        assert self.asked(stage) == asked

    def test_a_budget_that_refuses_after_all_sends_nothing(self, tmp_path: Path) -> None:
        stage = Stage(tmp_path)
        stage.rules.purse.empty = True
        assert self.asked(stage) == 0
        assert stage.last().outcome == "failed"

    @pytest.mark.parametrize(
        ("cap", "spent", "at", "asked"),
        [
            (1.0, 0.0, NOON, 1),
            (1.0, 0.75, NOON, 1),
            (1.0, 0.76, NOON, 0),
            (1.0, 0.76, NOON - 86_400, 1),
            (0.2, 0.0, NOON, 0),
            (0.0, 0.0, NOON, 0),
            (None, 99.0, NOON, 1),
            # Nobody told what that one cost: it counts as this one would, a quarter.
            (0.49, None, NOON, 0),
            (0.51, None, NOON, 1),
        ],
    )
    def test_their_own_budget_of_the_day_is_counted_from_the_log(
        self, tmp_path: Path, cap: float | None, spent: float | None, at: float, asked: int
    ) -> None:
        stage = Stage(tmp_path, shadow_daily_usd=cap)
        with opened(stage.log) as store:
            store.write(turn_row(id="before"))
            store.write(call("c0", turn_id="before", purpose="answer", cost_usd=50.0))
            store.write(call("c1", turn_id="before", purpose="shadow", cost_usd=spent))
            store.write(shadow("s1", turn_id="before", created_at=at)).result(10)
        assert self.asked(stage) == asked

    def test_a_log_that_cannot_be_read_means_no(self, tmp_path: Path) -> None:
        stage = Stage(tmp_path)
        stage.log.write_text("this is no database")
        assert self.asked(stage) == 0


def test_calls_of_a_shadow_have_their_own_sum(tmp_path: Path) -> None:
    """The cost of the turn stays that of its answer."""

    async def scene(stage: Stage) -> None:
        stage.answered(ASKED_HERE)
        await until(lambda: bool(stage.texts()))

    stage = Stage(tmp_path)
    run(scene(stage))
    turns = [row for row in stage.rows.rows if isinstance(row, TurnRow)]
    assert turns[-1].cost_usd == 0.0 or turns[-1].cost_usd is None
    shadows = [r for r in stage.rows.rows if isinstance(r, CallRow) and r.purpose == "shadow"]
    assert shadows[-1].cost_usd == 0.001
