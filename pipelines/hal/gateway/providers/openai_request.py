"""What is a local server's own about a request: sampling that OpenAI lacks, thinking, a password.

Pure: knows no client and no stream. vLLM, llama.cpp's server and LM Studio each ignore what only
the others know.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ...addresses import user_of
from ...settings import LocalSettings
from ...types import Parameters, Request
from .completions_request import completion_body
from .images import picture_data
from .openai_errors import PROVIDER


def chat_body(request: Request, settings: LocalSettings) -> dict[str, Any]:
    """The streamed request. Raises Rejected for an image that the server would have to fetch."""
    for message in request.messages:
        for url in message.images:
            picture_data(url, PROVIDER)
    body = completion_body(request) | _sampling(request.parameters)
    if request.target.can_think:
        # Always said, as to Ollama: left out, a thinking model thinks. A template that has no such
        # switch ignores it.
        body["chat_template_kwargs"] = _thinking(settings.think)
    return body


def headers(url: str) -> dict[str, str]:
    return {"Accept": "text/event-stream"} | authorization(url)


def authorization(url: str) -> dict[str, str]:
    """A user and a password in the address become a header; nothing else ever does."""
    if (user := user_of(url)) is None:
        return {}
    return {"Authorization": f"Basic {b64encode(':'.join(user).encode()).decode()}"}


def _sampling(parameters: Parameters) -> dict[str, Any]:
    values = {
        "top_k": parameters.top_k,
        "min_p": parameters.min_p,
        "repeat_penalty": parameters.repeat_penalty,  # llama.cpp, LM Studio
        "repetition_penalty": parameters.repeat_penalty,  # vLLM
    }
    return {name: value for name, value in values.items() if value is not None}


def _thinking(think: bool | str) -> dict[str, Any]:
    if isinstance(think, bool):
        return {"enable_thinking": think}
    return {"enable_thinking": True, "reasoning_effort": think}
