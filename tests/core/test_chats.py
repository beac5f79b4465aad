"""What is remembered of a chat, from the running process and from the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from hal import explain
from hal.chats import MAX_CHATS, ChatMemory
from hal.sessions.reader import LogUnreadable
from hal.sessions.record import TurnRow
from hal.types import PrivacyWord, Route, Source
from tests.core.things import decision, run


@dataclass
class Log:
    """The reading side of a log with one decision per chat, or a broken one."""

    rows: dict[str, TurnRow] = field(default_factory=dict)
    is_broken: bool = False
    asked: list[str] = field(default_factory=list)

    hard: set[str] = field(default_factory=set)

    def last_decision(self, chat_id: str) -> TurnRow | None:
        self._reads(chat_id)
        return self.rows.get(chat_id)

    def was_hard(self, chat_id: str) -> bool:
        self._reads(chat_id)
        return chat_id in self.hard

    def _reads(self, chat_id: str) -> None:
        self.asked.append(chat_id)
        if self.is_broken:
            raise LogUnreadable("The session log cannot be read.")


def memory(log: Log) -> ChatMemory:
    return ChatMemory(log)  # type: ignore[arg-type]


def row(route: str, source: str = "classifier") -> TurnRow:
    return TurnRow(id="t", started_at=0.0, chat_id="c", route=route, source=source, reason="so")


COURSES = [
    pytest.param(Route.COMPLEX, Source.CLASSIFIER, Route.COMPLEX, id="decided"),
    pytest.param(Route.SIMPLE, Source.STICKY, Route.SIMPLE, id="kept"),
    pytest.param(Route.COMPLEX, Source.OVERRIDE, None, id="a command"),
    pytest.param(Route.ENRICH, Source.CLASSIFIER, None, id="a search"),
    pytest.param(Route.META, Source.RULE, None, id="a task"),
    pytest.param(Route.MODERATE, Source.RULE, None, id="a rule"),
    pytest.param(Route.MODERATE, Source.DEFAULT, None, id="nobody decided"),
]


@pytest.mark.parametrize(("route", "source", "course"), COURSES)
def test_what_sets_the_course_of_a_chat(route: Route, source: Source, course: Route | None) -> None:
    chats = memory(Log())
    chats.remember("c", decision(route, source=source))
    assert run(chats.previous_route("c")) is course


@pytest.mark.parametrize(("route", "source", "course"), COURSES)
def test_the_log_says_the_same_after_a_restart(
    route: Route, source: Source, course: Route | None
) -> None:
    assert run(memory(Log({"c": row(route, source)})).previous_route("c")) is course


@pytest.mark.parametrize("odd", [row(""), row("BOGUS"), row("COMPLEX", "telepathy")])
def test_what_another_version_wrote_is_no_course(odd: TurnRow) -> None:
    assert run(memory(Log({"c": odd})).previous_route("c")) is None


def test_a_command_does_not_change_the_course() -> None:
    chats = memory(Log())
    chats.remember("c", decision(Route.SIMPLE))
    chats.remember("c", decision(Route.COMPLEX, source=Source.OVERRIDE))
    assert run(chats.previous_route("c")) is Route.SIMPLE


def test_the_log_is_asked_once() -> None:
    log = Log()
    chats = memory(log)

    async def twice() -> None:
        await chats.previous_route("c")
        await chats.previous_route("c")

    run(twice())
    assert log.asked == ["c"]


@pytest.mark.parametrize("chat_id", [None, ""])
def test_without_a_chat_there_is_nothing_to_remember(chat_id: str | None) -> None:
    log = Log()
    chats = memory(log)
    chats.remember(chat_id, decision())
    assert run(chats.previous_route(chat_id)) is None
    assert run(chats.why(chat_id)) == explain.NO_CHAT
    assert log.asked == []


def test_a_broken_log_costs_no_turn() -> None:
    chats = memory(Log(is_broken=True))
    assert run(chats.previous_route("c")) is None
    assert run(chats.why("c")) == "The session log cannot be read."


def test_why() -> None:
    assert "**COMPLEX**" in run(memory(Log({"c": row("COMPLEX")})).why("c"))
    assert run(memory(Log()).why("c")) == explain.NOTHING_DECIDED


def test_memory_has_an_end() -> None:
    log = Log()
    chats = memory(log)
    for number in range(MAX_CHATS + 1):
        chats.remember(f"chat-{number}", decision())

    async def work() -> tuple[Any, Any]:
        return await chats.previous_route("chat-1"), await chats.previous_route("chat-0")

    assert run(work()) == (Route.MODERATE, None)
    assert log.asked == ["chat-0"]


def test_a_chat_with_a_key_in_it_stays_until_the_user_says_otherwise() -> None:
    chats = memory(Log())
    chats.inspected("c", is_hard=True, word=None)
    chats.remember("c", decision())
    assert run(chats.was_hard("c"))
    assert not run(chats.was_hard("other"))
    assert not run(chats.was_hard(None))
    chats.inspected("c", is_hard=False, word=PrivacyWord.PUBLIC)
    assert not run(chats.was_hard("c"))


def test_what_a_chat_held_outlives_a_restart() -> None:
    log = Log(hard={"c"})
    chats = memory(log)
    assert run(chats.was_hard("c"))
    assert run(chats.was_hard("c"))
    assert log.asked == ["c"]
    assert not run(memory(Log(is_broken=True)).was_hard("c"))
