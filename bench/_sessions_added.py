"""What the log takes of a turn, for bench/sessions.py.

A turn calls the recorder and the store some twenty times on the event loop's thread, and waits for
the disk once, after its last word. Both are measured over turns that come one after the other, with
the writer's thread at work beside them, as in a server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hal.recorder import TurnRecorder
from hal.routing.decide import default_decision
from hal.sessions.store import SessionStore
from hal.types import Findings, Message, Outcome, Plan, Route, Target, Turn, Usage

LOCAL = Target("ollama", "nano", False, 8192, host="http://127.0.0.1:11434")
PLAN = Plan((LOCAL,), Route.MODERATE)
# An answer of 64 pieces, as in bench/load.py, after a conversation of ten messages.
PIECES = tuple(f"word {n} " for n in range(64))
TALK = tuple(Message("user" if n % 2 == 0 else "assistant", "text " * 80) for n in range(9))
# Between two turns: long enough that the writer has nothing left to do.
REST_S = 0.01


class Stopwatch:
    """Sums the time in calls; two readings of the clock for each are in it."""

    def __init__(self) -> None:
        self.spent_s, self.calls = 0.0, 0

    def __call__(self, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        began = time.perf_counter()
        result = work(*args, **named)
        self.spent_s += time.perf_counter() - began
        self.calls += 1
        return result


def added(folder: Path, turns: int) -> Mapping[str, object]:
    """All times in ms. `on_the_loop`: what a turn lasts longer, and others wait, by the log."""
    spent, waited = asyncio.run(_turns(folder / "sessions.db", turns))
    return {
        "turns": turns,
        "on_the_loop_p50_ms": round(_quantile(spent, 0.5), 3),
        "on_the_loop_p95_ms": round(_quantile(spent, 0.95), 3),
        "until_durable_p50_ms": round(_quantile(waited, 0.5), 3),
        "until_durable_p95_ms": round(_quantile(waited, 0.95), 3),
        "until_durable_max_ms": round(max(waited), 3),
    }


async def _turns(path: Path, turns: int) -> tuple[list[float], list[float]]:
    store = SessionStore(path, log_content=True, content_days=30)
    store.start()
    spent, waited = [], []
    for number in range(turns):
        clock = Stopwatch()
        written = _turn(store, str(number), clock)
        spent.append(clock.spent_s * 1000)
        began = time.perf_counter()
        await asyncio.wrap_future(written)
        waited.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(REST_S)
    store.close()
    return spent, waited


def _turn(store: SessionStore, id: str, clock: Stopwatch) -> Any:
    """All calls of a turn that is classified and answered by the local model."""
    question = f"How do swifts sleep, {id}?"
    asked = Turn(id, (*TALK, Message("user", question)), question, chat_id=f"chat-{id}")
    recorder = clock(TurnRecorder, asked, store, "policy-1")
    clock(recorder.inspected, Findings())
    classify = clock(recorder.call, LOCAL, "classify")
    clock(recorder.call_ended, classify, Outcome.DONE)
    clock(recorder.decided, default_decision("", "", 1.0), PLAN)
    clock(recorder.begin)
    answer = clock(recorder.call, LOCAL, "answer")
    for piece in PIECES:
        clock(recorder.answered_by, LOCAL)
        clock(answer.token)
        clock(recorder.text, piece)
    answer.usage = Usage(1000, 64, cost_usd=0.0)
    clock(recorder.used, answer.usage)
    clock(recorder.call_ended, answer, Outcome.DONE)
    clock(recorder.keep_so_far)
    return clock(recorder.finish, Outcome.DONE, keep_content=True)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
