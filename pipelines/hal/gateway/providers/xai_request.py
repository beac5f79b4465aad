"""A Request in the words of xAI's chat completions.

Pure: knows no client and no stream. What the model would refuse is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...settings import CloudSettings
from ...types import Message, Parameters, Request, ToolCall
from .cloud_models import CloudModel

# Same names on both sides. xAI has no top_k, min_p or repeat_penalty.
PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "response_format",
)


def chat_body(request: Request, settings: CloudSettings, model: CloudModel) -> dict[str, Any]:
    """The streamed request."""
    body: dict[str, Any] = {
        "model": request.target.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= _parameters(request.parameters, model)
    if settings.reasoning != "default" and settings.reasoning in model.efforts:
        body["reasoning_effort"] = settings.reasoning
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    return body


def headers(request: Request, settings: CloudSettings) -> dict[str, str]:
    """The conversation id, already a hash, lets xAI find its prompt cache again."""
    chat = {"x-grok-conv-id": request.conversation_id} if request.conversation_id else {}
    return {
        "Authorization": f"Bearer {settings.api_key}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
    } | chat


def _parameters(parameters: Parameters, model: CloudModel) -> dict[str, Any]:
    wanted = {name: getattr(parameters, name) for name in PARAMETERS}
    wanted["stop"] = list(parameters.stop) or None
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in wanted.items()
        if value is not None and name not in model.drops
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
