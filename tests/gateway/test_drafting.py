"""A local draft is checked before anything of it is shown, and another target may replace it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from hal.errors import BadReply, HalError, Unreachable
from hal.gateway.drafting import DraftCheck
from hal.gateway.gateway import Gateway
from hal.gateway.job import Job, Unanswered
from hal.sessions.record import CallRow, ContentRow, TurnRow
from hal.types import (
    Chunk,
    Evidence,
    Finish,
    Outcome,
    Status,
    Target,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
    Usage,
)
from tests.core.policies import Rules
from tests.core.providers import HANG, Script, Scripted, Scripts
from tests.core.things import CLOUD, DEFAULTS, LOCAL, SMALL, Rows, plan, recorder, run, turn

DRAFT: Script = (
    Thinking("Hm. "),
    Text("About "),
    Text("noon."),
    Usage(9, 3, cost_usd=0.0),
    Finish(),
)
BETTER: Script = (Text("At 12:04."), Usage(8, 4, cost_usd=0.002), Finish())
CALLS = ToolCalls((ToolCall("call_1", "clock", "{}"),))


@dataclass
class House:
    """One drafted turn and everything that it leaves behind."""

    scripts: dict[str, Script | Scripts]
    replaces: bool = True
    deadline_s: float = 60.0
    targets: tuple[Target, ...] = (LOCAL, CLOUD)
    judged: list[str] = field(default_factory=list)
    got: list[Chunk] = field(default_factory=list)
    error: HalError | None = None

    def __post_init__(self) -> None:
        self.rows, self.rules = Rows(), Rules()
        self.recorder = recorder(self.rows, turn())
        self.provider = Scripted(self.scripts)
        self.gateway = Gateway(
            {"ollama": self.provider, "xai": self.provider}, DEFAULTS.answer, self.rules.policies()
        )
        self.job = Job(
            turn(),
            plan(*self.targets, drafts=True),
            Evidence(),
            self.recorder,
            draft_check=DraftCheck(self._replaces, self.deadline_s),
        )

    def _replaces(self, draft: str) -> bool:
        self.judged.append(draft)
        return self.replaces

    async def answer(self) -> None:
        try:
            async for chunk in self.gateway.stream(self.job):
                self.got.append(chunk)
        except HalError as error:
            self.error = error

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.got if isinstance(chunk, Text))

    def row(self) -> tuple[TurnRow, ContentRow]:
        self.recorder.finish(Outcome.DONE, keep_content=True)
        return self.rows.last(TurnRow), self.rows.last(ContentRow)


def drafted(*scripts: tuple[Target, Script | Scripts], **options: object) -> House:
    house = House({target.model: script for target, script in scripts}, **options)  # type: ignore[arg-type]
    run(house.answer())
    return house


def test_a_good_draft_is_shown_when_it_is_whole() -> None:
    house = drafted((LOCAL, DRAFT), replaces=False)
    assert house.judged == ["About noon."]
    assert house.text == "About noon."
    assert house.got[0] == Status(
        "local big:30b writes a draft, which is checked before it is shown"
    )
    assert house.provider.asked == [LOCAL]
    row, content = house.row()
    assert (row.cascade, row.model, content.draft) == ("kept", LOCAL.model, "")


def test_a_bad_one_is_replaced_and_nothing_of_it_is_seen() -> None:
    house = drafted((LOCAL, DRAFT), (CLOUD, BETTER))
    assert house.text == "At 12:04."
    assert not any(isinstance(chunk, Thinking) for chunk in house.got)
    row, content = house.row()
    assert (row.cascade, row.model, row.leaves_machine) == ("escalated", CLOUD.model, True)
    assert (content.answer, content.draft) == ("At 12:04.", "About noon.")
    assert [(call.model, call.outcome) for call in house.rows.ended_calls] == [
        (LOCAL.model, "done"),
        (CLOUD.model, "done"),
    ]
    assert row.cost_usd == pytest.approx(0.002)
    assert not row.degradations


def test_other_local_targets_are_not_asked_for_another_draft() -> None:
    house = drafted((LOCAL, DRAFT), (CLOUD, BETTER), targets=(LOCAL, SMALL, CLOUD))
    assert house.provider.asked == [LOCAL, CLOUD]


def test_a_local_target_that_fails_leaves_the_draft_to_the_next() -> None:
    house = drafted(
        (LOCAL, [Unreachable("x")]), (SMALL, DRAFT), (CLOUD, BETTER), targets=(LOCAL, SMALL, CLOUD)
    )
    assert house.provider.asked == [LOCAL, SMALL, CLOUD]
    assert house.row()[0].cascade == "escalated"


def test_when_nothing_better_can_be_had_the_draft_is_shown() -> None:
    house = drafted((LOCAL, DRAFT), (CLOUD, [Unreachable("No way out.")]))
    assert (house.text, house.error) == ("About noon.", None)
    row, content = house.row()
    assert (row.cascade, row.model, row.leaves_machine) == ("returned", LOCAL.model, False)
    assert (content.answer, content.draft) == ("About noon.", "")
    assert "The local draft is shown." in house.got[-4].text  # type: ignore[union-attr]


def test_an_answer_that_breaks_off_after_the_draft_is_not_mixed_with_it() -> None:
    house = drafted((LOCAL, DRAFT), (CLOUD, [Text("At"), BadReply("x")]))
    assert house.text == "At"
    assert house.error is not None
    assert house.error.code == "cut_off"


def test_a_slow_draft_is_shown_as_it_comes() -> None:
    house = drafted((LOCAL, DRAFT), deadline_s=-1.0)
    assert (house.text, house.judged) == ("About noon.", [])
    assert house.row()[0].cascade == "late"


def test_a_tool_call_is_no_draft() -> None:
    house = drafted((LOCAL, [Text("Let me see."), CALLS, Finish("tool_calls")]))
    assert house.judged == []
    assert CALLS in house.got
    assert house.provider.asked == [LOCAL]


def test_a_try_that_broke_off_is_no_part_of_the_draft() -> None:
    broken = Scripts([Text("Abo"), BadReply("x")], DRAFT)
    house = drafted((LOCAL, broken), replaces=False)
    assert house.judged == ["About noon."]
    assert house.text == "About noon."


def test_no_local_target_answers_and_none_is_left() -> None:
    house = drafted((LOCAL, [Unreachable("x")]), (CLOUD, [Unreachable("y")]))
    assert isinstance(house.error, Unanswered)
    assert house.row()[0].cascade == ""


def test_whoever_stops_during_a_draft_has_seen_nothing() -> None:
    house = House({LOCAL.model: [Text("About"), HANG]})

    async def work() -> None:
        stream = house.gateway.stream(house.job)
        assert isinstance(await anext(stream), Status)
        await stream.aclose()
        assert house.provider.open == 0

    run(work())
    assert not house.rules.breakers.is_open(LOCAL)
    assert [call.outcome for call in house.rows.of(CallRow)][-1:] in (["stopped"], [])


def test_the_cloud_first_is_never_a_draft() -> None:
    house = drafted((CLOUD, BETTER), targets=(CLOUD, LOCAL))
    assert (house.text, house.judged) == ("At 12:04.", [])
