"""Settings: what the valves and the environment come to, checked, clamped and frozen.

The only module that reads the environment. Knows no client and opens nothing but a key file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .model_names import runs_in_cloud
from .valves import Advanced, Valves, valves_class

OLLAMA_PORT = 11434

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class LocalHost:
    """A server of local models. `dialect` is "ollama" or "openai"; `url` of the latter ends with
    /v1. `model`: what the local model is called there, "" for its usual name. `place`: what people
    call the server, "" when it is the only one.
    """

    url: str
    dialect: str = "ollama"
    model: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Ollama and its models. Contexts are in tokens; one window per model, or Ollama reloads it.

    `hosts`: every server of local models, the one at `base_url` first. The classifier, small talk
    and images stay on that one; the local model may answer on all of them.
    """

    base_url: str
    hosts: tuple[LocalHost, ...]
    keep_alive: str
    model: str
    simple_model: str
    vision_model: str | None
    context_tokens: int
    think: bool | str
    first_token_s: float

    @property
    def answering(self) -> tuple[str, ...]:
        """The models that hold whole conversations; the model for small talk need not."""
        return (self.model, *([self.vision_model] if self.vision_model else []))

    @property
    def models(self) -> tuple[str, ...]:
        """Every local model that may answer, without repetition."""
        names = [self.model, self.simple_model, *([self.vision_model] if self.vision_model else [])]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """xAI. `usable` is False when it is switched off or has no key."""

    enabled: bool
    base_url: str
    api_key: str | None
    model: str
    confidence: float
    when_unsure: str
    fallback: bool
    spill: str
    substitute: str | None
    attachments: bool
    reasoning: str
    first_token_s: float

    @property
    def usable(self) -> bool:
        return self.enabled and self.api_key is not None

    def __repr__(self) -> str:
        return f"CloudSettings(model={self.model!r}, key={'set' if self.api_key else 'none'})"


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """How a turn is decided."""

    classifier_model: str
    classifier_context_tokens: int
    deadline_s: float
    search_confidence: float
    speculate: bool
    sticky: bool
    sticky_confidence: float


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How an answer is delivered."""

    pass_tools: bool
    gap_s: float
    total_s: float
    show_status: bool


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Requests at the same time and per minute; None: no limit. The local ones are per host."""

    local_concurrent: int | None
    local_per_minute: int | None
    cloud_concurrent: int | None
    cloud_per_minute: int | None


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What xAI may cost, in USD, and its share of turns; None: no cap, 0: nothing. `soft` is the
    share of a cap from which on turns stay local if they can.
    """

    turn_usd: float | None
    daily_usd: float | None
    monthly_usd: float | None
    user_daily_usd: float | None
    cloud_share: float | None
    soft: float

    @property
    def has_caps(self) -> bool:
        """Whether anything has to be counted before a call may be made."""
        caps = (self.daily_usd, self.monthly_usd, self.user_daily_usd, self.cloud_share)
        return any(cap is not None for cap in caps)


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """`mode` is off, exact or semantic; `similarity` a cosine; `hours` the lifetime."""

    mode: str
    similarity: float
    hours: float
    embedding_model: str


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where the session log lives and what it keeps."""

    data_dir: Path
    content: bool
    content_days: int

    @property
    def database(self) -> Path:
        return self.data_dir / "sessions.sqlite"

    @property
    def budget_database(self) -> Path:
        """Beside the log, not in it: who deletes the log does not reset the budget."""
        return self.data_dir / "budget.sqlite"

    @property
    def cache_database(self) -> Path:
        return self.data_dir / "cache.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a turn reads; captured once when the turn begins."""

    local: LocalSettings
    cloud: CloudSettings
    routing: RoutingSettings
    answer: AnswerSettings
    limits: LimitSettings
    budget: BudgetSettings
    cache: CacheSettings
    log: LogSettings
    searxng_url: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_valves(cls, valves: Valves, environ: Mapping[str, str] | None = None) -> Settings:
        environ = os.environ if environ is None else environ
        reader = _Reader(valves)
        return cls(
            local=reader.local(),
            cloud=reader.cloud(environ),
            routing=reader.routing(),
            answer=reader.answer(),
            limits=reader.limits(),
            budget=reader.budget(),
            cache=reader.cache(),
            log=reader.log(environ),
            searxng_url=reader.url("SEARXNG_URL"),
            warnings=tuple(reader.warnings),
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        environ = os.environ if environ is None else environ
        return cls.from_valves(valves_class(environ)(), environ)

    def window_tokens(self, model: str) -> int:
        """The one context window of a local model: two windows for one model mean two loads."""
        if model == self.routing.classifier_model and model not in self.local.answering:
            return self.routing.classifier_context_tokens
        return self.local.context_tokens

    @property
    def policy_id(self) -> str:
        """Names the rules in force: equal ids mean that equal turns were decided alike."""
        parts = [
            f"{field.name}={getattr(group, field.name)}"
            for group in (self.local, self.cloud, self.routing, self.limits, self.budget)
            for field in fields(group)
            if field.name not in {"api_key", "base_url", "hosts", "keep_alive"}
        ]
        parts.append(f"usable={self.cloud.usable}")
        return "policy-" + sha256("\n".join(parts).encode()).hexdigest()[:8]


class _Reader:
    """Reads valves one by one and remembers what it had to change."""

    def __init__(self, valves: Valves) -> None:
        self.valves = valves
        self.warnings: list[str] = list(valves.problems)

    def local(self) -> LocalSettings:
        model = self.local_model("LOCAL_MODEL")
        base_url = ollama_url(self.url("OLLAMA_BASE_URL"))
        return LocalSettings(
            base_url=base_url,
            hosts=self.hosts(base_url),
            keep_alive=self.value("OLLAMA_KEEP_ALIVE"),
            model=model,
            simple_model=self.local_model("SIMPLE_MODEL") or model,
            vision_model=self.local_model("VISION_MODEL") or None,
            context_tokens=self.clamped("LOCAL_CONTEXT_TOKENS", 1024, 1_048_576),
            think={"off": False, "on": True}.get(self.valves.LOCAL_THINK, self.valves.LOCAL_THINK),
            first_token_s=self.clamped("LOCAL_FIRST_TOKEN_S", 1.0, 1800.0),
        )

    def cloud(self, environ: Mapping[str, str]) -> CloudSettings:
        return CloudSettings(
            enabled=self.valves.CLOUD_ENABLED,
            base_url=self.url("XAI_API_BASE_URL").rstrip("/"),
            api_key=self.valves.XAI_API_KEY or self.key_from(environ),
            model=self.valves.CLOUD_MODEL,
            confidence=self.clamped("CLOUD_CONFIDENCE", 0.0, 1.0),
            when_unsure=self.valves.CLOUD_WHEN_UNSURE,
            fallback=self.valves.CLOUD_FALLBACK,
            spill=self.valves.CLOUD_SPILL,
            substitute=self.value("CLOUD_SUBSTITUTE"),
            attachments=self.valves.CLOUD_ATTACHMENTS,
            reasoning=self.valves.CLOUD_REASONING,
            first_token_s=self.clamped("CLOUD_FIRST_TOKEN_S", 1.0, 600.0),
        )

    def routing(self) -> RoutingSettings:
        return RoutingSettings(
            classifier_model=self.local_model("CLASSIFIER_MODEL"),
            classifier_context_tokens=self.clamped("CLASSIFIER_CONTEXT_TOKENS", 512, 32768),
            deadline_s=self.clamped("CLASSIFIER_DEADLINE_S", 0.1, 30.0),
            search_confidence=self.clamped("SEARCH_CONFIDENCE", 0.0, 1.0),
            speculate=self.valves.SPECULATE,
            sticky=self.valves.STICKY,
            sticky_confidence=self.clamped("STICKY_CONFIDENCE", 0.0, 1.0),
        )

    def answer(self) -> AnswerSettings:
        return AnswerSettings(
            pass_tools=self.valves.PASS_TOOLS,
            gap_s=self.clamped("ANSWER_GAP_S", 1.0, 600.0),
            total_s=self.clamped("ANSWER_TOTAL_S", 10.0, 86400.0),
            show_status=self.valves.SHOW_STATUS,
        )

    def limits(self) -> LimitSettings:
        return LimitSettings(
            local_concurrent=self.clamped("LOCAL_CONCURRENT", 0, 10_000) or None,
            local_per_minute=self.clamped("LOCAL_PER_MINUTE", 0, 1_000_000) or None,
            cloud_concurrent=self.clamped("CLOUD_CONCURRENT", 0, 10_000) or None,
            cloud_per_minute=self.clamped("CLOUD_PER_MINUTE", 0, 1_000_000) or None,
        )

    def budget(self) -> BudgetSettings:
        share = self.clamped("CLOUD_SHARE", 0.0, 1.0)
        return BudgetSettings(
            turn_usd=self.cap("TURN_BUDGET_USD"),
            daily_usd=self.cap("DAILY_BUDGET_USD"),
            monthly_usd=self.cap("MONTHLY_BUDGET_USD"),
            user_daily_usd=self.cap("USER_DAILY_BUDGET_USD"),
            cloud_share=share if share < 1.0 else None,
            soft=self.clamped("BUDGET_SOFT", 0.0, 1.0),
        )

    def cache(self) -> CacheSettings:
        return CacheSettings(
            mode=self.valves.CACHE,
            similarity=self.clamped("CACHE_SIMILARITY", 0.0, 1.0),
            hours=self.clamped("CACHE_HOURS", 0.01, 8760.0),
            embedding_model=self.local_model("EMBEDDING_MODEL"),
        )

    def log(self, environ: Mapping[str, str]) -> LogSettings:
        return LogSettings(
            data_dir=data_dir(environ),
            content=self.valves.LOG_CONTENT,
            content_days=self.clamped("LOG_CONTENT_DAYS", 1, 36500),
        )

    def value(self, name: str) -> Any:
        """A valve, or an advanced setting, by its name."""
        home = self.valves if name in Valves.model_fields else self.valves.advanced
        return getattr(home, name)

    def cap(self, name: str) -> float | None:
        """An amount of money; anything below zero means that there is no limit."""
        value: float = self.value(name)
        return None if value < 0 else value

    def hosts(self, base_url: str) -> tuple[LocalHost, ...]:
        """The main host and the others, each once."""
        found = {base_url: LocalHost(base_url)}
        for word in (self.valves.LOCAL_HOSTS or "").replace(",", " ").split():
            if (host := self.host(word)) is not None:
                found.setdefault(host.url, host)
        if len(found) == 1:
            return tuple(found.values())
        return tuple(replace(host, place=_place(host.url)) for host in found.values())

    def host(self, word: str) -> LocalHost | None:
        address, _, model = word.partition("#")
        url = (address if "://" in address else f"http://{address}").rstrip("/")
        if not _is_http(url):
            self.warnings.append(f"LOCAL_HOSTS: {address[:80]} is not an http address, left out")
        elif runs_in_cloud(model):
            self.warnings.append(f"LOCAL_HOSTS: {model} runs in Ollama's cloud, left out")
        elif urlsplit(url).path.endswith("/v1"):
            return LocalHost(url, "openai", model)
        else:
            return LocalHost(ollama_url(url), "ollama", model)
        return None

    def clamped(self, name: str, low: Number, high: Number) -> Number:
        value: Number = self.value(name)
        kept = min(max(value, low), high)
        if kept != value:
            self.warnings.append(f"{name}: {value} is outside {low} to {high}, {kept} is in force")
        return kept

    def local_model(self, name: str) -> str:
        value: str = self.value(name) or ""
        if not runs_in_cloud(value):
            return value
        # Ollama forwards such models to its own cloud: what we call local would leave the machine.
        home = Valves if name in Valves.model_fields else Advanced
        default: str = home.model_fields[name].default or ""
        self.warnings.append(
            f"{name}: {value} runs in Ollama's cloud, not here; {default or 'none'} is in force"
        )
        return default

    def url(self, name: str) -> str:
        value: str = getattr(self.valves, name)
        candidate = value if "://" in value else f"http://{value}"
        if _is_http(candidate):
            return candidate.rstrip("/")
        default: str = Valves.model_fields[name].default
        self.warnings.append(f"{name}: not an http address, {default} is in force")
        return default

    def key_from(self, environ: Mapping[str, str]) -> str | None:
        for name in ("XAI_API_KEY", "HAL_XAI_API_KEY"):
            if environ.get(name, "").strip():
                return environ[name].strip()
        return self.key_from_file(environ.get("XAI_API_KEY_FILE", "").strip())

    def key_from_file(self, path: str) -> str | None:
        if not path:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            self.warnings.append(f"XAI_API_KEY_FILE: cannot be read ({error.strerror})")
            return None


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an unclosed bracket, a port that is no number
        return False


def _place(url: str) -> str:
    """Host and port, without a user name or password that an address may carry."""
    return urlsplit(url).netloc.rpartition("@")[2]


def ollama_url(url: str) -> str:
    """The address to call for what `OLLAMA_HOST` says, which may be a bind address without port."""
    parts = urlsplit(url)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(parts.hostname or "", parts.hostname or "")  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else OLLAMA_PORT)
    return f"{parts.scheme}://{host}:{port}{parts.path}"


def data_dir(environ: Mapping[str, str]) -> Path:
    """Where the log, caches and keys live: `HAL_DATA_DIR`, else the platform's user data folder."""
    if environ.get("HAL_DATA_DIR", "").strip():
        return Path(environ["HAL_DATA_DIR"]).expanduser()
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "hal-auto"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home) / "hal-auto"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "hal-auto"
