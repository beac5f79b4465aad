"""Words for people: the status lines and the answer to `/why`.

Pure. Knows decisions and log rows, never the text of a question or an answer.
"""

from __future__ import annotations

from .privacy.policy import words_of_names
from .sessions.record import TurnRow
from .types import (
    DIFFICULTIES,
    Decision,
    Findings,
    Override,
    Plan,
    PrivacyWord,
    Source,
    Summary,
    Target,
)

# A hundredth of a cent: what four decimals show.
_LEAST_USD = 0.0001
_CASCADE = {
    "kept": "draft checked",
    "escalated": "local draft replaced",
    "late": "shown unchecked, it took too long",
    "returned": "local draft, nothing better could be had",
}
NOTHING_DECIDED = (
    "There is no decision in this chat yet that I could explain. Ask something first; after the "
    "answer, `/why` tells which model gave it and why."
)
FAILED_LINE = "No answer; the message below says why"
NO_CHAT = (
    "I cannot tell which chat this is, so there is nothing to explain: `/why` needs the chat that "
    "Open WebUI names. `hal sessions list` shows every decision."
)


def decision_line(decision: Decision, plan: Plan, findings: Findings) -> str:
    """What was decided and why: "local 30B · moderate (0.91) · an ordinary question"."""
    words = dict.fromkeys((decision.reason, *plan.notes))  # a rule's reason may be a note as well
    parts = [plan.targets[0].label, _route(decision), *words]
    if plan.targets[0].leaves_machine:
        parts += _what_leaves(findings)
    if decision.degraded:
        parts.append(f"({decision.degraded.replace('_', ' ')})")
    return " · ".join(parts)


def _what_leaves(findings: Findings) -> list[str]:
    """Types and counts, never values."""
    if findings.scrub:
        count = sum(findings.kinds.values())
        what = words_of_names(findings.kinds)
        items = "item" if count == 1 else "items"
        return [f"sent with {count} {items} masked: {what}"] if count else []
    return [f"sent as it is: {', '.join(findings.reasons)}"] if findings.reasons else []


def final_line(
    summary: Summary, target: Target, decision: Decision, plan: Plan, findings: Findings
) -> str:
    """The line that stays above the answer: "xAI grok-4.3 · complex (0.88) · $0.004 · 2.1 s", with
    what kept it here or what left, and how many sources it has."""
    first = f"{summary.model} · from cache" if summary.cache else target.label
    parts = [first, _route(decision), *plan.notes]
    if target.leaves_machine and not summary.cache:
        parts += _what_leaves(findings)
    if summary.cascade:
        parts.append(_CASCADE[summary.cascade])
    if summary.search:
        parts.append(summary.search if summary.search[0].isdigit() else "no sources")
    if target.leaves_machine and not summary.cache:
        parts.append(_cost(summary.usage.cost_usd))
    if summary.finish == "length":
        parts.append("stopped at the length limit")
    if summary.usage.fills_window:
        parts.append("its window was full, the beginning of the chat may be lost")
    parts.append(f"{summary.total_ms / 1000:.1f} s")
    return " · ".join(parts)


def fallback_line(failed: Target, sentence: str, following: Target) -> str:
    # One that is not asked at all, because its breaker is open, says so with its name.
    what = (
        sentence
        if sentence.startswith(f"{failed.label} is not asked")
        else f"{failed.label} failed: {sentence}"
    )
    return f"{what} Asking {following.label}."


def retry_line(target: Target, sentence: str) -> str:
    return f"{target.label}: {sentence} Trying again."


def draft_line(target: Target) -> str:
    return f"{target.label} writes a draft, which is checked before it is shown"


def replaced_line(target: Target, following: Target) -> str:
    return f"The draft of {target.label} may fall short. Asking {following.label}."


def returned_line(failed: Target, sentence: str) -> str:
    return f"{failed.label} failed: {sentence} The local draft is shown."


def waiting_line(target: Target, waiting: int) -> str:
    ahead = f"{waiting} before this turn" if waiting else "the next free place is this turn's"
    return f"Waiting for {target.label} ({ahead})"


def loading_line(target: Target) -> str:
    return f"Loading {target.label}; the first answer takes longer"


