"""xAI: is there a key, is it accepted, does it know the model.

Sends one GET of the model list with the key, and no text of any user; with `--offline`, nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from .result import Check, Context, fail, get, ok, reason, warn

_NAMES_SHOWN = 6
_REFUSED = (400, 401, 403)  # a wrong key has been answered with each of them


def checks(context: Context) -> Iterator[Check]:
    cloud = context.settings.cloud
    if not cloud.enabled:
        yield ok("xAI", "switched off (CLOUD_ENABLED): nothing is ever sent there")
    elif cloud.api_key is None:
        remedy = "Set XAI_API_KEY, or CLOUD_ENABLED=false to say that this is meant."
        yield warn("xAI", "no key: COMPLEX turns are answered locally", remedy)
    elif context.offline:
        yield ok("xAI", f"key {_source(context)}; not asked (--offline)")
    else:
        yield from _ask(context, cloud.api_key)


def _source(context: Context) -> str:
    """Where the key comes from; never the key."""
    for name in ("XAI_API_KEY", "HAL_XAI_API_KEY", "XAI_API_KEY_FILE"):
        if context.environ.get(name, "").strip():
            return f"set ({name})"
    return "set (valve)"


def _ask(context: Context, key: str) -> Iterator[Check]:
    url = f"{context.settings.cloud.base_url}/models"
    try:
        reply = get(url, key=key, proxies=True)
    except requests.RequestException as error:
        yield fail("xAI", f"{url}: {reason(error)}", "Check the connection and XAI_API_BASE_URL.")
        return
    if reply.status_code in _REFUSED:
        detail = f"the key {_source(context)} is refused ({reply.status_code})"
        yield fail("xAI", detail, "Make a new key in xAI's console, or top up the credits.")
    elif not reply.ok:
        yield warn("xAI", f"{url} answers {reply.status_code}", "Try again later.")
    else:
        yield ok("xAI", f"key {_source(context)}, accepted; asked for the model list, sent no text")
        yield _model(context.settings.cloud.model, reply)


def _model(name: str, reply: requests.Response) -> Check:
    try:
        known = sorted(str(entry["id"]) for entry in reply.json()["data"])
    except (ValueError, KeyError, TypeError):
        return warn("xAI model", "the reply is no list of models", "Check XAI_API_BASE_URL.")
    if name in known:
        return ok("xAI model", name)
    shown = ", ".join(known[:_NAMES_SHOWN]) or "none"
    return fail("xAI model", f"{name} is not among those of this key", f"CLOUD_MODEL: {shown}")
