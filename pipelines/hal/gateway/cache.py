"""Which turns may use the answer cache, and under which keys their answers are found again.

Pure. Knows neither a file nor an embedding; `cache_guard` says whether two questions ask the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from ..types import Plan, Route, Turn
from .ports import CachedAnswer

EXACT, SEMANTIC = "exact", "semantic"
# A longer one brings a text to work on rather than a question. all-minilm reads 256 word pieces,
# about 1,000 characters: two texts with the same beginning would have the same vector.
MAX_QUESTION_CHARS = 400
# A long answer of a model with a 32k window is about 40,000 characters. What is far beyond that is
# seldom asked for twice, and takes the place of many others.
MAX_ANSWER_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Keys:
    """Digests: the file tells nobody's id and no chat's.

    `exact` names the whole conversation, `scope` all of it but the wording of the last question;
    None where only the very same wording will do. `origin` names the user's message in its chat,
    None when we do not know it, and `message` the answer that is being made to it.
    """

    exact: bytes
    scope: bytes | None
    user: bytes
    origin: bytes | None
    message: bytes | None
    question: str


def obstacle(turn: Turn, plan: Plan) -> str | None:
    """Why this turn may neither take an answer from the cache nor leave one; None: it may."""
    last = turn.messages[-1] if turn.messages else None
    found = {
        "private": plan.is_private,
        "no target": not plan.targets,
        # What was looked up ages by the minute, and tasks are about a chat, not a question.
        "route": plan.enrich or plan.route in (Route.ENRICH, Route.META),
        "task": turn.task is not None,
        "temporary": turn.is_temporary,
        # Who says where an answer shall come from does not want one from here.
        "override": turn.override is not None,
        "tools": bool(turn.tools) or turn.tool_choice is not None or _has_tool_rounds(turn),
        "images": turn.has_images,
        "attachments": bool(turn.attachments),
        # "Continue" ends with the model's own words; a question must come last.
        "no question": last is None or last.role != "user" or not last.text.strip(),
    }
    return next((name for name, is_so in found.items() if is_so), None)


def may_be_kept(plan: Plan, answer: CachedAnswer) -> bool:
    """Whether this is a whole, new answer of the target that was wanted.

    That of a fallback would still be given when the better target is back. `age_s` is above zero
    for an answer that came out of the cache.
    """
    first = plan.targets[0]
    return (
        answer.finish == "stop"
        and answer.age_s <= 0
        and bool(answer.text.strip())
        and (answer.provider, answer.model) == (first.provider, first.model)
        and len(answer.text) + len(answer.thinking) <= MAX_ANSWER_CHARS
    )


def keys(turn: Turn, plan: Plan, *, embedding_model: str, generation: str = "") -> Keys:
    """The keys of a turn without an obstacle.

    `generation` names what shapes an answer beside the request, such as the think level. The route
    is not part of the key: it chose the target, and what that is asked does not depend on it.
    """
    *history, last = turn.messages
    target = plan.targets[0]
    context = _digest(
        [
            turn.user_id,
            [target.provider, target.model, generation],
            [[message.role, message.text] for message in history],
            {field.name: getattr(turn.parameters, field.name) for field in fields(turn.parameters)},
        ]
    )
    known = turn.chat_id is not None and turn.user_message_id is not None
    return Keys(
        exact=_digest([context.hex(), last.text]),
        scope=_digest([context.hex(), embedding_model]) if _may_be_reworded(turn) else None,
        user=user_key(turn.user_id),
        origin=_digest([turn.chat_id, turn.user_message_id]) if known else None,
        message=_digest(turn.message_id) if turn.message_id is not None else None,
        question=last.text.strip(),
    )


def user_key(user_id: str | None) -> bytes:
    """The name under which a user's answers are kept, and can be forgotten."""
    return _digest(["user", user_id])


def is_regeneration(keys: Keys, last_message: bytes | None) -> bool:
    """Whether this very user message was answered before, as `last_message`, and is asked anew.

    Without an id for the answer nobody can tell, and to ask again is never wrong.
    """
    return keys.message is None or keys.message != last_message


def _may_be_reworded(turn: Turn) -> bool:
    """An answer to other words may tell of them: only within one user, and for plain questions."""
    text = turn.messages[-1].text.strip()
    return (
        turn.user_id is not None
        and len(text) <= MAX_QUESTION_CHARS
        and turn.question.strip() == text
    )


def _has_tool_rounds(turn: Turn) -> bool:
    return any(message.role == "tool" or message.tool_calls for message in turn.messages)


def _digest(value: Any) -> bytes:
    """SHA-256 over canonical JSON. ASCII alone, since half of a surrogate pair has no UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(text.encode("ascii")).digest()


def _plain(value: Any) -> Any:
    """A mapping that is no dict, as one; anything else in words."""
    return dict(value) if hasattr(value, "keys") else repr(value)
