"""The local hosts: reachable, of the right kind and age, models there, and inside the house.

Ollama, or the embedded engine that `hal serve` has started, and what LOCAL_HOSTS adds. Sends GET
requests to these hosts, no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...addresses import is_public, without_user
from ...errors import Unauthorized, Unreachable
from ...model_names import runs_in_cloud
from ...routing.known_host import name_there
from ...settings import LocalHost
from ..ollama_host import Inventory, OtherService, at_least, take_inventory, version_of
from ..openai_host import take_openai_inventory
from ..pipelines_server import LOOPBACK
from .result import Check, Context, Status, fail, ok, warn

LOGPROBS_SINCE = "0.12.11"  # 2025-11-13; before it, the classifier answers in JSON, uncalibrated
# What a model needs beyond that; by name, as the host tells it only after the pull.
NEEDS = {"nemotron-3-nano": "0.13.4"}


def checks(context: Context) -> Iterator[Check]:
    main, *others = context.settings.local.hosts
    found = [_other(host, context.settings.local.model) for host in others]
    yield from _main(context, elsewhere=any(check.status is Status.OK for check in found))
    yield from found
    for host in (main, *others):
        yield from _where(host, "Ollama host" if host is main else _name(host))


def _main(context: Context, *, elsewhere: bool) -> Iterator[Check]:
    """`elsewhere`: another host has the local model."""
    try:
        host = take_inventory(context.settings.local.base_url)
    except Unreachable as error:
        remedy = "Start Ollama, or run `hal serve`, which brings an engine of its own."
        yield fail("Ollama", str(error), remedy)
        return
    yield _version(host)
    for name in _wanted(context):
        if elsewhere and name == context.settings.local.model and not host.has(name):
            yield ok(f"model {name}", "on another host only")
        else:
            yield _model(host, name)
    yield from _cloud_models(host)


def _wanted(context: Context) -> tuple[str, ...]:
    settings = context.settings
    names = [*settings.local.models, settings.routing.classifier_model]
    if settings.cache.mode == "semantic":
        names.append(settings.cache.embedding_model)
    return tuple(dict.fromkeys(names))


def _version(host: Inventory) -> Check:
    detail = f"{host.version or 'unknown version'} at {host.url}"
    if not host.version or at_least(host.version, LOGPROBS_SINCE):
        return ok("Ollama", detail)
    remedy = f"Update to {LOGPROBS_SINCE} or newer: without logprobs the routes are less certain."
    return warn("Ollama", detail, remedy)


def _model(host: Inventory, name: str) -> Check:
    if not host.has(name):
        return fail(f"model {name}", "not there", f"ollama pull {name}")
    if needed := _too_old_for(name, host):
        return fail(f"model {name}", f"needs Ollama {needed}, this is {host.version}", "Update it.")
    return ok(f"model {name}", _state(host, name))


def _too_old_for(name: str, host: Inventory) -> str:
    """The version that the model needs and the host has not; "" when it is fine."""
    needed = NEEDS.get(name.partition(":")[0], "")
    return needed if needed and host.version and not at_least(host.version, needed) else ""


def _state(host: Inventory, name: str) -> str:
    return "loaded" if host.is_loaded(name) else "there, not loaded yet"


def _cloud_models(host: Inventory) -> Iterator[Check]:
    found = [name for name in host.models if runs_in_cloud(name)]
    if found:
        detail = f"{', '.join(found)}: runs elsewhere; hal-auto never takes it as local"
        yield warn("Ollama cloud", detail, "OLLAMA_NO_CLOUD=1 where Ollama runs switches it off.")


def _name(host: LocalHost) -> str:
    return f"host {host.place}"


def _other(host: LocalHost, model: str) -> Check:
    """One host of LOCAL_HOSTS. One that is away is no failure: the others answer."""
    is_openai = host.dialect == "openai"
    try:
        found = (take_openai_inventory if is_openai else take_inventory)(host.url)
    except Unauthorized as error:
        return fail(_name(host), str(error), "Put user:password@ before its name in LOCAL_HOSTS.")
    except OtherService as error:
        return fail(_name(host), str(error), _right_address(host))
    except Unreachable as error:
        return warn(_name(host), str(error), "Start it, or take it out of LOCAL_HOSTS.")
    if is_openai and (version := version_of(_root(host))):
        remedy = f"Write {_root(host)}: what is loaded there, and its window, are known only then."
        return warn(_name(host), f"this is an Ollama ({version}), asked as if it were none", remedy)
    return _model_there(host, model, found)


def _model_there(host: LocalHost, model: str, found: Inventory) -> Check:
    name = name_there(host, model, found.models)
    if name is None:
        wanted = host.model or model
        shown = ", ".join(found.models[:4]) or "no model"
        if host.dialect == "openai":
            remedy = f"Write {found.url}#MODEL, with the name of the model there."
        else:
            remedy = f"There: ollama pull {wanted}"
        return fail(_name(host), f"{wanted} is not there, but {shown}", remedy)
    if needed := _too_old_for(name, found):
        return fail(
            _name(host), f"{name} needs Ollama {needed}, this is {found.version}", "Update it."
        )
    kind = "OpenAI's API" if host.dialect == "openai" else f"Ollama {found.version}".rstrip()
    return ok(_name(host), f"{kind}; {name} {_state(found, name)}")


def _right_address(host: LocalHost) -> str:
    """What to write instead, when the other dialect is spoken there."""
    if host.dialect == "ollama":
        try:
            take_openai_inventory(f"{host.url}/v1")
        except (Unreachable, Unauthorized):
            return "Check the address in LOCAL_HOSTS."
        return f"It speaks OpenAI's API: write {without_user(host.url)}/v1."
    return "Check the address in LOCAL_HOSTS."


def _root(host: LocalHost) -> str:
    return without_user(host.url).removesuffix("/v1").rstrip("/")


def _where(host: LocalHost, name: str) -> Iterator[Check]:
    """Whether what is called local stays in the house, and cannot be read on its way."""
    url, address = without_user(host.url), urlsplit(host.url).hostname or ""
    if is_public(address):
        yield fail(
            name,
            f"{url} is outside your network: what is called local would leave the house",
            "Use a host of your own, by its private address or a name such as gpu.home.arpa.",
        )
    elif address not in LOOPBACK and url.startswith("http:"):
        detail = f"{url} is another machine: what is called local goes there in clear text"
        yield warn(name, detail, "Fine inside your own network or compose file only.")
