"""The circuit breakers of the server that runs, or ran, on this data folder.

Reads what the server left in the session log; sends nothing, and does not try the targets itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...errors import HalError
from ...gateway.breaker import State
from ...gateway.breakers import STATE_KEY, BreakerView, Snapshot, duration
from ...sessions.process import Life, life_of, this_process
from ...sessions.reader import SessionReader
from .result import Check, Context, ok, warn

NAME = "breakers"


def checks(context: Context) -> Iterator[Check]:
    try:
        text = SessionReader(context.settings.log.database).get_state(STATE_KEY)
    except HalError as error:
        yield warn(NAME, str(error), error.remedy)
        return
    if text is None:
        yield ok(NAME, "no server has run on this data folder yet")
    elif (snapshot := Snapshot.from_json(text)) is None:
        yield warn(NAME, "what the server left cannot be read", "Restart it: it is written anew.")
    else:
        yield from report(snapshot, life_of(snapshot.process, this_process()), time.time())


def report(snapshot: Snapshot, life: Life, now_s: float) -> Iterator[Check]:
    """What was left, by whom, and what it means `now_s`."""
    if life is Life.DEAD:
        yield ok(NAME, _ended(snapshot, now_s))
        return
    if life is Life.UNKNOWN:
        told = f"told {_ago(snapshot.at, now_s)}, by a server that cannot be seen from here"
        yield ok(NAME, f"{told}; it may have ended")
    elif not snapshot.targets:
        yield ok(NAME, "all closed: nothing was asked yet")
    for view in snapshot.targets:
        yield _target(view, now_s)


def _ended(snapshot: Snapshot, now_s: float) -> str:
    left = "; ".join(
        f"{view.target} was {_word(view.state)} ({view.cause})"
        for view in snapshot.targets
        if view.state is not State.CLOSED
    )
    last = f" When it last told ({_ago(snapshot.at, now_s)}), {left}." if left else ""
    return f"the server has ended; the next one begins with all of them closed.{last}"


def _target(view: BreakerView, now_s: float) -> Check:
    name = f"breaker {view.target}"
    state = view.state_at(now_s)
    if state is State.CLOSED:
        return ok(name, f"closed{_count(view)}")
    what = f"failing for {_span(view.since, now_s)}: {view.cause}{_count(view)}"
    return warn(name, f"{what}; {_word(state)}, {_next(view, state, now_s)}", view.remedy)


def _next(view: BreakerView, state: State, now_s: float) -> str:
    waits = view.next_try is not None and view.next_try > now_s
    if state is State.OPEN and view.next_try is not None:
        return f"tried again in {duration(view.next_try - now_s)}"
    return "a turn is trying it now" if waits else "the next turn tries it"


def _count(view: BreakerView) -> str:
    if not view.failures:
        return ""
    times = "1 failure" if view.failures == 1 else f"{view.failures} failures in a row"
    return f" ({times})" if view.state is not State.CLOSED else f", {times}: {view.cause}"


def _word(state: State) -> str:
    return state.value.replace("_", "-")


def _span(then_s: float, now_s: float) -> str:
    return duration(max(0.0, now_s - then_s))


def _ago(then_s: float, now_s: float) -> str:
    return f"{_span(then_s, now_s)} ago"
