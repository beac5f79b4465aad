"""Ollama, or the embedded engine that `hal serve` has started: reachable, new enough, models there.

Sends three GET requests to the host, no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...errors import Unreachable
from ...model_names import runs_in_cloud
from ..ollama_host import Inventory, at_least, take_inventory
from ..pipelines_server import LOOPBACK
from .result import Check, Context, fail, ok, warn

LOGPROBS_SINCE = "0.12.11"  # 2025-11-13; before it, the classifier answers in JSON, uncalibrated
# What a model needs beyond that; by name, as the host tells it only after the pull.
NEEDS = {"nemotron-3-nano": "0.13.4"}


def checks(context: Context) -> Iterator[Check]:
    try:
        host = take_inventory(context.settings.local.base_url)
    except Unreachable as error:
        remedy = "Start Ollama, or run `hal serve`, which brings an engine of its own."
        yield fail("Ollama", str(error), remedy)
        return
    yield _version(host)
    for name in _wanted(context):
        yield _model(host, name)
    yield from _cloud_models(host)


def _wanted(context: Context) -> tuple[str, ...]:
    settings = context.settings
    return tuple(dict.fromkeys((*settings.local.models, settings.routing.classifier_model)))


def _version(host: Inventory) -> Check:
    detail = f"{host.version or 'unknown version'} at {host.url}"
    if not host.version or at_least(host.version, LOGPROBS_SINCE):
        return ok("Ollama", detail)
    remedy = f"Update to {LOGPROBS_SINCE} or newer: without logprobs the routes are less certain."
    return warn("Ollama", detail, remedy)


def _model(host: Inventory, name: str) -> Check:
    if not host.has(name):
        return fail(f"model {name}", "not there", f"ollama pull {name}")
    needed = NEEDS.get(name.partition(":")[0], "")
    if needed and host.version and not at_least(host.version, needed):
        return fail(f"model {name}", f"needs Ollama {needed}, this is {host.version}", "Update it.")
    return ok(f"model {name}", "loaded" if host.is_loaded(name) else "there, not loaded yet")


def _cloud_models(host: Inventory) -> Iterator[Check]:
    found = [name for name in host.models if runs_in_cloud(name)]
    if found:
        detail = f"{', '.join(found)}: runs elsewhere; hal-auto never takes it as local"
        yield warn("Ollama cloud", detail, "OLLAMA_NO_CLOUD=1 where Ollama runs switches it off.")
    if urlsplit(host.url).hostname not in LOOPBACK and host.url.startswith("http:"):
        detail = f"{host.url} is another machine: what is called local goes there in clear text"
        yield warn("Ollama host", detail, "Fine inside your own network or compose file only.")
