"""The valves: every setting that the admin panel shows, with its default and its words.

Knows no consumer: `settings_reader.py` turns valves into what the rest of the package reads. Only
plain types and no bounds, because the Pipelines server refuses to start over a stored value that
does not validate, and because a save that fails shows no more than "Pipeline not found".

A panel of fifty rows is read by nobody: what few people ever change stands in `advanced.py`, and
as NAME=value in the one valve ADVANCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler

from .advanced import Advanced, pairs_of, with_strays
from .valve_values import parse, unknown_names, unusable, usable_values, valve

Think = Literal["off", "on", "low", "medium", "high"]

# The names that the rest of the world uses for the same thing.
ALIASES = {
    "OLLAMA_BASE_URL": ("OLLAMA_BASE_URL", "OLLAMA_HOST"),
    "SEARXNG_URL": ("SEARXNG_URL",),
    "XAI_API_BASE_URL": ("XAI_API_BASE_URL",),
}
# A key in a valve is readable by anyone who reaches the server: the environment never becomes one.
NEVER_FROM_ENVIRONMENT = frozenset({"XAI_API_KEY"})


class Valves(BaseModel):
    """Lenient by design: what does not validate falls back to its default, and is reported."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    OLLAMA_BASE_URL: str = valve("http://127.0.0.1:11434", "Ollama URL", "Where Ollama listens.")
    LOCAL_HOSTS: str | None = valve(
        None,
        "More local hosts",
        "Addresses separated by spaces; one that ends with /v1 speaks OpenAI's API (vLLM, "
        "llama.cpp). ADDRESS#MODEL where the model has another name there.",
    )
    CLASSIFIER_MODEL: str = valve(
        "nemotron-mini:4b", "Classifier model", "Small local model that decides the route."
    )
    LOCAL_MODEL: str = valve(
        "nemotron-3-nano:30b", "Local model", "Answers everything that need not leave the machine."
    )
    LOCAL_CONTEXT_TOKENS: int = valve(
        32768,
        "Local context (tokens)",
        "Fixed context window of the local models; a larger one takes GPU memory. From 1024.",
    )
    LOCAL_THINK: Think = valve(
        "off", "Local thinking", "Let the local model think before it answers, if it can."
    )
    SIMPLE_MODEL: str | None = valve(
        None, "Model for SIMPLE turns", "Another local model for small talk; None: the local model."
    )
    VISION_MODEL: str | None = valve(
        None, "Vision model", "Local model for images, when the local model itself cannot see."
    )
    CLOUD_ENABLED: bool = valve(
        True, "Cloud on", "Off: nothing is ever sent to xAI. Without a key it is off, too."
    )
    CLOUD_MODEL: str = valve("grok-4.3", "Cloud model", "The xAI model for COMPLEX turns.")
    CLOUD_CONFIDENCE: float = valve(
        0.6,
        "Confidence for the cloud",
        "How sure the classifier must be of COMPLEX before xAI is asked; 0 to 1.",
    )
    CLOUD_WHEN_UNSURE: Literal["local", "cloud"] = valve(
        "local", "COMPLEX below that confidence", "Stay local, or ask the cloud all the same."
    )
    CLOUD_FALLBACK: bool = valve(
        True,
        "Cloud as fallback",
        "Let xAI answer when the local model fails (never private turns).",
    )
    CLOUD_ATTACHMENTS: bool = valve(
        False, "Attachments to the cloud", "Chats with files or images may leave the machine."
    )
    PRIVACY_MODE: Literal["local", "scrub", "off"] = valve(
        "local",
        "Privacy",
        "Turns with personal data or keys stay local; scrub: the cloud sees placeholders instead, "
        "but keys, cards, accounts and identity numbers stay local; off: nobody looks.",
    )
    XAI_API_BASE_URL: str = valve(
        "https://api.x.ai/v1", "xAI URL", "Base address of xAI's API, with /v1."
    )
    XAI_API_KEY: str | None = valve(
        None,
        "xAI key",
        "Better set XAI_API_KEY in the environment: a valve is readable by anyone who can reach "
        "this server.",
        is_secret=True,
    )
    TURN_BUDGET_USD: float = valve(
        0.5,
        "Budget of one turn (USD)",
        "A turn that would cost more, by estimate, stays local; -1: no limit.",
    )
    DAILY_BUDGET_USD: float = valve(
        5.0, "Daily budget (USD)", "When it is used up, turns stay local; -1: no limit."
    )
    MONTHLY_BUDGET_USD: float = valve(
        50.0, "Monthly budget (USD)", "When it is used up, turns stay local; -1: no limit."
    )
    CLOUD_SHARE: float = valve(
        1.0, "Share of turns for the cloud", "At most this share of the last 100 turns; 0 to 1."
    )
    CACHE: Literal["off", "exact", "semantic"] = valve(
        "off",
        "Answer cache",
        "Use an answer again: for the same question, or also for one that means the same.",
    )
    SEARXNG_URL: str = valve(
        "http://127.0.0.1:8080", "SearXNG URL", "Where SearXNG listens; checked by `hal doctor`."
    )
    SEARCH_CONFIDENCE: float = valve(
        0.6, "Confidence for ENRICH", "How sure that current information is needed; 0 to 1."
    )
    ENRICH_WITH: Literal["local", "cloud"] = valve(
        "local", "Answer after a search", "The local model, or xAI where the turn may leave."
    )
    SPECULATE: bool = valve(
        True,
        "Speculate",
        "Start the local answer while the classifier runs; only when both models are loaded.",
    )
    QUALITY_TARGET: float = valve(
        0.95,
        "Quality target",
        "Share of the cloud's quality that the learned router keeps; 0.5 to 1.",
    )
    CASCADE: bool = valve(
        False,
        "Check drafts",
        "Look at a local answer before it is shown where it may fall short; needs a calibrated "
        "router.",
    )
    SHADOW_SHARE: float = valve(
        0.0,
        "Shadow pairs (share of turns)",
        "So many turns that may leave are answered by the other model as well, to learn; 0 to 1.",
    )
    STICKY: bool = valve(
        True, "Sticky chats", "A chat keeps its route unless a turn is clearly different."
    )
    PASS_TOOLS: bool = valve(
        False,
        "Pass tools",
        "Pass Open WebUI's tools to the model; costs about 6,000 tokens a turn.",
    )
    SHOW_STATUS: bool = valve(True, "Show status", "Status lines above the answer.")
    LOG_CONTENT: bool = valve(
        True, "Keep texts", "Keep questions and answers in the local session log."
    )
    LOG_CONTENT_DAYS: int = valve(
        30, "Keep texts for (days)", "Texts older than this are deleted; the numbers stay."
    )

    ADVANCED: str | None = valve(
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
        data = with_strays(data if isinstance(data, Mapping) else {})
        cleaned, problems = usable_values(cls, data)
        problems += unknown_names(data, {*cls.model_fields, *Advanced.model_fields})
        valves = handler(cleaned)
        pairs, unread = pairs_of(valves.ADVANCED or "")
        chosen, unusable = usable_values(cls.advanced_class, pairs)
        valves._advanced = cls.advanced_class(**chosen)
        valves._problems = (*problems, *unread, *unusable)
        return valves


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
        value, usable = parse(info, text)
        if usable:
            words = (info.title or name, info.description or "")
            fields[name] = (info.annotation, valve(value, *words))
        else:
            problems.append(unusable(key, info, text))
    return fields, problems


def _from_environment(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    if name not in NEVER_FROM_ENVIRONMENT:
        for key in (f"HAL_{name}", *ALIASES.get(name, ())):
            if environ.get(key, "").strip():
                return key, environ[key]
    return "", ""
