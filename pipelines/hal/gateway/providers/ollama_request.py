"""A Request in the words of Ollama's /api/chat.

Pure: knows no client and no stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...settings import LocalSettings
from ...types import Message, Parameters, Request, ToolCall
from .images import picture_data
from .ollama_errors import PROVIDER

# Ollama's name for each of our parameters, where the value passes as it is.
OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "max_tokens": "num_predict",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repeat_penalty": "repeat_penalty",
}


def chat_body(request: Request, settings: LocalSettings) -> dict[str, Any]:
    """The streamed request. Raises Rejected for an image that Ollama cannot be given."""
    target = request.target
    body: dict[str, Any] = {
        "model": target.model,
        "messages": messages(request.messages),
        "stream": True,
        # Always said: left out, a thinking model thinks.
        "think": settings.think if target.can_think else False,
        "keep_alive": keep_alive(settings.keep_alive),
        "options": options(request.parameters, target.context_tokens),
    }
    if (wanted := answer_format(request.parameters.response_format)) is not None:
        body["format"] = wanted
    # Ollama knows no tool_choice; "none" can be had by not offering any.
    if request.tools and request.tool_choice != "none":
        body["tools"] = [dict(tool) for tool in request.tools]
    return body


def options(parameters: Parameters, context_tokens: int) -> dict[str, Any]:
    """Sampling options. `num_ctx` is always there and always the same for a model: another value
    makes Ollama load the model anew."""
    named = {theirs: getattr(parameters, ours) for ours, theirs in OPTIONS.items()}
    chosen = {name: value for name, value in named.items() if value is not None}
    stop = {"stop": list(parameters.stop)} if parameters.stop else {}
    return {"num_ctx": context_tokens} | chosen | stop


def answer_format(response_format: Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    """OpenAI's response_format as Ollama's `format`: "json", a schema, or None."""
    wanted = response_format or {}
    match wanted.get("type"):
        case "json_object":
            return "json"
        case "json_schema":
            inner = wanted.get("json_schema")
            schema = inner.get("schema") if isinstance(inner, Mapping) else None
            return dict(schema) if isinstance(schema, Mapping) else "json"
        case _:
            return None


def keep_alive(value: str) -> str | int | float:
    """Numbers as numbers: Ollama reads "-1" as a duration without unit and refuses it."""
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


def messages(conversation: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation in Ollama's shape: images as base64, tool results by their tool's name."""
    names = {call.id: call.name for message in conversation for call in message.tool_calls}
    return [_message(message, names) for message in conversation]


def _message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    # "developer" is OpenAI's newer word for it; Ollama's templates know "system" alone.
    role = "system" if message.role == "developer" else message.role
    shaped: dict[str, Any] = {"role": role, "content": message.text}
    if message.images:
        shaped["images"] = [picture_data(url, PROVIDER) for url in message.images]
    if message.tool_calls:
        shaped["tool_calls"] = [_call(call) for call in message.tool_calls]
    if role == "tool" and (name := names.get(message.tool_call_id or "")):
        shaped["tool_name"] = name
    return shaped


def _call(call: ToolCall) -> dict[str, Any]:
    return {"function": {"name": call.name, "arguments": _arguments(call.arguments)}}


def _arguments(text: str) -> dict[str, Any]:
    """Arguments as an object; a model's broken JSON becomes none, as it was when it was run."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
