"""What can go wrong with a search, in sentences for the user: what broke, and what to do about it.

Pure. The one home of these words: the turn shows them, the log keeps them, and `hal doctor` says
the same. Knows SearXNG's answers (facts from searx/webapp.py and its limiter), no transport. How
the words stand in an answer is for `failures` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ..addresses import host_and_port

# A handful says which engines are in trouble; a list of thirty says nothing more.
_NAMED_ENGINES = 3
_START = "Start SearXNG, or set SEARXNG_URL to one that runs."


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is for programs and for rules, `text` says what broke, `remedy` what to do.

    These are our own words. `detail` is what a server said of it, clean and short: it may quote the
    query, so that it is shown, and kept no longer than the query. `brief` says it to somebody who
    does not know the parts; "": `text` does.
    """

    code: str
    text: str
    remedy: str = ""
    detail: str = ""
    brief: str = ""

    @property
    def sentence(self) -> str:
        """For the user, with all that is known."""
        said = f" ({self.detail})" if self.detail else ""
        return f"{self.text}{said}. {self.remedy}".strip()

    @property
    def own_words(self) -> str:
        """What may be kept for as long as the numbers, and be told to a model."""
        return f"{self.text}. {self.remedy}".strip()


def refused(url: str) -> Problem:
    where = host_and_port(url)
    brief = f"SearXNG does not answer at {where}"
    return Problem("refused", f"nothing listens at {where}", _START, brief=brief)


def unreachable(url: str) -> Problem:
    remedy = "Check the network and SEARXNG_URL."
    return Problem("unreachable", f"SearXNG at {host_and_port(url)} cannot be reached", remedy)


def broke_off(url: str) -> Problem:
    text = f"SearXNG at {host_and_port(url)} closed the connection before its answer was complete"
    return Problem("reset", text, "Ask again; if it goes on, look into SearXNG's log.")


def timed_out(url: str, limit_s: float) -> Problem:
    text = f"SearXNG at {host_and_port(url)} did not answer within {limit_s:g} s"
    remedy = "Lower outgoing.request_timeout in its settings.yml, or switch slow engines off."
    return Problem("timeout", text, remedy)


def of_reply(url: str, status: int, content_type: str, detail: str = "") -> Problem | None:
    """What is wrong with a reply of this status and type; None for JSON in a 200.

    `detail`: SearXNG's own words in a 400, clean and short.
    """
    if status == HTTPStatus.OK:
        return None if _is_json(content_type) else _not_json(url)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _redirected(url, status)
    if status == HTTPStatus.BAD_REQUEST and _is_json(content_type):
        return Problem("rejected", "SearXNG rejects the search", "Check its version.", detail)
    known = _BY_STATUS.get(status)
    if known is not None:
        return Problem(known.code, known.text.format(host_and_port(url)), known.remedy)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = f"SearXNG at {host_and_port(url)} failed ({status})"
        return Problem("failed", text, "Look into SearXNG's log.")
    text = f"{host_and_port(url)} answers {status}, and not as SearXNG does"
    return Problem("foreign", text, "Check SEARXNG_URL.")


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


# By host. 403 is what SearXNG says to every format that is not in its list.
_BY_STATUS = {
    403: Problem(
        "json_off",
        "the JSON format of SearXNG at {} is off (403)",
        "In SearXNG's settings.yml: search: formats: [html, json]; then restart it.",
    ),
    429: Problem(
        "limited",
        "the limiter of SearXNG at {} refuses us (429)",
        "In SearXNG's settings.yml: server: limiter: false; then restart it.",
    ),
    401: Problem(
        "unauthorized",
        "{} wants a password (401)",
        "Write it into SEARXNG_URL: http://name:password@host.",
    ),
}


def _not_json(url: str) -> Problem:
    text = f"{host_and_port(url)} answers with a web page, and not with SearXNG's JSON"
    return Problem("not_json", text, "Check SEARXNG_URL: it is the address of SearXNG itself.")


def _redirected(url: str, status: int) -> Problem:
    text = f"{host_and_port(url)} sends us elsewhere ({status}), which we do not follow"
    return Problem("redirect", text, "Set SEARXNG_URL to SearXNG's final address.")


def malformed(url: str) -> Problem:
    text = f"{host_and_port(url)} sends JSON that is no list of results"
    return Problem("malformed", text, "Check SEARXNG_URL, and SearXNG's version.")


def too_large(url: str, limit_bytes: int) -> Problem:
    text = f"{host_and_port(url)} sends more than {limit_bytes // 1_000_000} MB for one search"
    return Problem("too_large", text, "Check SEARXNG_URL.")


def engines_failed(unresponsive: Sequence[tuple[str, str]]) -> Problem:
    """SearXNG answers, and none of its engines does."""
    named = ", ".join(f"{name}: {why}" for name, why in unresponsive[:_NAMED_ENGINES])
    more = "" if len(unresponsive) <= _NAMED_ENGINES else ", ..."
    remedy = "Wait a few minutes, or switch other engines on in SearXNG's settings.yml."
    return Problem("engines", "none of SearXNG's engines answered", remedy, f"{named}{more}")


def no_hits() -> Problem:
    return Problem("no_hits", "the search found nothing", "Try other words.")


def paused(cause: Problem, seconds: float) -> Problem:
    """It failed a moment ago and is left alone for a while."""
    text = f"{cause.text}; it is asked again in {max(1, round(seconds))} s"
    return Problem("paused", text, cause.remedy, brief=cause.brief)


def held_back(sentence: str) -> Problem:
    """A rule of ours kept the query here; its words come with it."""
    return Problem("held_back", sentence.rstrip(". "))


# What no server has said: these end a search, or keep it from beginning.


def silent(why: str) -> Problem:
    """`why`: the words of the plan."""
    return Problem("private", why, brief="nothing of this chat may leave this machine")


def no_words() -> Problem:
    left = "without what is private, no words were left to search for"
    return Problem("no_words", f"nothing was searched: {left}", brief=left)


def unread(count: int, reasons: Sequence[str]) -> Problem:
    """`reasons`: in words of ours, why the pages of the results could not be read."""
    why = f" ({', '.join(reasons)})" if reasons else ""
    none = "the only result could not" if count == 1 else f"none of the {count} results could"
    return Problem("unread", f"{none} be read{why}")


def too_slow(limit_s: float) -> Problem:
    took = f"took longer than {limit_s:g} s"
    return Problem("too_slow", f"it {took}", brief=f"the search {took}")


def broken() -> Problem:
    return Problem("broken", "the search failed here, with an unexpected error")


def no_prompt(sentence: str) -> Problem:
    """A prompt of ours cannot be used, as an edited one may be; `sentence` says which and why."""
    brief = "what was found cannot be told to the model, as a prompt of hal-auto is broken"
    return Problem("prompt", sentence.rstrip(". "), brief=brief)


def stopped() -> Problem:
    return Problem("stopped", "the turn was stopped")
