"""The review of a run in words, as a person would write it: what fails, what was tried, what it
measured, what is proposed. Examples are masked and shown only when asked for. Values in, lines out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .gate import MIN_CASES, MIN_DISCORDANT
from .mine import Failure
from .outcome import Outcome, Result, diff
from .proposers.problem import Attempt
from .recall import recalls
from .trial import accuracy

# Kinds of failures that are told: the dearest ones.
KINDS = 5
# What is shown of a masked example.
EXAMPLE_CHARS = 120


def headline(outcome: Outcome) -> str:
    if outcome.staged:
        best = outcome.staged[0]
        before, after = accuracy(best.trial.first)
        return (
            f"A better prompt for {outcome.name} is staged: {before:.1%} to {after:.1%} right on"
            f" {len(best.trial.first)} unseen cases."
        )
    if not outcome.sides.seen:
        return "There are no cases to learn from yet."
    if outcome.missing:
        return f"NOT ENOUGH DATA: {outcome.missing} more cases needed."
    if outcome.results:
        return f"Nothing is staged: {outcome.results[0].verdict.sentence}."
    if outcome.stopped_after in {"propose", ""}:
        return "Nothing better was found."
    return f"Ended after {outcome.stopped_after}, as asked."


def review(outcome: Outcome, *, with_examples: bool) -> Iterator[str]:
    """Line by line."""
    yield headline(outcome)
    yield ""
    yield from _data(outcome)
    if outcome.confusion is not None:
        yield from _failures(outcome, with_examples)
    if len(outcome.tree.attempts) > 1:
        yield from _tried(outcome)
    if outcome.results:
        yield from _measured(outcome)
    yield from _proposed(outcome)


def _data(outcome: Outcome) -> Iterator[str]:
    sides = outcome.sides
    yield (
        f"Run {outcome.run_id} · {outcome.prompt.id} · {outcome.model}"
        f" ({outcome.digest.removeprefix('sha256:')[:12]})"
    )
    yield (
        f"Cases: {len(sides.train)} to learn from, {len(sides.validation)} to choose by,"
        f" {len(sides.test)} unseen, {len(sides.pins)} pinned."
    )
    left = ", ".join(f"{n} {why}" for why, n in outcome.left_out.items() if n)
    if left:
        yield f"Left out: {left}."
    if not sides.seen:
        yield "Cases come from ratings, overrides (/local, /cloud, /web) and repeated questions."
        yield "`hal feedback pull` fetches the ratings from Open WebUI."


def _failures(outcome: Outcome, with_examples: bool) -> Iterator[str]:
    table = outcome.confusion
    assert table is not None  # noqa: S101  (asked for by `review`)
    yield ""
    yield "What fails now (rows: wanted, columns: chosen)"
    yield f"  {'':9}" + "".join(f"{route:>10}" for route in table.routes)
    for route in table.routes:
        yield f"  {route:9}" + "".join(f"{n:>10}" for n in table.row(route))
    for failure in outcome.failures[:KINDS]:
        yield f"  {failure.count} × {failure.words} ({failure.length}, {failure.script})"
        if with_examples:
            yield from _examples(failure)


def _examples(failure: Failure) -> Iterator[str]:
    for case in failure.examples:
        text = " ".join(case.question.split())
        cut = text if len(text) <= EXAMPLE_CHARS else f"{text[:EXAMPLE_CHARS]}…"
        yield f"      “{cut}” ({', '.join(case.sources) or 'unknown'})"


def _tried(outcome: Outcome) -> Iterator[str]:
    yield ""
    yield "What was tried (scores on the cases to choose by: too good to be true, never quote them)"
    root, *attempts = outcome.tree.attempts
    yield f"  in force: {root.score or 0.0:.3f}"
    for proposer in outcome.tree.proposers:
        yield f"  {_proposer(proposer, [a for a in attempts if a.proposer == proposer])}"
    calls = sum(outcome.calls.values())
    yield f"  {calls} calls to the classifier, {outcome.reflections} reflections"


def _proposer(name: str, attempts: list[Attempt]) -> str:
    scored = [one.score for one in attempts if one.score is not None]
    refused = Counter(one.refusal for one in attempts if one.refusal)
    best = f"best {max(scored):.3f}" if scored else "none could be tried"
    reasons = "; ".join(f"{n} refused ({why})" for why, n in refused.most_common())
    return f"{name}: {len(attempts)} texts, {best}" + (f", {reasons}" if reasons else "")


def _measured(outcome: Outcome) -> Iterator[str]:
    yield ""
    yield "What it measured on unseen cases"
    for one in outcome.results:
        before, after = accuracy(one.trial.first)
        yield (
            f"  {one.attempt.proposer}: {before:.3f} to {after:.3f},"
            f" {one.trial.fixed} fixed, {one.trial.broken} broken"
        )
        changed = (f"{r.route} {r.points:+.1f}" for r in recalls(one.trial.first))
        yield "    recall: " + ", ".join(changed)
        before_t, after_t = one.trial.tokens_before, one.trial.tokens_after
        yield f"    the classifier reads {after_t:.0f} tokens for a decision, {before_t:.0f} before"
        yield f"    {one.verdict.sentence}"


def _proposed(outcome: Outcome) -> Iterator[str]:
    yield ""
    if not outcome.staged:
        if outcome.missing:
            yield f"The gate wants {MIN_CASES} unseen cases and {MIN_DISCORDANT} that change."
        return
    for one in outcome.staged:
        yield from _change(outcome, one)


def _change(outcome: Outcome, one: Result) -> Iterator[str]:
    yield f"Proposed by {one.attempt.proposer}: version {one.staged}"
    yield from diff(outcome.prompt.text, one.attempt.text, outcome.prompt.id, one.staged)
    if one.is_live:
        yield "In force, by --auto. `hal improve rollback --yes` takes it back."
    else:
        yield f"To put it in force: hal improve apply {one.staged} --yes"
        yield f"For a fifth of the chats first: hal improve apply {one.staged} --canary 0.2 --yes"
