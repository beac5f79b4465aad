"""The model that reflects, as a function of text and schema: the local one.

Knows services and how long an answer may be; what is asked stands in `hal.lab.improve`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ..lab.improve.proposers.reflector import Reflect
from ..services import Services
from ..types import Message

# A whole set of rules with room to spare; a reflector that goes on after that turns in circles.
REFLECTION_TOKENS = 1500

Wait = Callable[[Coroutine[Any, Any, Any]], Any]


def local_reflector(services: Services, model: str, wait: Wait) -> Reflect:
    """The local model, asked for an object: what it thinks before is not part of it."""
    local = services.settings.local
    window = services.settings.window_tokens(model)

    def reflect(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = wait(
            services.models.structured(
                model,
                (Message("user", text),),
                schema,
                num_ctx=window,
                keep_alive=local.keep_alive,
                max_tokens=REFLECTION_TOKENS,
            )
        )
        return found

    return reflect
