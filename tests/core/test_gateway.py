"""The gateway's walk along a plan, and the attempts that it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import (
    BadReply,
    CircuitOpen,
    ConnectionRefused,
    ConnectionReset,
    ContentRefused,
    ContextTooLong,
    EgressRefused,
    HalError,
    ModelMissing,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway.attempt import Attempt
from hal.gateway.gateway import Gateway
from hal.gateway.job import CutOff, Job, Unanswered, outcome_of
from hal.gateway.ports import CachedAnswer
from hal.recorder import TurnRecorder
from hal.sessions.record import CallRow, TurnRow
from hal.settings import AnswerSettings
from hal.types import (
    Chunk,
    Evidence,
    Finish,
    Message,
    Outcome,
    Parameters,
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
from tests.core.policies import ESTIMATE_USD, Memory, Purse, Rules
from tests.core.providers import ANSWER, HANG, Script, Scripted, Scripts
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
    rules: Rules = field(default_factory=Rules)
    rows: Rows = field(default_factory=Rows)
    got: list[Chunk] = field(default_factory=list)
    error: HalError | None = None

    def __post_init__(self) -> None:
        providers = {"ollama": self.provider, "xai": self.provider}
        self.gateway = Gateway(providers, self.settings, self.rules.policies())
        self.recorder: TurnRecorder = recorder(self.rows, self.turn)

    @property
    def job(self) -> Job:
        return Job(self.turn, self.plan, Evidence(), self.recorder)

    async def answer(self, head: Attempt | None = None) -> None:
        try:
            async for chunk in self.gateway.stream(self.job, head):
                self.got.append(chunk)
        except HalError as error:
            self.error = error
        finally:
            await self.rules.background.drain(1)

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.got if isinstance(chunk, Text))

    @property
    def statuses(self) -> list[str]:
        return [chunk.text for chunk in self.got if isinstance(chunk, Status)]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(row.outcome, row.error_code) for row in self.rows.ended_calls]

    @property
    def turn_row(self) -> TurnRow:
        self.recorder.finish(Outcome.DONE, keep_content=False)
        return self.rows.last(TurnRow)

    @property
    def degradations(self) -> tuple[str, ...]:
        return self.turn_row.degradations


def answered(*targets: Target, **options: object) -> House:
    scripts = options.pop("scripts", {})
    chosen = options.pop("plan", plan(*targets))
    house = House(chosen, Scripted(scripts), **options)  # type: ignore[arg-type]
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
    Unreachable("x"), Timeout("x"), ModelMissing("x"), Unauthorized("x"), Rejected("x"),
    ContentRefused("x"), ProviderError("x"), EgressRefused("x"), RateLimited("x", retry_after_s=9),
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
    assert isinstance(house.error, Unanswered)
    assert house.error.code == error.code
    assert house.error.sentence == (
        "No model could answer. xAI grok-4.3: Nothing listens there. local big:30b: x"
    )
    assert outcome_of(house.error) is Outcome.FAILED


AGAIN = [
    ConnectionRefused("x"), ConnectionReset("x"), Overloaded("x"), BadReply("x"), RateLimited("x"),
]  # fmt: skip


@pytest.mark.parametrize("error", AGAIN, ids=lambda error: error.code)
def test_what_may_pass_is_tried_again_before_the_next_is_asked(error: HalError) -> None:
    house = answered(LOCAL, CLOUD, scripts={LOCAL.model: Scripts([error], ANSWER)})
    assert house.provider.asked == [LOCAL, LOCAL]
    assert house.text == "It is noon."
    assert house.statuses == ["local big:30b: x Trying again."]
    assert house.outcomes == [("failed", error.code), ("done", "")]
    assert [row.attempt for row in house.rows.ended_calls] == [1, 2]
    assert house.degradations == (f"ollama_{error.code}_retried",)


@pytest.mark.parametrize("error", AGAIN, ids=lambda error: error.code)
def test_once(error: HalError) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts([error]))
    assert house.provider.asked == [LOCAL, LOCAL, CLOUD]
    assert house.text == "It is noon."
    assert house.degradations == (f"ollama_{error.code}_retried", f"ollama_{error.code}")


def test_what_a_paid_one_may_have_accepted_is_not_tried_again() -> None:
    house = answered(CLOUD, LOCAL, scripts={CLOUD.model: [BadReply("x")]})
    assert house.provider.asked == [CLOUD, LOCAL]


def test_a_refused_parameter_is_left_out() -> None:
    asked = turn(parameters=Parameters(temperature=0.1, max_tokens=9, stop=("x",)))
    refused = Rejected("x", status=400)
    house = answered(LOCAL, turn=asked, scripts={LOCAL.model: Scripts([refused], ANSWER)})
    assert house.text == "It is noon."
    first, second = house.provider.requests
    assert first.parameters == asked.parameters
    assert second == replace(first, parameters=Parameters(max_tokens=9))


def test_a_refused_request_without_parameters_is_not_sent_again() -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts([Rejected("x", status=400)]))
    assert house.provider.asked == [LOCAL, CLOUD]


def test_a_history_that_is_too_long_is_cut() -> None:
    said = [Message("user" if n % 2 else "assistant", "word " * 400) for n in range(50)]
    too_long = ContextTooLong("x", status=400)
    house = answered(
        LOCAL, turn=turn("Go on.", *said), scripts={LOCAL.model: Scripts([too_long], ANSWER)}
    )
    assert house.text == "It is noon."
    first, second = house.provider.requests
    assert first.target == second.target == LOCAL
    assert 0 < len(second.messages) < len(first.messages)
    assert second.messages[-1].text == "Go on."


def test_a_history_that_cannot_be_cut_goes_to_the_next() -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts([ContextTooLong("x", status=400)]))
    assert house.provider.asked == [LOCAL, CLOUD]


def test_three_turns_that_fail_spare_the_fourth() -> None:
    rules = Rules()
    for _ in range(3):
        answered(LOCAL, CLOUD, scripts=scripts([Timeout("x")]), rules=rules)
    house = answered(LOCAL, CLOUD, scripts=scripts([Timeout("x")]), rules=rules)
    assert house.provider.asked == [CLOUD]
    assert house.degradations == ("ollama_circuit_open",)
    rules.now += 1000
    assert answered(LOCAL, CLOUD, rules=rules).provider.asked == [LOCAL]


def test_a_lone_target_that_fails_is_not_asked_for_a_while() -> None:
    rules = Rules()
    answered(LOCAL, scripts=scripts([ConnectionRefused("x")]), rules=rules)
    house = answered(LOCAL, rules=rules)
    assert house.provider.asked == []
    assert isinstance(house.error, Unanswered)
    assert house.error.code == CircuitOpen.code
    assert "tried again in" in house.error.sentence


def test_the_first_word_of_a_trial_lets_the_others_in() -> None:
    async def work() -> list[Target]:
        rules = Rules()
        rules.breakers.failed(LOCAL, ConnectionRefused("x"))
        rules.now += 1000
        house = House(
            plan(LOCAL), Scripted(scripts([Thinking("Hm."), Text("It"), HANG])), rules=rules
        )
        stream = house.gateway.stream(house.job)
        assert await anext(stream) == Thinking("Hm.")
        assert rules.breakers.is_open(LOCAL)
        assert await anext(stream) == Text("It")
        assert not rules.breakers.is_open(LOCAL)
        await stream.aclose()
        return house.provider.asked

    assert run(work()) == [LOCAL]


def test_answers_that_always_break_off_open_the_breaker() -> None:
    rules = Rules()
    for _ in range(3):
        assert not rules.breakers.is_open(LOCAL)
        answered(LOCAL, scripts=scripts([Text("It"), BadReply("x")]), rules=rules)
    assert rules.breakers.is_open(LOCAL)


def test_a_reader_that_leaves_while_a_model_loads_leaves_no_trial_behind() -> None:
    async def work() -> None:
        rules = Rules(cold=lambda _target: True)
        rules.breakers.failed(LOCAL, ConnectionRefused("x"))
        rules.now += 1000
        house = House(plan(LOCAL), rules=rules)
        stream = house.gateway.stream(house.job)
        assert isinstance(await anext(stream), Status)
        await stream.aclose()
        assert not rules.breakers.is_open(LOCAL)

    run(work())


def test_a_cold_model_says_that_it_loads_and_its_slowness_does_not_count() -> None:
    rules = Rules(cold=lambda target: target == LOCAL)
    for _ in range(4):
        house = answered(LOCAL, CLOUD, scripts=scripts([Timeout("x")]), rules=rules)
        assert house.provider.asked == [LOCAL, CLOUD]
        assert house.statuses[0] == "Loading local big:30b; the first answer takes longer"


def test_what_was_stopped_says_nothing_about_the_target() -> None:
    async def work() -> Rules:
        rules = Rules()
        for _ in range(5):
            house = House(plan(LOCAL), Scripted(scripts([Text("It is"), HANG])), rules=rules)
            stream = house.gateway.stream(house.job)
            assert await anext(stream) == Text("It is")
            await stream.aclose()
        return rules

    assert not run(work()).breakers.is_open(LOCAL)


def test_a_turn_waits_in_line_and_says_so() -> None:
    async def work() -> House:
        rules = Rules(limits_set=replace(DEFAULTS.limits, local_concurrent=1))
        first = House(plan(LOCAL), Scripted(scripts([Text("It is"), HANG])), rules=rules)
        stream = first.gateway.stream(first.job)
        await anext(stream)
        second = House(plan(LOCAL, CLOUD), rules=rules)
        task = asyncio.create_task(second.answer())
        await asyncio.sleep(0.02)
        assert second.provider.asked == []
        assert rules.limits.waiting(LOCAL) == 1
        await stream.aclose()
        await task
        assert rules.limits.in_flight(LOCAL) == 0
        return second

    house = run(work())
    assert house.provider.asked == [LOCAL]
    assert house.statuses[0].startswith("Waiting for local big:30b")


def test_nobody_waits_for_the_cloud() -> None:
    async def work() -> House:
        rules = Rules(limits_set=replace(DEFAULTS.limits, cloud_concurrent=1))
        first = House(plan(CLOUD), Scripted({CLOUD.model: [Text("It is"), HANG]}), rules=rules)
        stream = first.gateway.stream(first.job)
        await anext(stream)
        second = House(plan(CLOUD, LOCAL), rules=rules)
        await second.answer()
        await stream.aclose()
        return second

    house = run(work())
    assert house.provider.asked == [LOCAL]
    assert house.degradations == ("xai_limit_reached",)


def test_money_is_set_aside_before_and_settled_after() -> None:
    house = answered(CLOUD)
    purse = house.rules.purse
    (expense,) = purse.reserved.values()
    assert (expense.turn_id, expense.target) == ("turn-1", CLOUD)
    assert expense.estimate_usd == ESTIMATE_USD
    assert [*purse.settled.values()] == [(0.001, False)]


def test_what_is_free_needs_no_money() -> None:
    assert answered(LOCAL, rules=Rules(Purse(empty=True))).text == "It is noon."


def test_without_money_the_cloud_is_not_asked() -> None:
    house = answered(CLOUD, LOCAL, rules=Rules(Purse(empty=True)))
    assert house.provider.asked == [LOCAL]
    assert house.degradations == ("xai_over_budget",)
    assert "today's budget" in house.statuses[0]


BILLED = [
    pytest.param([Timeout("x")], 0.0, True, id="hung"),
    pytest.param([Text("It is"), BadReply("x")], 0.05, True, id="cut"),
    pytest.param([Overloaded("x", status=400)], 0.0, False, id="not taken"),
    pytest.param([Unauthorized("x")], 0.0, False, id="no key"),
    pytest.param([Text("It is"), Usage(1, 1, cost_usd=0.5), BadReply("x")], 0.5, False, id="told"),
]


@pytest.mark.parametrize(("script", "usd", "is_estimate"), BILLED)
def test_a_failed_call_is_on_the_bill(script: Script, usd: float, is_estimate: bool) -> None:
    house = answered(CLOUD, scripts={CLOUD.model: script})
    assert [*house.rules.purse.settled.values()] == [(usd, is_estimate)]
    assert house.turn_row.cost_usd == usd


def test_a_call_that_is_stopped_is_on_the_bill() -> None:
    async def work() -> House:
        house = House(plan(CLOUD), Scripted({CLOUD.model: [Text("It is"), HANG]}))
        stream = house.gateway.stream(house.job)
        assert await anext(stream) == Text("It is")
        await stream.aclose()
        await house.rules.background.drain(1)
        return house

    house = run(work())
    assert [*house.rules.purse.settled.values()] == [(0.05, True)]
    assert house.rows.ended_calls[0].is_estimate


def test_a_price_nobody_knows_counts_as_it_was_estimated() -> None:
    script = [Text("a"), Usage(1, 1), Finish()]
    house = answered(CLOUD, scripts={CLOUD.model: script})
    assert [*house.rules.purse.settled.values()] == [(ESTIMATE_USD, True)]
    assert house.turn_row.cost_usd is None


HIT = CachedAnswer("semantic", "word " * 40, "Hm.", "xai", "grok-4.3", "stop", 0.97, 720.0)


def test_an_answer_from_the_cache_asks_nobody() -> None:
    house = answered(CLOUD, rules=Rules(memory=Memory(HIT)))
    assert house.provider.asked == []
    assert house.statuses == ["answered from cache (a question 97% alike, 12 min ago)"]
    pieces = [chunk for chunk in house.got if isinstance(chunk, Text)]
    assert "".join(piece.text for piece in pieces) == HIT.text
    assert len(pieces) > 1
    assert Thinking("Hm.") in house.got
    row = house.turn_row
    assert (row.cache, row.cost_usd, row.model) == ("semantic", 0.0, "grok-4.3")
    assert row.leaves_machine is False
    assert house.rules.purse.reserved == {}


def test_an_answer_is_kept_for_the_cache() -> None:
    script = [Thinking("Hm."), Text("It "), Text("is."), Finish("length")]
    (kept,) = answered(LOCAL, scripts=scripts(script)).rules.memory.kept
    assert (kept.text, kept.thinking, kept.finish) == ("It is.", "Hm.", "length")
    assert (kept.provider, kept.model) == ("ollama", "big:30b")


def test_while_the_cache_is_off_nothing_is_kept() -> None:
    house = answered(LOCAL, rules=Rules(memory=Memory(is_on=False)))
    assert house.text == "It is noon."
    assert house.rules.memory.kept == []


def test_a_failed_answer_is_not_kept() -> None:
    house = answered(LOCAL, scripts=scripts([Text("It is"), DOWN]))
    assert house.rules.memory.kept == []


def test_what_must_stay_says_that_it_cannot_be_answered_here() -> None:
    chosen = plan(LOCAL, stays_local="file in this chat")
    house = answered(plan=chosen, scripts=scripts([DOWN]))
    assert isinstance(house.error, Unanswered)
    assert house.error.sentence == (
        "I cannot answer without leaving this machine (file in this chat). Nothing listens there."
    )


def test_an_endless_answer_is_cut() -> None:
    house = answered(LOCAL, scripts=scripts([Text("never "), *[Text("again ")] * 500, HANG]))
    assert isinstance(house.error, CutOff)
    assert house.text.count("again") < 120


SHOWN = [
    pytest.param([Text("It is"), DOWN], id="text"),
    pytest.param([CALLS, DOWN], id="tool calls"),
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
    pytest.param([Text(" "), DOWN], id="a blank, then an error"),
    pytest.param([Text(" \n"), Finish()], id="nothing but blanks"),
    pytest.param([Thinking("Hm."), DOWN], id="a thought, then an error"),
    pytest.param([Thinking("Hm."), Usage(1, 1), Finish()], id="nothing but thinking"),
]


@pytest.mark.parametrize("script", NOTHING)
def test_an_empty_answer_is_a_failure(script: Script) -> None:
    house = answered(LOCAL, CLOUD, scripts=scripts(script))
    assert house.provider.asked in ([LOCAL, LOCAL, CLOUD], [LOCAL, CLOUD])
    assert house.text.strip() == "It is noon."
    assert {outcome for outcome, _ in house.outcomes[:-1]} == {"failed"}


def test_an_empty_answer_of_the_only_target_is_said() -> None:
    house = answered(LOCAL, scripts=scripts([Finish()]))
    assert isinstance(house.error, Unanswered)
    assert house.error.code == BadReply.code
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
    assert "ANSWER_TOTAL_S" in house.error.sentence
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
    assert house.degradations == ("ollama_context_too_long",)
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
        stream = house.gateway.stream(house.job)
        assert await anext(stream) == Text("It is")
        await stream.aclose()
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
    attempt = await house.gateway.speculate(house.turn, LOCAL, house.recorder)
    assert attempt is not None
    assert house.rules.limits.in_flight(LOCAL) == 1
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
        attempt = await house.gateway.speculate(house.turn, LOCAL, house.recorder)
        assert attempt is not None
        await attempt.discard()
        assert house.rules.limits.in_flight(LOCAL) == 0
        return house

    house = run(work())
    assert house.provider.asked == []
    assert house.outcomes == [("stopped", "discarded")]


def test_nothing_is_begun_ahead_where_it_would_wait() -> None:
    async def work() -> None:
        rules = Rules(limits_set=replace(DEFAULTS.limits, local_concurrent=1))
        house = House(plan(LOCAL), rules=rules)
        held = await ahead(house)
        assert await house.gateway.speculate(house.turn, LOCAL, house.recorder) is None
        await held.discard()
        rules.breakers.failed(LOCAL, ConnectionRefused("x"))
        assert await house.gateway.speculate(house.turn, LOCAL, house.recorder) is None

    run(work())


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
    once = list(dict.fromkeys(asked))
    assert once == chain[: len(once)]
    assert asked == sorted(asked, key=chain.index)  # nobody is asked again after the next one
    assert house.rules.purse.settled.keys() == house.rules.purse.reserved.keys()
    assert all(house.rules.limits.in_flight(target) == 0 for target in chain)
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
            isinstance(step, ToolCalls) or (isinstance(step, Text) and step.text.strip())
            for step in before_error(played[target.model])
        )
    ]
    assert visible in ([], asked[-1:])  # at most one target's answer is ever seen: the last one's
    if house.error is None:
        assert house.recorder.target == asked[-1]


def before_error(script: Script) -> list[object]:
    shown: list[object] = []
    for step in script:
        if isinstance(step, Exception):
            break
        shown.append(step)
    return shown
