"""One turn, top to bottom: the one place where the order of things stands.

Knows every step by name and none from the inside; knows no server and no wire format.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from . import explain, settings_notice
from .chats import ChatMemory
from .decision import ask_classifier, ask_learned
from .enrichment.research import Step
from .errors import HalError
from .gateway.attempt import Attempt
from .gateway.drafting import DraftCheck
from .gateway.job import Job, outcome_of
from .privacy.policy import is_silent
from .recorder import TurnRecorder
from .repeating import Repeating
from .routing.explore import explore
from .routing.learned.deciding import Boundary
from .routing.plan import NOT_SEARCHED, Demand, Offers, is_for_cloud_alone, make_plan, may_explore
from .routing.rules import decide_by_rules
from .services import Services
from .sizes import conversation_tokens
from .types import (
    Chunk,
    Decided,
    Decision,
    Evidence,
    Failure,
    Findings,
    Finish,
    Outcome,
    Override,
    Plan,
    Route,
    Status,
    Summary,
    Text,
    Turn,
)

# What a commit to a local disk takes at most; a slower one must not hold back the end of a turn.
LOG_WAIT_S = 0.25
# The writer's thread must not compete with the first token for the interpreter, and a turn that is
# over by then needs one row less.
BEGUN_AFTER_S = 0.1
# What a kill may take of an answer. Each time costs one row of the answer's length: 50 streams at
# once are 25 rows a second, of which the writer commits thousands.
KEPT_EVERY_S = 2.0


async def run_turn(
    turn: Turn, services: Services, chats: ChatMemory, recorder: TurnRecorder
) -> AsyncGenerator[Chunk, None]:
    """Answer one turn. Never raises but on cancellation: every failure is a Failure chunk."""
    if turn.override is Override.WHY:
        yield Text(
            await chats.why(turn.chat_id) + settings_notice.listed(services.settings.warnings)
        )
        return
    services.shadows.turn_began()
    begun = asyncio.get_running_loop().call_later(BEGUN_AFTER_S, recorder.begin)
    keep_content = services.settings.log.content
    keeping = Repeating(KEPT_EVERY_S, recorder.keep_so_far) if keep_content else None
    try:
        async with aclosing(_answer(turn, services, chats, recorder)) as chunks:
            async for chunk in chunks:
                yield chunk
    except HalError as error:
        await _record(recorder, services, outcome_of(error), error.code)
        yield Failure(error.sentence, error.code)
    except Exception:
        recorder.finish(Outcome.FAILED, "internal", keep_content=keep_content)
        raise
    finally:
        begun.cancel()
        if keeping is not None:
            keeping.stop()
        # Reached without a record only when the turn was cancelled: Stop, or the client went away.
        recorder.finish(Outcome.STOPPED, keep_content=keep_content)
        services.shadows.turn_ended()


async def _answer(
    turn: Turn, services: Services, chats: ChatMemory, recorder: TurnRecorder
) -> AsyncGenerator[Chunk, None]:
    settings = services.settings
    recorder.policy(services.policy)
    if notice := services.notice.for_turn(turn):
        yield Status(notice, done=True)
    demand = Demand(conversation_tokens(turn.messages), needs_sight=turn.has_images)
    offers = await services.survey.offers(turn)
    findings = await _inspect(turn, services, offers, chats)
    recorder.inspected(findings)
    # Before anything can fail, or be stopped: the text was there all the same.
    chats.inspected(turn.chat_id, is_hard=findings.is_hard, word=turn.privacy)
    previous = None if turn.task else await chats.previous_route(turn.chat_id)
    only_cloud_holds = is_for_cloud_alone(offers, demand)
    decision = decide_by_rules(turn, previous, only_cloud_holds=only_cloud_holds)
    boundary: Boundary | None = None
    ahead: Attempt | None = None
    try:
        if decision is None:
            boundary, decision = ask_learned(turn, services, previous)
        if decision is None:
            yield Status("Choosing a model")
            ahead = await _speculate(turn, services, offers, recorder)
            questions = services.classifier.questions
            for question in (questions.difficulty, questions.search):
                recorder.prompt(question.prompt)
            decision = await ask_classifier(turn, services, previous, boundary)
            if ahead is None:  # one that has begun has its host already
                offers = services.survey.by_load(offers, turn)
        if may_explore(findings, offers):
            decision = explore(decision, settings.router.exploration, services.chance())
        plan = make_plan(decision, findings, offers, demand, settings.cloud)
        recorder.decided(decision, plan)
        chats.remember(turn.chat_id, decision)
        ahead = await _adopt_or_discard(ahead, plan, recorder)
        yield Decided(decision, plan)
        yield Status(explain.decision_line(decision, plan, findings), done=True)
        check = _draft_check(boundary, plan, services)
        async with aclosing(_deliver(turn, plan, services, recorder, ahead, check)) as chunks:
            async for chunk in chunks:
                yield chunk
    finally:
        if ahead is not None:
            await ahead.discard()  # nothing is left to discard of one that has answered
    if recorder.target is not None and not turn.task:
        services.budget.turn_ended(turn.user_id, leaves_machine=recorder.target.leaves_machine)
    summary = _summary(decision, recorder)
    # Before the log: whoever reads has the last words now, not after the commit.
    answered = recorder.target or plan.targets[0]
    line = explain.final_line(summary, answered, decision, plan, findings)
    yield Status(f"{line} · {notice}" if notice else line, done=True)
    await _record(recorder, services, Outcome.DONE)
    services.shadows.consider(turn, plan, recorder)
    yield summary


async def _deliver(  # noqa: PLR0913 - what is asked, with what, and what has begun already
    turn: Turn,
    plan: Plan,
    services: Services,
    recorder: TurnRecorder,
    ahead: Attempt | None,
    check: DraftCheck | None,
) -> AsyncGenerator[Chunk, None]:
    """Enrich, compose and stream; how the answer finished comes after all of it."""
    evidence = Evidence()
    if plan.route is Route.ENRICH:
        async with aclosing(_lookup(turn, plan, services, recorder)) as steps:
            async for step in steps:
                if isinstance(step, Evidence):
                    evidence = step
                else:
                    yield step
    recorder.search, note = evidence.word, evidence.note if turn.wants_prose else ""
    masking = services.shield.masking(turn, evidence) if plan.scrub else None
    job = Job(turn, plan, evidence, recorder, masking, check)
    finish: Finish | None = None
    async with aclosing(services.gateway.stream(job, ahead)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Finish):
                finish = chunk
                continue
            if note and isinstance(chunk, Text):
                # Not before there is an answer: an error must not look like one.
                recorder.noted(note)
                yield Text(note)
                note = ""
            yield chunk
    if finish is not None:
        yield finish


def _lookup(
    turn: Turn, plan: Plan, services: Services, recorder: TurnRecorder
) -> AsyncGenerator[Step, None]:
    """What the answer can be taken from, the Evidence last; also where nothing may be searched."""
    if plan.enrich:
        return services.researcher.gather(turn, plan, recorder)
    return services.researcher.unsearched(NOT_SEARCHED, recorder)


async def _inspect(turn: Turn, services: Services, offers: Offers, chats: ChatMemory) -> Findings:
    """What is private in it; nobody looks where nothing could leave or be kept."""
    has_use = bool(offers.clouds) or services.settings.cache.mode != "off"
    if turn.task or not has_use:
        return Findings(no_search=is_silent(turn))
    return await services.shield.inspect(turn, was_hard=await chats.was_hard(turn.chat_id))


def _draft_check(boundary: Boundary | None, plan: Plan, services: Services) -> DraftCheck | None:
    if boundary is None or not plan.drafts:
        return None
    return DraftCheck(boundary.replaces, services.settings.router.cascade_s)


async def _speculate(
    turn: Turn, services: Services, offers: Offers, recorder: TurnRecorder
) -> Attempt | None:
    """Begin the local answer before it is known whether it is wanted; it can reach nothing else."""
    routing = services.settings.routing
    if not routing.speculate or services.settings.cache.mode != "off":
        return None
    catalogue = services.catalogue
    if not catalogue.are_loaded(routing.classifier_model) or catalogue.is_cold(offers.local):
        return None
    return await services.gateway.speculate(turn, offers.local, recorder)


async def _adopt_or_discard(
    ahead: Attempt | None, plan: Plan, recorder: TurnRecorder
) -> Attempt | None:
    if ahead is None:
        return None
    # One that was begun without them knows neither the sources, nor that there are none.
    if ahead.target == plan.targets[0] and plan.route is not Route.ENRICH:
        recorder.speculation("used")
        return ahead
    recorder.speculation("discarded")
    await ahead.discard()
    return None


def _summary(decision: Decision, recorder: TurnRecorder) -> Summary:
    return Summary(
        route=decision.route,
        confidence=decision.confidence,
        reason=decision.reason,
        model=recorder.target.model if recorder.target else recorder.cached_model,
        usage=replace(recorder.usage, cost_usd=recorder.cost_usd),
        cache=recorder.cache,
        finish=recorder.finish_reason,
        search=recorder.search,
        cascade=recorder.cascade,
        classify_ms=decision.latency_ms,
        first_token_ms=recorder.first_token_ms,
        total_ms=recorder.elapsed_ms,
    )


async def _record(
    recorder: TurnRecorder, services: Services, outcome: Outcome, error_code: str = ""
) -> None:
    """Wait until the turn is durable, but not for a log in trouble: it never costs a turn."""
    written = recorder.finish(outcome, error_code, keep_content=services.settings.log.content)
    if written is not None:
        durable = asyncio.wrap_future(written)
        # The log says itself that it is in trouble; asyncio shall not say it again for each turn.
        durable.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([durable], timeout=LOG_WAIT_S)