def cache_line(kind: str, similarity: float, age_s: float) -> str:
    """ "answered from cache (the same question, 12 min ago)"."""
    how = "the same question" if kind == "exact" else f"a question {similarity:.0%} alike"
    return f"answered from cache ({how}, {_age(age_s)} ago)"


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def why(row: TurnRow | None) -> str:
    """The last decision of a chat, as an answer in the chat."""
    if row is None:
        return NOTHING_DECIDED
    where = "xAI (it left this machine)" if row.leaves_machine else "this machine (nothing left it)"
    if row.cache:
        where = "this machine's cache (nobody was asked)"
    lines = [
        f"**{row.route}**, decided by {_by(row)}: {row.reason}.",
        "",
        f"- Answered by: {row.model or 'nobody'} on {where}",
        *_confidence(row),
    ]
    if row.notes:
        lines.append(f"- Notes: {'; '.join(row.notes)}")
    if row.private_kinds:
        lines.append(f"- Private in this chat: {words_of_names(row.private_kinds)}")
    if row.degradations:
        lines.append(f"- On the way: {', '.join(row.degradations).replace('_', ' ')}")
    lines += [f"- Time: {_times(row)}", f"- Tokens: {_tokens(row)}", f"- Outcome: {row.outcome}"]
    if row.prompt_id:
        lines.append(f"- Prompt: `{row.prompt_id}`, rules: `{row.policy_id}`")
    commands = ", ".join(f"`{command}`" for command in Override if command is not Override.WHY)
    words = " or ".join(f"`{word}`" for word in PrivacyWord)
    return "\n".join(
        [
            *lines,
            "",
            f"Begin a message with {commands} to decide yourself, with {words} to say how private "
            "it is.",
        ]
    )


def _cost(usd: float | None) -> str:
    if usd is None:
        return "cost unknown"
    return f"${usd:.4f}" if usd == 0 or usd >= _LEAST_USD else f"under ${_LEAST_USD:.4f}"


def _route(decision: Decision) -> str:
    if decision.source in {Source.CLASSIFIER, Source.STICKY}:
        return f"{decision.route.lower()} ({decision.confidence:.2f})"
    return decision.route.lower()


def _by(row: TurnRow) -> str:
    return {
        Source.RULE: "a rule",
        Source.OVERRIDE: "your command",
        Source.CLASSIFIER: "the classifier",
        Source.LEARNED: "the learned router",
        Source.STICKY: "the course of this chat",
        Source.EXPLORATION: "chance, to learn from it",
        Source.DEFAULT: "default, because nobody could decide",
    }.get(Source(row.source) if row.source in set(Source) else Source.DEFAULT, row.source)


def _confidence(row: TurnRow) -> list[str]:
    """What the learned router expects, and the two answers of the classifier; the log keeps those
    mixed into one distribution."""
    learned = []
    if row.p_local_ok is not None and row.gain is not None:
        learned = [
            f"- Local answer good enough: {row.p_local_ok:.0%}, expected gain of the cloud: "
            f"{row.gain:.2f} (`{row.router_id}`)"
        ]
    if row.cascade:
        learned.append(f"- Draft: {_CASCADE[row.cascade]}")
    if row.needs_search is None or not row.probabilities:
        return learned or [f"- Confidence: {row.confidence or 0.0:.2f}"]
    stay = max(1.0 - row.needs_search, 1e-9)
    hard = sorted(((row.probabilities.get(d, 0.0) / stay, d) for d in DIFFICULTIES), reverse=True)
    return [
        *learned,
        f"- How hard: {', '.join(f'{name} {p:.2f}' for p, name in hard)}",
        f"- Needs a search: {row.needs_search:.2f}",
    ]


def _times(row: TurnRow) -> str:
    parts = [
        (row.classify_ms, "deciding"),
        (row.first_token_ms, "to the first token"),
        (row.total_ms, "in all"),
    ]
    return ", ".join(f"{ms / 1000:.2f} s {words}" for ms, words in parts if ms is not None)


def _tokens(row: TurnRow) -> str:
    cost = f", ${row.cost_usd:.4f}" if row.leaves_machine and row.cost_usd is not None else ""
    return f"{row.prompt_tokens or 0} in, {row.completion_tokens or 0} out{cost}"
