"""Settings: what the code reads, frozen, in groups by what it is about.

Knows no valve and no environment: `settings_reader.py` makes these out of both.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

# Where a model is, and who may ask it, changes no decision; and a key is nobody's business.
_NO_RULES = frozenset({"api_key", "base_url", "hosts", "keep_alive"})


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
    """xAI. `usable` is False when it is switched off or has no key. `answers_searches`: after a
    search it answers, and not the local model."""

    enabled: bool
    base_url: str
    api_key: str | None
    model: str
    confidence: float
    when_unsure: str
    fallback: bool
    spill: str
    substitute: str | None
    answers_searches: bool
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


# Less than half of the cloud's quality is what no local model of today falls to.
QUALITY_TARGETS = (0.5, 1.0)


def clamped_target(target: float) -> float:
    """The nearest quality target that means something."""
    low, high = QUALITY_TARGETS
    return min(max(target, low), high)


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """The learned router. `quality_target` is the share of the cloud's quality to keep, 0..1.

    `cascade`: local answers that may fall short are looked at before they are shown, for at most
    `cascade_s`. `shadow_share` of the turns that may leave are answered by the other target as
    well, for at most `shadow_daily_usd` a day (None: no limit of its own). `exploration` is the
    probability that a turn goes the other way, to learn from it.
    """

    learned: bool = True
    quality_target: float = 0.95
    cascade: bool = False
    cascade_s: float = 20.0
    shadow_share: float = 0.0
    shadow_daily_usd: float | None = 0.25
    exploration: float = 0.0


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How an answer is delivered."""

    pass_tools: bool
    gap_s: float
    total_s: float
    show_status: bool


# What may leave becomes less from one to the next.
STRICTNESS = ("off", "scrub", "local")


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """`mode` is off, local or scrub. `attachments`: files, images and tool results may leave.
    `ner`: a language model looks for names as well, before anything is masked.
    """

    mode: str
    attachments: bool
    ner: bool = False

    @property
    def asks_for_names(self) -> bool:
        """Whether that model has anything to do: it serves the masking alone."""
        return self.ner and self.mode == "scrub"

    def no_looser_than(self, mode: str | None) -> PrivacySettings:
        """With this mode where it is the stricter one: a user may ask for more, never for less."""
        if mode is None or STRICTNESS.index(mode) <= STRICTNESS.index(self.mode):
            return self
        return replace(self, mode=mode)


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
class TelemetrySettings:
    """The live view. `endpoint` is the whole address that takes spans, None: nobody does."""

    endpoint: str | None = None
    metrics: bool = False


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where the session log lives and what it keeps: texts for `content_days`, turns for `days`,
    and of both the newest that take `max_bytes`, the WAL file included."""

    data_dir: Path
    content: bool
    content_days: int
    days: int
    max_bytes: int

    @property
    def privacy_key(self) -> Path:
        """What placeholders and the hashes of private values are made with."""
        return self.data_dir / "privacy.key"

    @property
    def allowed_values(self) -> Path:
        """Hashes of the values that the user does not count as private."""
        return self.data_dir / "allowed.txt"

    @property
    def database(self) -> Path:
        return self.data_dir / "sessions.sqlite"

    @property
    def prompt_versions(self) -> Path:
        """Versions of prompts beside the shipped ones."""
        return self.data_dir / "prompts"

    @property
    def improvement(self) -> Path:
        """Runs of `hal improve`."""
        return self.data_dir / "improve"

    @property
    def router(self) -> Path:
        """The learned router's weights and thresholds."""
        return self.data_dir / "router"

    @property
    def budget_database(self) -> Path:
        """Beside the log, not in it: who deletes the log does not reset the budget."""
        return self.data_dir / "budget.sqlite"

    @property
    def cache_database(self) -> Path:
        return self.data_dir / "cache.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a turn reads; captured once when the turn begins. `searchable_hosts`: (host,
    port) whose pages a search may read although they are in the user's own network.
    `compares_meaning`: the embedding model compares passages with the question as well."""

    local: LocalSettings
    cloud: CloudSettings
    routing: RoutingSettings
    answer: AnswerSettings
    privacy: PrivacySettings
    limits: LimitSettings
    budget: BudgetSettings
    cache: CacheSettings
    log: LogSettings
    searxng_url: str
    searchable_hosts: frozenset[tuple[str, int]] = frozenset()
    telemetry: TelemetrySettings = TelemetrySettings()
    compares_meaning: bool = False
    router: RouterSettings = RouterSettings()
    warnings: tuple[str, ...] = ()

    @property
    def model_names(self) -> frozenset[str]:
        """Every model that may be asked, by each of its names."""
        local, cloud = self.local, self.cloud
        names = (
            *(*local.models, *(host.model for host in local.hosts)),
            *(self.routing.classifier_model, cloud.model, cloud.substitute),
        )
        return frozenset(name for name in names if name)

    def window_tokens(self, model: str) -> int:
        """The one context window of a local model: two windows for one model mean two loads."""
        if model == self.routing.classifier_model and model not in self.local.answering:
            return self.routing.classifier_context_tokens
        return self.local.context_tokens

    @property
    def policy(self) -> dict[str, dict[str, Any]]:
        """The rules in force, by group: what decides, and neither keys nor addresses."""
        groups = {
            "local": self.local,
            "cloud": self.cloud,
            "routing": self.routing,
            "router": self.router,
            "privacy": self.privacy,
            "limits": self.limits,
            "budget": self.budget,
        }
        rules = {name: _rules(group) for name, group in groups.items()}
        return {**rules, "in_force": {"usable": self.cloud.usable}}

    @property
    def policy_id(self) -> str:
        """Names the rules in force: equal ids mean that equal turns were decided alike."""
        parts = [
            f"{name}={value}" for rules in self.policy.values() for name, value in rules.items()
        ]
        return "policy-" + sha256("\n".join(parts).encode()).hexdigest()[:8]


def _rules(group: Any) -> dict[str, Any]:
    return {f.name: getattr(group, f.name) for f in fields(group) if f.name not in _NO_RULES}
