"""One invented turn of the household in `_month_of_use.py`, with all the rows that it leaves.

What was really wanted is drawn first; the classifier then gets it right about as often as it says,
and people complain mostly where it did not, so that a report over these rows has something to find.
Knows prices and probabilities, no calendar, no database, and nobody's real words.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hal.sessions.columns import AnyRow
from hal.sessions.record import (
    CallRow,
    ContentRow,
    EgressContentRow,
    EgressRow,
    LookupRow,
    ScoreRow,
    TurnRow,
)

LOCAL, CLOUD, CLASSIFIER = "nemotron-3-nano:30b", "grok-4.3", "nemotron-mini:4b"
WANTED = {"SIMPLE": 0.29, "MODERATE": 0.46, "COMPLEX": 0.12, "ENRICH": 0.13}
# What the classifier says instead when it is wrong: one step too easy, or too hard.
MISTAKEN = {
    "SIMPLE": ("MODERATE",),
    "MODERATE": ("SIMPLE", "COMPLEX", "ENRICH"),
    "COMPLEX": ("MODERATE",),
    "ENRICH": ("MODERATE",),
}
REASONS = {
    "SIMPLE": "small talk or a plain fact",
    "MODERATE": "an ordinary question",
    "COMPLEX": "beyond the local model",
    "ENRICH": "needs current information",
}
TASKS = ("title_generation", "tags_generation", "follow_up_generation")
# USD per token at the cloud model, as in hal's price table when this was written.
IN_USD, OUT_USD = 1.25e-6, 2.5e-6
# Median seconds to the first token after the decision, and tokens per second.
LOCAL_SPEED, CLOUD_SPEED = (0.35, 62.0), (1.4, 95.0)
ANSWER_TOKENS = {"SIMPLE": 60, "MODERATE": 380, "COMPLEX": 1100, "ENRICH": 330}
SITES = ("en.wikipedia.org", "www.bbc.co.uk", "docs.python.org", "www.metoffice.gov.uk")
QUESTIONS = (
    "How do I get wax out of a tablecloth?",
    "Explain the difference between a list and a tuple.",
    "What is the weather at the coast tomorrow?",
    "Plan a migration of our invoices to the new schema.",
)
ANSWER = "An invented answer of about the usual length, for a log that nobody has to keep private. "


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What is going on around a turn. `cloud_usd_left`: of the budget of the day."""

    local_down: bool = False
    cloud_busy: bool = False
    cloud_usd_left: float = 1.0
    cloud_confidence: float = 0.6
    prompt_id: str = ""
    policy_id: str = ""
    keeps_content: bool = True


def task_turn(draw: random.Random, turn: TurnRow, weather: Weather) -> Iterator[AnyRow]:
    """A title, tags or follow-up questions for a chat."""
    tokens = draw.randrange(8, 60)
    first_ms = draw.lognormvariate(5.6, 0.4)
    turn = replace(
        turn,
        task=(task := draw.choice(TASKS)),
        route="META",
        source="rule",
        reason=f"background task: {task}",
        confidence=1.0,
        provider="ollama",
        model=LOCAL,
        outcome="failed" if weather.local_down else "done",
        error_code="refused" if weather.local_down else "",
        first_token_ms=None if weather.local_down else first_ms,
        total_ms=first_ms + tokens / LOCAL_SPEED[1] * 1000,
        prompt_tokens=draw.randrange(200, 1500),
        completion_tokens=tokens,
        cost_usd=0.0,
    )
    yield turn
    yield _call(draw, turn, "task")


