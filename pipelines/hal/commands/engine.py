"""Which engine answers locally: a running Ollama that has the models, else our own.

Knows the rule and the environment that follows from it; how the embedded engine works stands in
`hal.embedded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..embedded.catalogue import DEFAULT_MODEL, find
from ..embedded.errors import EmbeddedError
from ..embedded.launch import EmbeddedProcess, start
from ..errors import HalError, Unreachable
from .ollama_host import Inventory, take_inventory
from .stored import Places, read_object, settings_in_force

Say = Callable[[str], None]


class EngineProblem(HalError):
    """No engine could be had; the message says why."""

    code = "engine"


@dataclass(frozen=True, slots=True)
class Engine:
    """What answers locally. `environment` is what the server must be told; `process` is ours."""

    inventory: Inventory
    sentence: str
    environment: Mapping[str, str] = field(default_factory=dict)
    process: EmbeddedProcess | None = None

    @property
    def alive(self) -> bool:
        return self.process is None or self.process.alive

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


def choose(environ: Mapping[str, str], kind: str, say: Say) -> Engine:
    """The engine for `auto`, `ollama` or `embedded`; starts the embedded one when it is that."""
    return embedded(environ, say) if kind == "embedded" else _running(environ, kind, say)


def _running(environ: Mapping[str, str], kind: str, say: Say) -> Engine:
    settings = settings_in_force(environ)
    try:
        host = take_inventory(settings.local.base_url)
    except Unreachable as error:
        if kind == "ollama":
            raise EngineProblem(str(error), "Start it, or let `--engine auto` choose.") from None
        say(f"{error} Starting the embedded engine.")
        return embedded(environ, say)
    missing = host.missing(settings.local.model, settings.routing.classifier_model)
    for name in missing:
        say(f"Ollama runs without {name}; to have it: ollama pull {name}")
    if missing and kind == "auto":
        say("Until then the embedded engine answers.")
        return embedded(environ, say)
    return Engine(host, f"Ollama {host.version} at {host.url}")


def embedded(environ: Mapping[str, str], say: Say) -> Engine:
    """Start our own engine, with the models that the user named where it knows them."""
    for name in ("HAL_LOCAL_MODEL", "HAL_CLASSIFIER_MODEL"):
        if environ.get(name) and not _knows(environ[name]):
            say(f"{name}={environ[name]} needs Ollama; the embedded engine takes its own model.")
    chosen = [environ.get(name, "") for name in ("HAL_LOCAL_MODEL", "HAL_CLASSIFIER_MODEL")]
    try:
        process = start(_models(environ, chosen))
    except (EmbeddedError, OSError) as error:
        raise EngineProblem(f"The embedded engine: {error}.", _REMEDY) from None
    try:
        host = take_inventory(process.url)
    except BaseException:
        process.stop()
        raise
    environment = embedded_environment(environ, host)
    return Engine(host, "embedded engine, on the CPU", environment, process)


def _models(environ: Mapping[str, str], chosen: Sequence[str]) -> list[str]:
    """What the engine shall offer: chat models first, and what compares questions if wanted."""
    chat = list(dict.fromkeys(name for name in chosen if _knows(name)))
    cache = settings_in_force(environ).cache
    if cache.mode != "semantic" or not _knows(cache.embedding_model):
        return chat
    return [*(chat or [DEFAULT_MODEL]), cache.embedding_model]


_REMEDY = "Or start Ollama, and `hal serve` takes that."


def embedded_environment(environ: Mapping[str, str], host: Inventory) -> dict[str, str]:
    """What the server must be told; what the user has set stays, where the engine can do it."""
    model = next(iter((*host.loaded, *host.models)), "")
    local = environ.get("HAL_LOCAL_MODEL", "")
    classifier = environ.get("HAL_CLASSIFIER_MODEL", "")
    defaults = {
        # The window that the engine gives each request, and as much as a CPU reads in time.
        "HAL_LOCAL_CONTEXT_TOKENS": "4096",
        "HAL_CLASSIFIER_CONTEXT_TOKENS": "1664",
        "HAL_CLASSIFIER_DEADLINE_S": "10",  # the 500 tokens that its prompt leaves take up to 5 s
        "HAL_SPECULATE": "false",  # both models would share the cores, and each take twice as long
    }
    kept = {name: environ.get(name, "").strip() or text for name, text in defaults.items()}
    return {
        "HAL_OLLAMA_BASE_URL": host.url,
        "HAL_LOCAL_MODEL": local if _knows(local) else model,
        "HAL_CLASSIFIER_MODEL": classifier if _knows(classifier) else model,
        # Another model for small talk would be one more in memory, and this engine may lack it.
        "HAL_SIMPLE_MODEL": "",
        **kept,
    }


def running_engine(environ: Mapping[str, str]) -> dict[str, str]:
    """What a `hal serve` that runs now has told its server; {} when it has no engine of its own."""
    told, _ = read_object(Places.of(environ).engine)
    engine = {name: str(value) for name, value in told.items() if name.startswith("HAL_")}
    url = engine.get("HAL_OLLAMA_BASE_URL", "")
    try:
        return engine if url and take_inventory(url) else {}
    except (Unreachable, ValueError):  # ended, or a file of somebody else's making
        return {}


def _knows(name: str) -> bool:
    try:
        return bool(name) and bool(find(name))
    except EmbeddedError:
        return False
