"""Temporary chats and tools."""

from __future__ import annotations

from tests.server.house import Body
from tests.servers import Say, Steps, ToolCall

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack, task_of

TOOL = "get_current_timestamp"


def test_a_temporary_chat_leaves_no_text(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    chat.page.get_by_role("button", name="Temporary Chat").click()
    message = chat.ask("What do alpine swifts eat?")
    chat.settled()
    shoot("temporary")
    assert message.status.startswith("local nemotron-3-nano:30b · moderate (0.90)")
    row = stack.turn(message.id)
    assert row["chat_id"].startswith("temporary:")
    assert stack.house.log.content(row["id"]) is None


def calls_the_tool(body: Body) -> Steps:
    if any(message["role"] == "tool" for message in body["messages"]):
        return [Say("It is late.")]
    return [ToolCall(TOOL)]


def test_a_tool_of_open_webui_is_called(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    stack.house.server.update_valves({"PASS_TOOLS": True})
    stack.house.answer_with(calls_the_tool)
    message = chat.ask("How late is it?")
    chat.settled()
    shoot("tool")
    assert message.text.endswith("It is late.")
    bodies = [r.json for r in stack.house.local_requests if task_of(r.json) is None]
    first, second = bodies[-2:]
    assert TOOL in {tool["function"]["name"] for tool in first["tools"]}
    assert [m["role"] for m in second["messages"]][-2:] == ["assistant", "tool"]
    assert len(stack.turns(message.id)) == 2
