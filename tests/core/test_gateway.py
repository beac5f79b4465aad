"""The gateway's walk along a plan, and the attempts that it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import (
    BadReply,
    EgressRefused,
    HalError,
    ModelMissing,
    Overloaded,
    ProviderError,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway.attempt import Attempt
from hal.gateway.gateway import CutOff, Gateway, outcome_of
from hal.recorder import TurnRecorder
from hal.sessions.record import CallRow, TurnRow
from hal.settings import AnswerSettings
from hal.types import (
    Chunk,
    Evidence,
    Finish,
    Outcome,
    Plan,
    Status,
    Target,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
    Turn,
    Usage,
)
from tests.core.providers import ANSWER, HANG, Script, Scripted
from tests.core.things import CLOUD, DEFAULTS, LOCAL, SMALL, Rows, fixed, plan, recorder, run, turn

DOWN = Unreachable("Nothing listens there.")
CALLS = ToolCalls((ToolCall("call_1", "clock", "{}"),))
LIMITS = DEFAULTS.answer


@dataclass
class House:
    """A gateway over one scripted provider, and everything that one turn leaves behind."""

    plan: Plan
    provider: Scripted = field(default_factory=Scripted)
    settings: AnswerSettings = LIMITS
    turn: Turn = field(default_factory=turn)
    rows: Rows = field(default_factory=Rows)
    got: list[Chunk] = field(default_factory=list)
    error: HalError | None = None

    def __post_init__(self) -> None:
        self.gateway = Gateway({"ollama": self.provider, "xai": self.provider}, self.settings)
        self.recorder: TurnRecorder = recorder(self.rows, self.turn)

    def attempt(self, target: Target) -> Attempt:
        return self.gateway.attempt(self.turn, target, self.plan, Evidence(), self.recorder)

    async def answer(self, head: Attempt | None = None) -> None:
        try:
            async for chunk in self.gateway.stream(self.plan, self.attempt, self.recorder, head):
                self.got.append(chunk)
        except HalError as error:
            self.error = error

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.got if isinstance(chunk, Text))

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(row.outcome, row.error_code) for row in self.rows.ended_calls]

    @property
    def degradations(self) -> tuple[str, ...]:
        self.recorder.finish(Outcome.DONE, keep_content=False)
        return self.rows.last(TurnRow).degradations


def answered(*targets: Target, **options: object) -> House:
    scripts = options.pop("scripts", {})
    house = House(plan(*targets), Scripted(scripts), **options)  # type: ignore[arg-type]
    run(house.answer())
    return house


def scripts(first: Script) -> dict[str, Script]:
    return {LOCAL.model: first}


def test_the_first_target_answers_and_the_second_is_not_asked() -> None:
    house = answered(LOCAL, CLOUD)
    assert house.got == [Text("It "), Text("is noon.")]
    assert house.provider.asked == [LOCAL]
    assert house.recorder.target == LOCAL
    assert house.recorder.usage == Usage(10, 4, cost_usd=0.001)
    assert house.outcomes == [("done", "")]


ERRORS = [
    Unreachable("x"), Timeout("x"), Overloaded("x"), ModelMissing("x"), Unauthorized("x"),
    Rejected("x"), BadReply("x"), ProviderError("x"), EgressRefused("x"),
]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_a_failure_before_the_first_word_goes_on_to_the_next(error: HalError) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts([error]))
    assert house.provider.asked == [LOCAL, CLOUD]
    assert house.text == "It is noon."
    assert isinstance(house.got[0], Status)
    assert "local big:30b failed: x Asking xAI grok-4.3." in house.got[0].text
    assert house.recorder.target == CLOUD
    assert house.outcomes == [("failed", error.code), ("done", "")]
    assert house.degradations == (f"ollama_{error.code}",)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_the_last_targets_error_is_the_turns(error: HalError) -> None:
    house = answered(CLOUD, LOCAL, scripts={CLOUD.model: [DOWN], LOCAL.model: [error]})
    assert house.error is error
    assert outcome_of(error) is Outcome.FAILED


SHOWN = [
    pytest.param([Text("It is"), DOWN], id="text"),
    pytest.param([Thinking("Hm."), DOWN], id="thinking"),
    pytest.param([CALLS, DOWN], id="tool calls"),
    pytest.param([Text(" "), DOWN], id="a blank"),
    pytest.param([Thinking("Hm."), Usage(1, 1), Finish()], id="nothing but thinking"),
    pytest.param([Text(" \n"), Finish()], id="nothing but blanks"),
    pytest.param([Text("It is"), EgressRefused("x")], id="refused by the log"),
]


@pytest.mark.parametrize("script", SHOWN)
def test_after_something_was_shown_nothing_is_tried_again(script: Script) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts(script))
    assert house.provider.asked == [LOCAL]
    assert isinstance(house.error, CutOff)
    assert house.error.code == "cut_off"
    assert house.error.remedy
    assert outcome_of(house.error) is Outcome.CUT


NOTHING = [
    pytest.param([], id="nothing"),
    pytest.param([Finish()], id="only an end"),
    pytest.param([Usage(5, 0), Finish()], id="only a bill"),
    pytest.param([Text(""), Thinking(""), Finish()], id="empty pieces"),
    pytest.param([Text(""), DOWN], id="an empty piece, then an error"),
]


@pytest.mark.parametrize("script", NOTHING)
def test_an_empty_answer_is_a_failure(script: Script) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts(script))
    assert house.provider.asked == [LOCAL, CLOUD]
    assert house.text == "It is noon."


def test_an_empty_answer_of_the_only_target_is_said() -> None:
    house = answered(LOCAL, scripts=scripts([Finish()]))
    assert isinstance(house.error, BadReply)
    assert "local big:30b ended without an answer" in house.error.sentence


def test_tool_calls_are_an_answer() -> None:
    house = answered(LOCAL, scripts=scripts([CALLS, Finish("tool_calls")]))
    assert house.got == [CALLS, Finish("tool_calls")]
    assert house.error is None


@pytest.mark.parametrize(
    ("reason", "passed_on"), [("stop", False), ("length", True), ("content_filter", True)]
)
def test_only_an_unusual_end_is_passed_on(reason: str, passed_on: bool) -> None:
    house = answered(LOCAL, scripts=scripts([Text("a"), Finish(reason)]))
    assert (house.got[-1] == Finish(reason)) is passed_on


@pytest.mark.parametrize(
    ("script", "kind"),
    [([HANG], Timeout), ([Text("It is"), HANG], CutOff)],
    ids=["before a word", "after a word"],
)
def test_one_deadline_over_all(script: Script, kind: type[HalError]) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts(script), settings=replace(LIMITS, total_s=0.05))
    assert type(house.error) is kind
    assert "ANSWER_TOTAL_S" in house.error.remedy
    assert house.provider.asked == [LOCAL]
    assert house.provider.open == 0
    assert house.outcomes == [("stopped", "")]


def test_the_deadline_covers_all_targets_together() -> None:
    slow = {LOCAL.model: [DOWN], SMALL.model: [HANG]}
    settings = replace(LIMITS, total_s=0.05)
    house = answered(LOCAL, SMALL, CLOUD, scripts=slow, settings=settings)
    assert isinstance(house.error, Timeout)
    assert house.provider.asked == [LOCAL, SMALL]


def test_a_turn_too_long_for_one_target_goes_to_the_next() -> None:
    long = turn("word " * 40_000)
    house = answered(LOCAL, CLOUD, turn=long)
    assert house.provider.asked == [CLOUD]
    assert house.degradations == ("ollama_rejected",)
    assert len(house.rows.ended_calls) == len(house.rows.of(CallRow)) // 2 == 1


def test_a_call_knows_its_turn_its_purpose_and_its_plan() -> None:
    house = answered(LOCAL)
    call = house.provider.calls[0]
    assert (call.turn_id, call.purpose, call.plan) == ("turn-1", "answer", house.plan)
    assert call.id == house.rows.of(CallRow)[0].id
    task = answered(LOCAL, turn=turn(task="title_generation"))
    assert task.provider.calls[0].purpose == "task"


def test_a_reader_that_leaves_ends_the_call() -> None:
    async def work() -> House:
        house = House(plan(LOCAL), Scripted(scripts([Text("It is"), HANG])))
        stream = house.gateway.stream(house.plan, house.attempt, house.recorder)
        assert await anext(stream) == Text("It is")
        await stream.aclose()  # type: ignore[attr-defined]
        assert house.provider.open == 0  # by now, not when the garbage is collected
        return house

    assert run(work()).outcomes == [("stopped", "")]


def test_a_cancelled_turn_ends_the_call() -> None:
    async def work() -> House:
        house = House(plan(LOCAL, CLOUD), Scripted(scripts([HANG])))
        task = asyncio.create_task(house.answer())
        await asyncio.sleep(0.01)
        assert house.provider.open == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return house

    house = run(work())
    assert house.provider.open == 0
    assert house.provider.asked == [LOCAL]
    assert house.outcomes == [("stopped", "")]


async def ahead(house: House) -> Attempt:
    attempt = house.attempt(LOCAL)
    attempt.begin()
    await asyncio.sleep(0.01)
    assert house.provider.asked == [LOCAL]
    return attempt


@pytest.mark.parametrize(
    "script", [ANSWER, [Text("It "), Text("is noon."), HANG]], ids=["complete", "still going"]
)
def test_an_answer_begun_ahead_is_used(script: Script) -> None:
    async def work() -> House:
        settings = replace(LIMITS, total_s=0.05)
        house = House(plan(LOCAL, CLOUD), Scripted(scripts(script)), settings)
        await house.answer(await ahead(house))
        return house

    house = run(work())
    assert house.text == "It is noon."
    assert house.provider.asked == [LOCAL]
    assert len(house.outcomes) == 1
    assert house.provider.open == 0


def test_an_answer_begun_ahead_that_failed_falls_back() -> None:
    async def work() -> House:
        house = House(plan(LOCAL, CLOUD), Scripted(scripts([DOWN])))
        await house.answer(await ahead(house))
        return house

    house = run(work())
    assert house.text == "It is noon."
    assert house.provider.asked == [LOCAL, CLOUD]
    assert house.outcomes == [("failed", "unreachable"), ("done", "")]


def test_a_bug_in_an_answer_begun_ahead_is_not_swallowed() -> None:
    async def work() -> None:
        house = House(plan(LOCAL, CLOUD), Scripted(scripts([LookupError("a bug")])))
        await house.answer(await ahead(house))

    with pytest.raises(LookupError, match="a bug"):
        run(work())


@pytest.mark.parametrize(
    "script", [[HANG], [Text("a"), HANG], ANSWER, [DOWN]], ids=["waits", "goes", "done", "failed"]
)
def test_a_discarded_attempt_is_ended_at_once(script: Script) -> None:
    async def work() -> House:
        house = House(plan(LOCAL), Scripted(scripts(script)))
        attempt = await ahead(house)
        await attempt.discard()
        assert house.provider.open == 0
        await attempt.discard()
        return house

    assert run(work()).outcomes == [("stopped", "discarded")]


def test_an_attempt_discarded_before_its_first_step_asks_nobody() -> None:
    async def work() -> House:
        house = House(plan(LOCAL))
        attempt = house.attempt(LOCAL)
        attempt.begin()
        await attempt.discard()
        return house

    house = run(work())
    assert house.provider.asked == []
    assert house.outcomes == [("stopped", "discarded")]


steps = st.sampled_from([Text("a"), Text(""), Thinking("b"), CALLS, Usage(1, 1), Finish(), DOWN])
chains = st.lists(st.sampled_from([LOCAL, SMALL, CLOUD]), min_size=1, max_size=3, unique=True)


@fixed
@given(
    chain=chains,
    played=st.fixed_dictionaries(
        {target.model: st.lists(steps, max_size=4) for target in (LOCAL, SMALL, CLOUD)}
    ),
)
def test_only_the_plan_is_walked_and_every_call_ends_once(
    chain: list[Target], played: dict[str, Script]
) -> None:
    house = answered(*chain, scripts=played)
    asked = house.provider.asked
    assert asked == chain[: len(asked)]
    ended = [row.id for row in house.rows.ended_calls]
    begun = [row.id for row in house.rows.of(CallRow) if row.total_ms is None]
    # From the first call that may leave the machine on, each is in the log before it is made.
    leaves = [target.leaves_machine for target in asked]
    assert begun == (ended[leaves.index(True) :] if True in leaves else [])
    assert len(ended) == len(asked)
    assert house.provider.open == 0
    visible = [
        target
        for target in asked
        if any(
            isinstance(step, ToolCalls) or (isinstance(step, Text | Thinking) and step.text)
            for step in before_error(played[target.model])
        )
    ]
    assert visible in ([], asked[-1:])  # at most one target is ever seen: the last one asked
    if house.error is None:
        assert house.recorder.target == asked[-1]


def before_error(script: Script) -> list[object]:
    shown: list[object] = []
    for step in script:
        if isinstance(step, Exception):
            break
        shown.append(step)
    return shown
