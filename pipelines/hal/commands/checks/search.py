"""SearXNG: reachable, and JSON switched on.

Sends one request without a query: SearXNG checks the format before it misses the query, so that
nothing is searched for.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from .result import Check, Context, fail, get, ok, reason, warn

_JSON_OFF = "In SearXNG's settings.yml: search: formats: [html, json]; then restart it."


def checks(context: Context) -> Iterator[Check]:
    url = context.settings.searxng_url
    try:
        reply = get(f"{url}/search?format=json")
    except requests.RequestException as error:
        remedy = "Without it, no turn can look anything up; set SEARXNG_URL or start it."
        yield warn("SearXNG", f"{url}: {reason(error)}", remedy)
        return
    yield _judge(url, reply)


def _judge(url: str, reply: requests.Response) -> Check:
    if reply.status_code == 403:
        return fail("SearXNG", f"{url}: the JSON format is off (403)", _JSON_OFF)
    if reply.status_code == 429:
        remedy = "In SearXNG's settings.yml: server: limiter: false; then restart it."
        return fail("SearXNG", f"{url}: its limiter refuses us (429)", remedy)
    # 400: "No query", in the format that was asked for.
    if reply.status_code in (200, 400) and "json" in reply.headers.get("content-type", ""):
        return ok("SearXNG", f"{url}, JSON on")
    detail = f"{url} answers {reply.status_code}, and not as SearXNG does"
    return warn("SearXNG", detail, "Check SEARXNG_URL.")
