"""The rows of the session log: what is written down of a turn.

Knows no database: a row is a frozen value, and a table is only the name that it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .columns import AnyRow, json_column

# A turn is written when it begins and replaced when it ends, so what a kill leaves behind says so.
RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """One turn. `started_at` is unix seconds in UTC; None means not known, or not yet.

    `provider`, `model` and `leaves_machine` are those of the target that answered. `speculation`
    is '', 'used' or 'discarded', `cache` '', 'exact' or 'semantic'. `degradations` are words such
    as "classifier_timeout".
    `private_kinds` counts what was found in all that would have travelled; `is_hard`: some of it
    never leaves but by the user's word, and `privacy_word` is that word, "off" when nobody
    looked, '' when none was said.
    `features_json` is opaque JSON text. The store fills `process_id`: who is writing this turn.
    `override` is the command that the user gave. `propensity` is the probability, 0..1, with which
    the policy made this decision: 1 where nothing was left to chance. `message_count`
    counts questions and answers up to this question (no system prompt, no tool rounds) and
    `prompt_chars` all characters of the conversation. `cloud_cost_usd` is what the same tokens
    would have cost at the cloud model, None where that is not known. `p_local_ok` and `gain` are
    what the learned router `router_id` expected, None where it was not asked. `cascade` is what
    became of a local draft: kept, escalated, late (shown unchecked) or returned (shown because no
    other target could answer), '' where there was none.
    """

    table: ClassVar[str] = "turn"
    id: str
    started_at: float
    chat_id: str | None = None
    message_id: str | None = None
    user_message_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    task: str | None = None
    policy_id: str = ""
    route: str = ""
    source: str = ""
    confidence: float | None = None
    reason: str = ""
    needs_search: float | None = None
    probabilities: Mapping[str, float] = json_column(dict)
    prompt_id: str | None = None
    provider: str = ""
    model: str = ""
    leaves_machine: bool = False
    outcome: str = RUNNING
    error_code: str = ""
    classify_ms: float | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    speculation: str = ""
    cache: str = ""
    finish_reason: str = ""
    degradations: tuple[str, ...] = json_column(tuple)
    notes: tuple[str, ...] = json_column(tuple)
    hal_version: str = ""
    private_kinds: Mapping[str, int] = json_column(dict)
    is_hard: bool = False
    privacy_word: str = ""
    features_json: str = "{}"
    process_id: str = ""
    override: str = ""
    propensity: float = 1.0
    message_count: int | None = None
    prompt_chars: int | None = None
    cloud_cost_usd: float | None = None
    p_local_ok: float | None = None
    gain: float | None = None
    router_id: str = ""
    cascade: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One request to a model. `n` counts within the turn; purpose: classify, answer, ...

    `attempt` counts the tries at one target. `is_estimate`: the provider did not say what it cost.
    """

    table: ClassVar[str] = "call"
    id: str
    turn_id: str
    n: int
    purpose: str
    provider: str
    model: str
    started_at: float
    first_token_ms: float | None = None
    total_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    outcome: str = RUNNING
    error_code: str = ""
    host: str = ""
    attempt: int = 1
    is_estimate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRow:
    """Bytes that are about to leave the machine: how many, where to, and their hash.

    `masked` counts what was replaced in them by kind, `hashes` are the keyed hashes of those
    values. `passed` counts what is private and in them all the same, by the user's word.
    """

    table: ClassVar[str] = "egress"
    id: str
    turn_id: str
    at: float
    host: str
    bytes: int
    sha256: str
    call_id: str | None = None
    provider: str = ""
    model: str = ""
    purpose: str = ""
    masked: Mapping[str, int] = json_column(dict)
    hashes: tuple[str, ...] = json_column(tuple)
    passed: Mapping[str, int] = json_column(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressContentRow:
    """What left the machine, as it was sent, without the bytes of images."""

    table: ClassVar[str] = "egress_content"
    egress_id: str
    created_at: float
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersionRow:
    """A prompt as it was used. `id` is name@version+sha8; the first sighting is the one kept."""

    table: ClassVar[str] = "prompt_version"
    id: str
    name: str
    version: str
    sha256: str
    text: str
    first_seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRow:
    """What was asked, and the answer that was actually delivered, cut short or not. `draft` is the
    local answer that was replaced before anything of it was shown, '' where there was none."""

    table: ClassVar[str] = "content"
    turn_id: str
    created_at: float
    question: str = ""
    answer: str = ""
    thinking: str = ""
    draft: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRow:
    """What the search of one turn came to. `problem` is a sentence of ours, '' when it worked.

    `rewritten_by` is "model", or why it was not the model. `cited` are the numbers of the sources
    that the answer used, `invalid` how many it made up. `detail` holds queries and addresses with
    what became of each: it expires with the texts.
    """

    table: ClassVar[str] = "lookup"
    turn_id: str
    created_at: float
    queries: int = 0
    hits: int = 0
    pages: int = 0
    pages_read: int = 0
    sources: int = 0
    cited: tuple[int, ...] = json_column(tuple)
    invalid: int = 0
    problem: str = ""
    rewritten_by: str = ""
    freshness: str = ""
    material_tokens: int = 0
    rewrite_ms: float = 0.0
    search_ms: float = 0.0
    read_ms: float = 0.0
    total_ms: float = 0.0
    detail: Mapping[str, Any] = json_column(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One signal about one turn, or about one of its calls. Append-only: a person who changes a
    thumb makes a second row, and the newest of a name and source is the one that counts.

    `name` is one of `signals.Name`; `value` is -1..1, where 1 means that the turn was right and -1
    that it was wrong; None withdraws an earlier one. `label` is what the signal wants, for example
    a route, or a category of it. A pair's (judge_pair) is seen from the local model: 1, its answer
    is at least as good, -1, the cloud's is clearly better, 0, unsure; its label is local, cloud,
    tie or unsure. `source` is human, implicit, rule or judge, `source_version` who
    exactly. `external_id` is the id of the same thing elsewhere, as of a rating in Open WebUI.
    """

    table: ClassVar[str] = "score"
    id: str
    turn_id: str
    created_at: float
    name: str
    value: float | None = None
    label: str = ""
    source: str = ""
    source_version: str = ""
    call_id: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreContentRow:
    """What a person wrote with a rating: as private as the answer, and expires with it."""

    table: ClassVar[str] = "score_content"
    score_id: str
    created_at: float
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """The rules that a `policy_id` stands for, as they were; the first sighting is the one kept."""

    table: ClassVar[str] = "policy"
    id: str
    first_seen: float
    settings: Mapping[str, Any] = json_column(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A turn whose right decision is known well enough to learn from or to test against.

    `expected` is the route that was wanted; `weight` 0..1 how sure that is; `sources` the names of
    the scores that say so. `split` is train, validation, test or pin, '' until it is assigned.
    """

    table: ClassVar[str] = "eval_case"
    turn_id: str
    created_at: float
    expected: str
    weight: float
    sources: tuple[str, ...] = json_column(tuple)
    split: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """The other target's answer to a turn, asked for after the turn and shown to nobody.

    `reason` is anchor (chance alone) or disagreement (a candidate router would have decided
    otherwise); `propensity` the probability, 0..1, with which this turn was chosen. `router_id`:
    the candidate, '' for an anchor. `call_id` names its call, whose row has tokens and cost.
    """

    table: ClassVar[str] = "shadow"
    id: str
    turn_id: str
    created_at: float
    reason: str
    propensity: float
    provider: str = ""
    model: str = ""
    leaves_machine: bool = False
    outcome: str = RUNNING
    error_code: str = ""
    call_id: str | None = None
    router_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowContentRow:
    """What the other target answered: as private as the turn's own answer, and expires with it."""

    table: ClassVar[str] = "shadow_content"
    shadow_id: str
    created_at: float
    answer: str = ""


# Every table with its row, in the order in which an import has to write them.
ROWS: tuple[type[AnyRow], ...] = (
    PolicyRow,
    PromptVersionRow,
    TurnRow,
    CallRow,
    EgressRow,
    EgressContentRow,
    ContentRow,
    LookupRow,
    ScoreRow,
    ScoreContentRow,
    CaseRow,
    ShadowRow,
    ShadowContentRow,
)
Row = (
    TurnRow
    | CallRow
    | PromptVersionRow
    | ContentRow
    | EgressContentRow
    | LookupRow
    | ScoreRow
    | ScoreContentRow
    | PolicyRow
    | CaseRow
    | ShadowRow
    | ShadowContentRow
)
