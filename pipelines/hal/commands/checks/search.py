"""SearXNG: reachable, and JSON switched on.

Sends one request without a query: SearXNG checks the format before it misses the query, so that
nothing is searched for. What is wrong is told in the words of `enrichment.problems`, as in a turn.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from ...addresses import without_user
from ...enrichment import problems
from ...enrichment.problems import Problem
from .result import TIMEOUT_S, Check, Context, fail, get, ok, warn

# SearXNG is there and wants a switch turned; without any, a turn answers and says so.
_TO_SET = {"json_off", "limited"}


def checks(context: Context) -> Iterator[Check]:
    url = context.settings.searxng_url
    problem = look(url)
    if problem is None:
        yield ok("SearXNG", f"{without_user(url)}, JSON on")
    elif problem.code in _TO_SET:
        yield fail("SearXNG", problem.text, problem.remedy)
    else:
        yield warn("SearXNG", problem.text, problem.remedy)


def look(url: str, read_s: float = TIMEOUT_S[1]) -> Problem | None:
    """What is wrong with the SearXNG at this address; None when a turn can ask it."""
    try:
        reply = get(f"{url}/search?format=json", read_s=read_s)
    except requests.RequestException as error:
        return _unanswered(url, error, read_s)
    kind = reply.headers.get("content-type", "")
    problem = problems.of_reply(url, reply.status_code, kind)
    # "No query", in the format that was asked for.
    return None if problem is not None and problem.code == "rejected" else problem


def _unanswered(url: str, error: requests.RequestException, read_s: float) -> Problem:
    if isinstance(error, requests.ReadTimeout):
        return problems.timed_out(url, read_s)
    is_refused = any(isinstance(one, ConnectionRefusedError) for one in _causes(error))
    return (problems.refused if is_refused else problems.unreachable)(url)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The libraries wrap each other's exceptions; what happened is the innermost one."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