def chat_turn(draw: random.Random, turn: TurnRow, weather: Weather) -> Iterator[AnyRow]:
    """What a person asked, with its call, its egress, its search and its scores."""
    wanted = draw.choices(tuple(WANTED), tuple(WANTED.values()))[0]
    turn = _answered(draw, _decided(draw, turn, wanted, weather), weather)
    is_right = turn.route == wanted
    yield turn
    if not turn.cache:
        call = _call(draw, turn, "answer")
        yield call
        if turn.leaves_machine:
            yield from _egress(draw, turn, "answer", "api.x.ai", call.id, keep=weather)
    if turn.route == "ENRICH":
        yield from _lookup(draw, turn)
    if weather.keeps_content:
        question = draw.choice(QUESTIONS)
        words = ANSWER * max(1, (turn.completion_tokens or 0) // 60)
        yield ContentRow(
            turn_id=turn.id, created_at=turn.started_at, question=question, answer=words
        )
    yield from _scores(draw, turn, wanted, is_right=is_right)


def _decided(draw: random.Random, turn: TurnRow, wanted: str, weather: Weather) -> TurnRow:
    """By whom, how sure, and what is private in it."""
    kinds = draw.random()
    if kinds < 0.09:
        found = {draw.choice(("EMAIL", "PHONE", "IBAN", "ADDRESS")): draw.randrange(1, 3)}
        turn = replace(turn, private_kinds=found, is_hard="IBAN" in found)
    turn = replace(turn, policy_id=weather.policy_id, message_count=draw.randrange(1, 14))
    how = draw.random()
    if how < 0.035:
        word = {"COMPLEX": "/cloud", "ENRICH": "/web"}.get(wanted, "/local")
        return replace(
            turn, override=word, source="override", route=wanted, confidence=1.0,
            reason="you asked for that",
        )  # fmt: skip
    if how < 0.06:
        return replace(turn, source="rule", route="MODERATE", confidence=1.0, reason="image")
    if how < 0.068:
        return replace(
            turn, source="default", route="MODERATE", confidence=0.0, classify_ms=4000.0,
            reason="no decision within 4 s", degradations=("classifier_timeout",),
        )  # fmt: skip
    # A little too sure of itself, as most are.
    confidence = 0.38 + 0.61 * draw.betavariate(3.2, 1.1)
    is_right = draw.random() < 0.16 + 0.80 * confidence
    route = wanted if is_right else draw.choice(MISTAKEN[wanted])
    return replace(
        turn,
        source="sticky" if confidence < 0.62 and draw.random() < 0.4 else "classifier",
        route=route,
        confidence=confidence,
        reason=REASONS[route],
        needs_search=confidence if route == "ENRICH" else draw.random() * 0.4,
        probabilities={route: round(confidence, 3)},
        prompt_id=weather.prompt_id,
        classify_ms=draw.lognormvariate(4.55, 0.35),
    )


def _answered(draw: random.Random, turn: TurnRow, weather: Weather) -> TurnRow:
    """Where it went, how long it took, and what it cost."""
    prompt = int(draw.lognormvariate(7.1, 0.9)) + 60
    output = int(ANSWER_TOKENS[turn.route] * draw.lognormvariate(0, 0.55)) + 4
    price = prompt * IN_USD + output * OUT_USD
    turn = replace(
        turn, prompt_tokens=prompt, completion_tokens=output, cost_usd=0.0, cloud_cost_usd=price,
        prompt_chars=prompt * 4, provider="ollama", model=LOCAL, finish_reason="stop",
    )  # fmt: skip
    if turn.route in ("SIMPLE", "MODERATE") and turn.source == "classifier":
        if draw.random() < 0.02:
            return replace(turn, cache="exact", outcome="done", first_token_ms=3.0, total_ms=4.0)
        if draw.random() < 0.5:
            turn = replace(turn, speculation="used")
    goes_out, note, fault = _destination(turn, price, weather)
    if fault:
        turn = replace(turn, degradations=(*turn.degradations, fault))
    if note:
        turn = replace(turn, notes=(note,))
    if goes_out:
        turn = replace(turn, provider="xai", model=CLOUD, leaves_machine=True, cost_usd=price)
    if weather.local_down and not goes_out:
        return replace(
            turn, outcome="failed", error_code="refused", total_ms=draw.uniform(300, 2500),
            completion_tokens=None, prompt_tokens=None, cloud_cost_usd=None, finish_reason="",
        )  # fmt: skip
    return _timed(draw, turn)


def _destination(turn: TurnRow, price: float, weather: Weather) -> tuple[bool, str, str]:
    """Whether it leaves, a note for the user, and what failed on the way."""
    may_leave = not turn.private_kinds or turn.privacy_word == "/public"
    if weather.local_down and may_leave:
        return True, "", "ollama_refused"
    if turn.route != "COMPLEX":
        return False, "", ""
    if not may_leave:
        return False, "kept local: private data found", ""
    if price > weather.cloud_usd_left:
        return False, "kept local: today's budget is used up", ""
    if (turn.confidence or 0.0) < weather.cloud_confidence:
        return False, "not sure enough for the cloud", ""
    if weather.cloud_busy:
        return False, "", "xai_rate_limited"
    return True, "", ""


def _timed(draw: random.Random, turn: TurnRow) -> TurnRow:
    wait_s, speed = CLOUD_SPEED if turn.leaves_machine else LOCAL_SPEED
    first_ms = (turn.classify_ms or 0.0) + wait_s * 1000 * draw.lognormvariate(0, 0.45)
    if turn.route == "ENRICH":
        first_ms += draw.lognormvariate(7.9, 0.4)
    turn = replace(turn, outcome="done", first_token_ms=first_ms)
    fate = draw.random()
    if fate < 0.03:
        turn = replace(turn, outcome="stopped", finish_reason="")
    elif fate < 0.035:
        turn = replace(turn, outcome="cut", finish_reason="", error_code="reset")
    elif fate < 0.045:
        turn = replace(turn, finish_reason="length")
    share = draw.uniform(0.1, 0.7) if turn.outcome in ("stopped", "cut") else 1.0
    output = max(1, int((turn.completion_tokens or 1) * share))
    pace = speed * draw.lognormvariate(0, 0.15)
    return replace(turn, completion_tokens=output, total_ms=first_ms + output / pace * 1000)


def _call(draw: random.Random, turn: TurnRow, purpose: str) -> CallRow:
    classify_ms = turn.classify_ms or 0.0
    return CallRow(
        id=f"{draw.getrandbits(128):032x}",
        turn_id=turn.id,
        n=1,
        purpose=purpose,
        provider=turn.provider,
        model=turn.model,
        host="https://api.x.ai" if turn.leaves_machine else "http://ollama:11434",
        started_at=turn.started_at + classify_ms / 1000,
        first_token_ms=None if turn.first_token_ms is None else turn.first_token_ms - classify_ms,
        total_ms=None if turn.total_ms is None else turn.total_ms - classify_ms,
        prompt_tokens=turn.prompt_tokens,
        completion_tokens=turn.completion_tokens,
        cached_tokens=0,
        reasoning_tokens=0,
        cost_usd=turn.cost_usd,
        outcome=turn.outcome,
        error_code=turn.error_code,
    )


def _egress(  # noqa: PLR0913 - one row, column by column
    draw: random.Random,
    turn: TurnRow,
    purpose: str,
    host: str,
    call_id: str,
    keep: Weather | None = None,
) -> Iterator[AnyRow]:
    masked = {"PERSON": 1} if purpose == "answer" and draw.random() < 0.06 else {}
    row = EgressRow(
        id=f"{draw.getrandbits(128):032x}",
        turn_id=turn.id,
        call_id=call_id,
        at=turn.started_at + 0.2,
        host=host,
        provider=turn.provider if purpose == "answer" else "",
        model=turn.model if purpose == "answer" else "",
        purpose=purpose,
        bytes=(turn.prompt_tokens or 100) * 4 if purpose == "answer" else draw.randrange(80, 900),
        sha256=f"{draw.getrandbits(256):064x}",
        masked=masked,
        passed=turn.private_kinds if turn.privacy_word == "/public" else {},
    )
    yield row
    if keep and keep.keeps_content:
        body = json.dumps({"model": turn.model, "messages": [{"content": draw.choice(QUESTIONS)}]})
        yield EgressContentRow(egress_id=row.id, created_at=row.at, body=body)


def _lookup(draw: random.Random, turn: TurnRow) -> Iterator[AnyRow]:
    works = draw.random() > 0.06
    sources = draw.randrange(2, 6) if works else 0
    yield from _egress(draw, turn, "search", "searxng:8080", f"{draw.getrandbits(128):032x}")
    for _ in range(sources):
        call_id = f"{draw.getrandbits(128):032x}"
        yield from _egress(draw, turn, "page", draw.choice(SITES), call_id)
    search_ms, read_ms = draw.lognormvariate(6.7, 0.4), draw.lognormvariate(6.9, 0.5)
    yield LookupRow(
        turn_id=turn.id,
        created_at=turn.started_at + 3,
        queries=draw.randrange(1, 3),
        hits=draw.randrange(8, 20) if works else 0,
        pages=sources + 2,
        pages_read=sources,
        sources=sources,
        cited=tuple(range(1, draw.randrange(1, sources + 1) + 1)) if works else (),
        invalid=int(works and draw.random() < 0.03),
        problem="" if works else draw.choice(("no page could be read", "SearXNG did not answer")),
        rewritten_by="model" if draw.random() < 0.9 else "timeout",
        material_tokens=sources * 350,
        rewrite_ms=draw.lognormvariate(6.0, 0.4),
        search_ms=search_ms,
        read_ms=read_ms,
        total_ms=search_ms + read_ms + 400,
    )


def _scores(
    draw: random.Random, turn: TurnRow, wanted: str, *, is_right: bool
) -> Iterator[ScoreRow]:
    """Thumbs on about 2 % of the turns, a judge on 3 %, and what people do when it was wrong."""

    def score(
        name: str, value: float | None, label: str = "", source: str = "implicit"
    ) -> ScoreRow:
        return ScoreRow(
            id=f"{name}-{turn.id}",
            turn_id=turn.id,
            created_at=turn.started_at + 60,
            name=name,
            value=value,
            label=label,
            source=source,
            source_version="month-1",
        )

    if draw.random() < 0.022:
        liked = draw.random() < (0.9 if is_right else 0.25)
        yield score("user_thumb", 0.9 if liked else -0.9, "" if liked else "not_accurate", "human")
    if draw.random() < 0.035 and turn.outcome == "done":
        agrees = is_right == (draw.random() < 0.9)
        # Of the pair of answers, seen from the local model.
        is_local_better = agrees != turn.leaves_machine
        label = "local" if is_local_better else "cloud"
        yield score("judge_pair", 1.0 if is_local_better else -1.0, label, "judge")
    if turn.outcome == "stopped":
        yield score("stop", None)
    if turn.finish_reason == "length":
        yield score("truncation", -0.3, source="rule")
    if turn.override:
        yield score("override", 1.0, wanted)
    for name, value, wrong, right in (
        ("regenerate", -0.5, 0.09, 0.012),
        ("rephrase", -0.4, 0.06, 0.008),
        ("correction", -0.5, 0.07, 0.003),
        ("model_switch", -0.5, 0.02, 0.002),
        ("refusal", -0.3, 0.01, 0.002),
    ):
        if draw.random() < (right if is_right else wrong):
            yield score(name, value)
    if wanted == "ENRICH" and turn.route != "ENRICH" and draw.random() < 0.4:
        yield score("knowledge_cutoff", -0.8, "ENRICH", "rule")
