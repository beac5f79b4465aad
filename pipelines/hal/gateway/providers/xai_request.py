"""What is xAI's own about a request: efforts, refused parameters, headers.

Pure: knows no client and no stream. What the model would refuse is left out.
"""

from __future__ import annotations

from typing import Any

from ...settings import CloudSettings
from ...types import Request
from .cloud_models import CloudModel
from .completions_request import completion_body


def chat_body(request: Request, settings: CloudSettings, model: CloudModel) -> dict[str, Any]:
    """The streamed request. xAI has no top_k, min_p or repeat_penalty."""
    body = completion_body(request, model.drops)
    if settings.reasoning != "default" and settings.reasoning in model.efforts:
        body["reasoning_effort"] = settings.reasoning
    return body


def headers(request: Request, settings: CloudSettings) -> dict[str, str]:
    """The conversation id, already a hash, lets xAI find its prompt cache again."""
    chat = {"x-grok-conv-id": request.conversation_id} if request.conversation_id else {}
    return {
        "Authorization": f"Bearer {settings.api_key}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
    } | chat
