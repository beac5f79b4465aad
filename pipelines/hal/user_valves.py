"""What each user may set for themselves in Open WebUI, and what that does to their turns.

Only a Function has such valves. Lenient, as the valves of the admin: what does not validate falls
back to its default. Knows no settings: whether a wish is stricter than they are, is theirs to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler

from .settings import clamped_target
from .types import Override, PrivacyWord, Turn
from .valve_values import usable_values, valve


class UserValves(BaseModel):
    """The panel of one user: Controls > Valves in the chat."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    PRIVACY: Literal["default", "scrub", "local", "private"] = valve(
        "default",
        "Privacy",
        "default: as set up here. scrub, local: as in the admin's valves, where that is stricter. "
        "private: every turn as with /private.",
    )
    ROUTE: Literal["auto", "local", "cloud", "web"] = valve(
        "auto", "Who answers", "auto: hal-auto decides. Otherwise as with /local, /cloud or /web."
    )
    QUALITY_TARGET: float = valve(
        0.0,
        "Quality target",
        "Share of the cloud's quality to keep, 0.5 to 1; 0: as set up here. Needs a calibrated "
        "router.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _lenient(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        cleaned, _ = usable_values(cls, data if isinstance(data, Mapping) else {})
        return handler(cleaned)


def with_wishes(turn: Turn, wishes: UserValves) -> Turn:
    """The turn as its user wants it. What was typed in front of the question goes before, and a
    background task is nobody's wish."""
    if turn.task:
        return turn
    mode = wishes.PRIVACY if wishes.PRIVACY in {"scrub", "local"} else None
    target = clamped_target(wishes.QUALITY_TARGET) if wishes.QUALITY_TARGET > 0 else None
    turn = replace(turn, privacy_mode=mode, quality_target=target)
    if wishes.ROUTE != "auto" and turn.override is None:
        turn = replace(turn, override=Override(f"/{wishes.ROUTE}"))
    if wishes.PRIVACY == "private" and turn.privacy is None:
        kinds = tuple(dict.fromkeys((*turn.attachments, "/private turn")))
        turn = replace(turn, privacy=PrivacyWord.PRIVATE, attachments=kinds)
    return turn
