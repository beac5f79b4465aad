"""Images, documents, background tasks and tools: what comes with a turn beside its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness import openwebui
from tests.harness.tools import TOOLS
from tests.servers import OllamaModel, Say, Think, ToolCall

from .house import GROK, MINI, NANO, House, new_chat

pytestmark = pytest.mark.server
EYES = "eyes:8b"
CHAT = openwebui.history("How do swifts sleep?", "On the wing.")
TIME = "get_current_timestamp"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("attachments"), valves={"SPECULATE": False}) as running:
        yield running


def give_eyes(house: House) -> None:
    house.ollama.models[EYES] = OllamaModel(EYES, 32768, ("completion", "vision"))
    house.server.update_valves({"VISION_MODEL": EYES})


# Images.


def test_an_image_goes_to_a_local_model_that_can_see(house: House) -> None:
    give_eyes(house)
    answer = house.send(openwebui.image_turn("what colour?", chat_id=new_chat()))
    assert (answer.error, (answer.usage or {})["hal_model"]) == (None, EYES)
    (request,) = house.local_requests
    (message,) = request.json["messages"]
    (image,) = message["images"]
    assert image.startswith("iVBORw0KGgo")
    assert message["content"].endswith("what colour?")
    assert house.classifications == []
    row = house.logged()
    assert (row["source"], row["reason"]) == ("rule", "image")
    content = house.log.content(row["id"])
    assert content is not None
    assert content["question"] == "what colour?"


def test_the_local_model_itself_may_see(house: House) -> None:
    house.ollama.models[NANO] = OllamaModel(NANO, 32768, ("completion", "vision"))
    house.renew()
    answer = house.send(openwebui.image_turn("what colour?", chat_id=new_chat()))
    assert (answer.usage or {})["hal_model"] == NANO


def test_an_image_in_an_earlier_turn_counts(house: House) -> None:
    give_eyes(house)
    first = openwebui.image_turn("what colour?", chat_id=new_chat())
    turn = house.turn("and now?")
    earlier = [*first.messages, {"role": "assistant", "content": "Red."}]
    answer = house.send(replace(turn, messages=[*earlier, *turn.messages]))
    assert (answer.usage or {})["hal_model"] == EYES


@pytest.mark.parametrize("stream", [True, False])
def test_when_no_model_can_see_the_answer_says_so(house: House, stream: bool) -> None:
    turn = openwebui.image_turn("what colour?", chat_id=new_chat())
    answer = house.send(replace(turn, stream=stream))
    assert "No local model that is installed can see images." in answer.error["message"]
    assert "image in this chat" in answer.error["message"]
    assert "VISION_MODEL" in answer.error["message"]
    assert (house.local_requests, house.xai.requests) == ([], [])
    assert house.logged("failed")["error_code"] == "no_target"


def test_an_image_right_after_a_valve_save(house: House) -> None:
    """hal-auto has just begun to ask which models can see: the turn waits for the answer."""
    for _ in range(5):
        house.renew()
        answer = house.send(openwebui.image_turn("what colour?", chat_id=new_chat()))
        assert "can see images" in answer.error["message"]


def test_an_image_may_go_to_xai_when_that_is_allowed(house: House) -> None:
    house.server.update_valves({"CLOUD_ATTACHMENTS": True})
    answer = house.send(openwebui.image_turn("what colour?", chat_id=new_chat()))
    assert (answer.usage or {})["hal_model"] == GROK
    (message,) = house.cloud_requests[0].json["messages"]
    image, text = message["content"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert text["text"].endswith("what colour?")


def test_a_model_here_that_can_see_comes_before_the_cloud(house: House) -> None:
    give_eyes(house)
    house.server.update_valves({"CLOUD_ATTACHMENTS": True})
    answer = house.send(openwebui.image_turn("what colour?", chat_id=new_chat()))
    assert (answer.usage or {})["hal_model"] == EYES
    assert house.cloud_requests == []


# Documents.


def test_a_document_is_answered_whole_and_classified_by_its_question(house: House) -> None:
    turn = openwebui.rag_turn("what is the codeword?", "the codeword is heron", chat_id=new_chat())
    answer = house.send(turn)
    assert answer.error is None
    assert len(house.classifications) == 2
    for request in house.classifications:
        text = request.body.decode()
        assert "what is the codeword?" in text
        assert "heron" not in text
        assert "### Guidelines" not in text
    (message,) = house.local_requests[0].json["messages"]
    assert message["content"] == turn.messages[0]["content"]
    content = house.log.content(house.logged()["id"])
    assert content is not None
    assert content["question"] == "what is the codeword?"


@pytest.mark.parametrize("stream", [True, False])
def test_a_document_without_hal_ctx_is_no_background_task(house: House, stream: bool) -> None:
    turn = openwebui.rag_turn("what is the codeword?", "the codeword is heron")
    answer = house.server.chat(turn.messages, stream)
    assert (answer.usage or {})["hal_route"] == "MODERATE"
    assert len(house.classifications) == 2
    assert all(b"heron" not in r.body for r in house.classifications)
    assert all(b"what is the codeword?" in r.body for r in house.classifications)


# Background tasks.


@pytest.mark.parametrize("kind", sorted(openwebui.TASK_FIRST_LINES))
@pytest.mark.parametrize("through_inlet", [True, False])
def test_a_task_is_answered_here_and_never_classified(
    house: House, kind: str, through_inlet: bool
) -> None:
    house.judge("COMPLEX", 0.99)
    turn = openwebui.task(kind, CHAT, chat_id=new_chat())
    house.answer_with([Say('{"title": "Swifts"}')])
    if through_inlet:
        answer = house.send(turn)
    else:
        answer = house.server.chat(turn.messages, stream=False, **turn.extra)
    assert answer.text == '{"title": "Swifts"}'
    assert (answer.usage or {})["hal_route"] == "META"
    assert (answer.usage or {})["hal_model"] == NANO
    assert (house.classifications, house.xai.requests) == ([], [])
    (body,) = [r.json for r in house.local_requests]
    assert body["messages"] == turn.messages
    assert body["options"].get("num_predict") == turn.extra.get("max_tokens")
    if through_inlet:
        row = house.logged()
        assert (row["task"], row["route"], row["source"]) == (kind, "META", "rule")
        # A title says as much about a chat as the chat: it is kept by Open WebUI alone.
        assert house.log.content(row["id"]) is None


def test_a_task_that_this_version_does_not_know(house: House) -> None:
    turn = house.turn("Invent a haiku about this chat", stream=False)
    answer = house.send(replace(turn, metadata=turn.metadata | {"task": "haiku_generation"}))
    assert (answer.usage or {})["hal_route"] == "META"
    assert house.classifications == []


def test_a_question_that_begins_like_a_task_is_a_question(house: House) -> None:
    text = "### Task:\nGenerate a concise plan for my holidays."
    assert (house.server.chat(openwebui.history(text), False).usage or {})["hal_route"] != "META"
    title = openwebui.title_task(CHAT).messages[0]["content"]
    for answer in (
        house.ask(title),
        house.server.chat(openwebui.history(title)),
        house.server.chat(openwebui.history(title), stream=False, tools=TOOLS),
        house.server.chat(openwebui.history("a", "b", title), stream=False),
    ):
        assert (answer.usage or {})["hal_route"] == "MODERATE"


def test_a_task_does_not_set_the_course_of_its_chat(house: House) -> None:
    chat = new_chat()
    house.judge("COMPLEX", 0.9)
    assert (house.ask("Prove it.", chat_id=chat).usage or {})["hal_model"] == GROK
    house.send(openwebui.title_task(CHAT, chat_id=chat))
    house.judge("MODERATE", 0.6)
    assert (house.ask("And now?", chat_id=chat).usage or {})["hal_route"] == "COMPLEX"


# Tools.


@pytest.mark.parametrize("route", ["MODERATE", "COMPLEX"])
def test_the_36_tools_are_left_out(house: House, route: str) -> None:
    house.judge(route, 0.95)
    answer = house.ask("What time is it?", tools=True)
    assert answer.error is None
    (request,) = house.local_requests + house.cloud_requests
    assert "tools" not in request.json
    assert len(request.body) < 1000
    assert all(b"get_current_timestamp" not in r.body for r in house.classifications)


@pytest.mark.parametrize(("route", "by"), [("MODERATE", NANO), ("COMPLEX", GROK)])
def test_a_tool_call_and_the_round_after_it(house: House, route: str, by: str) -> None:
    house.server.update_valves({"PASS_TOOLS": True, "CLOUD_ATTACHMENTS": True})
    house.judge(route, 0.95)
    script = [ToolCall(TIME, {"zone": "UTC"})]
    house.answer_with(script)
    house.xai.answer(script)
    first = house.turn("What time is it?", tools=True)
    asked = house.send(first)
    (call,) = asked.tool_calls
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", TIME)
    assert json.loads(call["function"]["arguments"]) == {"zone": "UTC"}
    assert call["id"]
    assert asked.finish_reasons == ["tool_calls"]
    assert (asked.text, asked.error) == ("", None)
    (request,) = house.local_requests + house.cloud_requests
    assert request.json["tools"] == TOOLS
    house.ollama.forget()
    house.xai.forget()

    house.answer_with([Say("Noon.")])
    house.xai.answer([Say("Noon.")])
    house.judge("SIMPLE", 0.99)
    second = house.send(openwebui.tool_round(first, TIME, {"zone": "UTC"}, "1790000000"))
    assert second.text == "Noon."
    assert (second.usage or {})["hal_model"] == by
    assert house.classifications == []
    (request,) = house.local_requests + house.cloud_requests
    user, assistant, result = request.json["messages"]
    assert user["content"] == "What time is it?"
    arguments = assistant["tool_calls"][0]["function"]["arguments"]
    if by == NANO:
        assert arguments == {"zone": "UTC"}
        assert (result["tool_name"], result["content"]) == (TIME, "1790000000")
    else:
        assert json.loads(arguments) == {"zone": "UTC"}
        assert (result["tool_call_id"], result["content"]) == ("call_1", "1790000000")
    assert house.logged()["reason"] == "goes on after a tool call"


def test_a_tool_call_without_a_stream(house: House) -> None:
    house.server.update_valves({"PASS_TOOLS": True})
    house.answer_with([ToolCall(TIME, {"zone": "UTC"})])
    answer = house.ask("What time is it?", tools=True, stream=False)
    assert answer.tool_calls[0]["function"]["name"] == TIME
    assert answer.finish_reasons == ["tool_calls"]


def test_thinking_and_tool_calls_of_a_model_that_does_both(house: House) -> None:
    house.server.update_valves({"PASS_TOOLS": True, "LOCAL_THINK": "on"})
    house.answer_with([Think("the clock"), Say("Let me see."), ToolCall(TIME)])
    answer = house.ask("What time is it?", tools=True)
    assert (answer.reasoning, answer.text) == ("the clock", "Let me see.")
    assert len(answer.tool_calls) == 1


def test_a_tool_result_keeps_the_chat_here(house: House) -> None:
    house.server.update_valves({"PASS_TOOLS": True})
    house.judge("COMPLEX", 0.95)
    house.xai.answer([ToolCall("search_chats", {"query": "salary"})])
    first = house.turn("Prove it.", tools=True)
    house.send(first)
    assert len(house.cloud_requests) == 1
    second = house.send(openwebui.tool_round(first, "search_chats", {}, "salary: 4,200"))
    assert (second.usage or {})["hal_model"] == NANO
    assert "kept local: tool result in this chat" in second.statuses[0]
    assert len(house.cloud_requests) == 1


def test_the_classifier_may_be_the_model_that_answers(house: House) -> None:
    """One small model for everything: one window, or it is loaded again for each step."""
    house.server.update_valves({"LOCAL_MODEL": MINI, "LOCAL_CONTEXT_TOKENS": 4096})
    house.ask("hi")
    house.ollama.loads.clear()
    for _ in range(3):
        assert house.ask("hi").text == f"{MINI}: hi"
    assert house.ollama.loads == []
