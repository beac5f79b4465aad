"""The cloud model as the reflector of `hal improve run --allow-cloud`, and what is said before.

It goes the way of every turn that leaves: the gateway with its budget, the last look at the bytes,
and the egress row before them. Each question is a background task in the log, so that its text is
not kept. What may be shown is chosen where cases are chosen; nothing else is added here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from ..addresses import host_and_port
from ..errors import BadReply, ConfigError, HalError
from ..gateway.job import Job
from ..lab.improve.proposers.reflector import SHOWN_CHARS, Reflect
from ..recorder import TurnRecorder
from ..services import Services
from ..settings import CloudSettings
from ..types import (
    Decision,
    Evidence,
    Message,
    Outcome,
    Parameters,
    Plan,
    Route,
    Source,
    Target,
    Turn,
)
from .improve_reflector import REFLECTION_TOKENS, Wait

# The word in the log for a question that no person has asked.
TASK = "reflection"
_REASON = "hal improve run --allow-cloud"
_FORM = "\n\nReply with one JSON object of this schema and nothing else:\n"


def check(cloud: CloudSettings) -> None:
    """Raises ConfigError where there is no cloud to ask."""
    if not cloud.usable:
        raise ConfigError(
            "--allow-cloud needs the cloud, which is off or has no key.",
            "Set XAI_API_KEY, or leave out --allow-cloud: the local model reflects then.",
        )


def what_leaves(cloud: CloudSettings, reflections: int) -> Iterator[str]:
    """Told before anything begins."""
    host = host_and_port(cloud.base_url)
    yield f"--allow-cloud: up to {reflections} questions go to xAI {cloud.model} at {host},"
    yield "each with the rules of the prompt and up to 9 messages of your log, of which at most"
    yield f"{SHOWN_CHARS} characters each, masked. Turns with anything private are left out."
    yield "Every question has a row in `hal audit`, and counts against your budget."


def cloud_reflector(services: Services, wait: Wait) -> Reflect:
    """Raises ConfigError without a cloud; the function raises HalError, OverBudget among them."""
    check(services.settings.cloud)

    def reflect(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = wait(_ask(services, text, schema))
        return found

    return reflect


async def _ask(services: Services, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    target = (await services.catalogue.offers()).clouds[0]
    turn, plan = _turn(text, schema), Plan((target,), Route.COMPLEX)
    recorder = TurnRecorder(turn, services.log.store, services.policy_id)
    recorder.policy(services.policy)
    recorder.decided(Decision(Route.COMPLEX, 1.0, Source.OVERRIDE, _REASON), plan)
    try:
        await _answered(services, Job(turn, plan, Evidence(), recorder))
    except HalError as error:
        recorder.finish(Outcome.FAILED, error.code, keep_content=False)
        raise
    recorder.finish(Outcome.DONE, keep_content=False)
    return _object(recorder.answer, target)


async def _answered(services: Services, job: Job) -> None:
    """The recorder keeps what comes."""
    async with aclosing(services.gateway.stream(job)) as chunks:
        async for _ in chunks:
            pass


def _turn(text: str, schema: Mapping[str, Any]) -> Turn:
    asked = f"{text}{_FORM}{json.dumps(schema)}"
    parameters = Parameters(temperature=1.0, max_tokens=REFLECTION_TOKENS)
    message = Message("user", asked)
    return Turn(uuid4().hex, (message,), asked, task=TASK, parameters=parameters)


def _object(answer: str, target: Target) -> Mapping[str, Any]:
    """The object in an answer, which some models wrap in a fence."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        found = json.loads(answer[start : end + 1])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadReply(f"{target.label} answered with something else than an object.")
    return found
