"""Reads settings: valves over the environment, checked and clamped, with a word for what was not.

The only module that reads the environment. Opens nothing but a key file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .addresses import host_and_port, is_public
from .advanced import Advanced
from .model_names import runs_in_cloud
from .settings import (
    QUALITY_TARGETS,
    AnswerSettings,
    BudgetSettings,
    CacheSettings,
    CloudSettings,
    LimitSettings,
    LocalHost,
    LocalSettings,
    LogSettings,
    PrivacySettings,
    RouterSettings,
    RoutingSettings,
    Settings,
    TelemetrySettings,
)
from .valves import Valves, valves_class

OLLAMA_PORT = 11434
# Where a collector takes spans over HTTP, by OpenTelemetry's protocol (OTLP).
TRACES_PATH = "/v1/traces"

Number = TypeVar("Number", int, float)


def read_valves(valves: Valves, environ: Mapping[str, str] | None = None) -> Settings:
    """What these valves come to; the environment adds the key and the folders."""
    environ = os.environ if environ is None else environ
    reader = _Reader(valves)
    return Settings(
        local=reader.local(),
        cloud=reader.cloud(environ),
        routing=reader.routing(),
        answer=reader.answer(),
        privacy=reader.privacy(),
        limits=reader.limits(),
        budget=reader.budget(),
        cache=reader.cache(),
        log=reader.log(environ),
        searxng_url=reader.url("SEARXNG_URL"),
        searchable_hosts=reader.searchable_hosts(),
        telemetry=reader.telemetry(),
        compares_meaning=reader.value("SEARCH_EMBEDDINGS"),
        router=reader.router(),
        warnings=tuple(reader.warnings),
    )


def read_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """What the environment alone comes to."""
    environ = os.environ if environ is None else environ
    return read_valves(valves_class(environ)(), environ)


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
            spill=self.value("CLOUD_SPILL"),
            substitute=self.value("CLOUD_SUBSTITUTE"),
            answers_searches=self.valves.ENRICH_WITH == "cloud",
            reasoning=self.value("CLOUD_REASONING"),
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

    def router(self) -> RouterSettings:
        return RouterSettings(
            learned=self.value("LEARNED_ROUTER"),
            quality_target=self.clamped("QUALITY_TARGET", *QUALITY_TARGETS),
            cascade=self.valves.CASCADE,
            cascade_s=self.clamped("CASCADE_S", 1.0, 600.0),
            shadow_share=self.clamped("SHADOW_SHARE", 0.0, 1.0),
            shadow_daily_usd=self.cap("SHADOW_DAILY_USD"),
            exploration=self.clamped("EXPLORATION", 0.0, 0.5),
        )

    def answer(self) -> AnswerSettings:
        return AnswerSettings(
            pass_tools=self.valves.PASS_TOOLS,
            gap_s=self.clamped("ANSWER_GAP_S", 1.0, 600.0),
            total_s=self.clamped("ANSWER_TOTAL_S", 10.0, 86400.0),
            show_status=self.valves.SHOW_STATUS,
        )

    def privacy(self) -> PrivacySettings:
        return PrivacySettings(
            mode=self.valves.PRIVACY_MODE,
            attachments=self.valves.CLOUD_ATTACHMENTS,
            ner=self.value("PRIVACY_NER"),
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
            days=self.clamped("LOG_DAYS", 1, 36500),
            # Below 64 MB the log would be half WAL file; a terabyte is no limit.
            max_bytes=self.clamped("LOG_MAX_MB", 64, 1_048_576) * 1024 * 1024,
        )

    def telemetry(self) -> TelemetrySettings:
        return TelemetrySettings(self.collector(), self.value("METRICS"))

    def collector(self) -> str | None:
        """Where spans go: bytes that leave the machine have another way, and a row each."""
        said = (self.value("OTEL_ENDPOINT") or "").strip()
        if not said:
            return None
        url = (said if "://" in said else f"http://{said}").rstrip("/")
        if not _is_http(url):
            self.warnings.append("OTEL_ENDPOINT: not an http address, no spans are sent")
        elif is_public(urlsplit(url).hostname or ""):
            self.warnings.append(
                f"OTEL_ENDPOINT: {host_and_port(url)} is not in your own network, no spans are sent"
            )
        else:
            return url if url.endswith(TRACES_PATH) else url + TRACES_PATH
        return None

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
        return tuple(replace(host, place=host_and_port(host.url)) for host in found.values())

    def searchable_hosts(self) -> frozenset[tuple[str, int]]:
        found = set()
        for word in (self.value("SEARCH_LOCAL_HOSTS") or "").replace(",", " ").split():
            host, _, port = word.rpartition(":")
            if host and port.isdecimal() and 0 < int(port) < 65536:
                found.add((host.lower().strip("[]"), int(port)))
            else:
                self.warnings.append(f"SEARCH_LOCAL_HOSTS: {word[:80]} is no HOST:PORT, left out")
        return frozenset(found)

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
