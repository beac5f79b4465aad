"""A Request in the words of chat completions, for every service that speaks them.

Pure: knows no client, no stream and no model. What one of them would refuse, or knows beyond this,
is said by its own module.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...types import Message, Parameters, Request, ToolCall

# The same names on both sides; all of these services know them.
PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "response_format",
)


def completion_body(request: Request, drops: Collection[str] = ()) -> dict[str, Any]:
    """The streamed request, without the parameters named in `drops`."""
    body: dict[str, Any] = {
        "model": request.target.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= _parameters(request.parameters, drops)
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    return body


def _parameters(parameters: Parameters, drops: Collection[str]) -> dict[str, Any]:
    wanted = {name: getattr(parameters, name) for name in PARAMETERS}
    wanted["stop"] = list(parameters.stop) or None
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in wanted.items()
        if value is not None and name not in drops
    }


def _message(message: Message) -> dict[str, Any]:
    # "developer" is OpenAI's newer word for it.
    role = "system" if message.role == "developer" else message.role
    shaped: dict[str, Any] = {"role": role, "content": _content(message)}
    if message.tool_calls:
        shaped["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        shaped["tool_call_id"] = message.tool_call_id
    return shaped


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.text
    images = [{"type": "image_url", "image_url": {"url": url}} for url in message.images]
    return [*images, *([{"type": "text", "text": message.text}] if message.text else [])]


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
