"""The valves: every setting that the admin panel shows, with its default and its words.

Knows no consumer: `settings.py` turns valves into what the rest of the package reads. Only plain
types and no bounds, because the Pipelines server refuses to start over a stored value that does not
validate, and because a save that fails shows no more than "Pipeline not found".
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


class Valves(BaseModel):
    """Lenient by design: what does not validate falls back to its default, and is reported."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    OLLAMA_BASE_URL: str = _valve("http://127.0.0.1:11434", "Ollama URL", "Where Ollama listens.")
    OLLAMA_KEEP_ALIVE: str = _valve(
        "30m", "Ollama keep-alive", "How long a model stays loaded after its last turn; -1: always."
    )
    CLASSIFIER_MODEL: str = _valve(
        "nemotron-mini:4b", "Classifier model", "Small local model that decides the route."
    )
    CLASSIFIER_CONTEXT_TOKENS: int = _valve(
        4096, "Classifier context (tokens)", "Context window of the classifier; 512 to 32768."
    )
    CLASSIFIER_DEADLINE_S: float = _valve(
        3.0, "Classifier deadline (s)", "After this the turn goes on as MODERATE; 0.1 to 30."
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
    LOCAL_FIRST_TOKEN_S: float = _valve(
        180.0,
        "Local first-token timeout (s)",
        "Longest wait for the first token, loading the model included; 1 to 1800.",
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
    CLOUD_FALLBACK: bool = _valve(
        True,
        "Cloud as fallback",
        "Let xAI answer when the local model fails (never private turns).",
    )
    CLOUD_ATTACHMENTS: bool = _valve(
        False, "Attachments to the cloud", "Chats with files or images may leave the machine."
    )
    CLOUD_REASONING: Reasoning = _valve(
        "default", "Cloud reasoning effort", "Passed to xAI models that know it."
    )
    CLOUD_FIRST_TOKEN_S: float = _valve(
        30.0, "Cloud first-token timeout (s)", "Longest wait for xAI's first token; 1 to 600."
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
    SEARXNG_URL: str = _valve(
        "http://127.0.0.1:8080", "SearXNG URL", "Where SearXNG listens; checked by `hal doctor`."
    )
    SEARCH_CONFIDENCE: float = _valve(
        0.6, "Confidence for ENRICH", "How sure that current information is needed; 0 to 1."
    )
    SPECULATE: bool = _valve(
        True,
        "Speculate",
        "Start the local answer while the classifier runs; only when both models are loaded.",
    )
    STICKY: bool = _valve(
        True, "Sticky chats", "A chat keeps its route unless a turn is clearly different."
    )
    STICKY_CONFIDENCE: float = _valve(
        0.75, "Confidence to change", "How sure the classifier must be to change a chat's route."
    )
    PASS_TOOLS: bool = _valve(
        False,
        "Pass tools",
        "Pass Open WebUI's tools to the model; costs about 6,000 tokens a turn.",
    )
    ANSWER_GAP_S: float = _valve(
        60.0, "Gap timeout (s)", "Longest pause between two tokens of an answer; 1 to 600."
    )
    ANSWER_TOTAL_S: float = _valve(
        1800.0, "Total timeout (s)", "Longest time for one answer, all attempts together; from 10."
    )
    SHOW_STATUS: bool = _valve(True, "Show status", "Status lines above the answer.")
    LOG_CONTENT: bool = _valve(
        True, "Keep texts", "Keep questions and answers in the local session log."
    )
    LOG_CONTENT_DAYS: int = _valve(
        30, "Keep texts for (days)", "Texts older than this are deleted; the numbers stay."
    )

    environment_problems: ClassVar[tuple[str, ...]] = ()
    _problems: tuple[str, ...] = PrivateAttr(default=())

    @property
    def problems(self) -> tuple[str, ...]:
        """Which values were not usable and fell back, in words for the user."""
        return (*self.environment_problems, *self._problems)

    @model_validator(mode="wrap")
    @classmethod
    def _lenient(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        cleaned, problems = _usable(cls, data if isinstance(data, Mapping) else {})
        valves = handler(cleaned)
        valves._problems = tuple(problems)
        return valves


def _usable(cls: type[Valves], data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    cleaned: dict[str, Any] = {}
    problems: list[str] = []
    for name, info in cls.model_fields.items():
        value = data.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
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
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for name, info in Valves.model_fields.items():
        key, text = _from_environment(name, environ)
        if not text:
            continue
        value, usable = _parse(info, text)
        if usable:
            words = (info.title or name, info.description or "")
            fields[name] = (info.annotation, _valve(value, *words))
        else:
            problems.append(f"{key}: not usable, the default {info.default!r} is in force")
    made: type[Valves] = create_model("Valves", __base__=Valves, **fields)
    made.environment_problems = tuple(problems)
    return made


def _from_environment(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    if name not in NEVER_FROM_ENVIRONMENT:
        for key in (f"HAL_{name}", *ALIASES.get(name, ())):
            if environ.get(key, "").strip():
                return key, environ[key]
    return "", ""
