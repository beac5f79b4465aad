"""The report of a run as one page: the review, the tree of candidates, and what changes.

Knows no text of a user: the page may be shown to others.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...html_page import page, table, text
from .outcome import Outcome, diff
from .proposers.problem import Attempt
from .recall import recalls
from .review import headline
from .trial import accuracy

_STYLE = """
ul.tree, ul.tree ul { list-style: none; margin: 0; padding-left: 1.25rem; }
ul.tree li { border-left: 2px solid var(--line); padding: .2rem 0 .2rem .75rem; }
.bar { display: inline-block; height: .6rem; background: var(--accent); border-radius: .2rem; }
pre .plus { color: var(--good); } pre .minus { color: var(--bad); }
"""
# The widest bar of a score, in rem.
_BAR_REM = 10


def improvement_page(outcome: Outcome) -> str:
    return page(f"hal improve {outcome.run_id}", _body(outcome), style=_STYLE)


def _body(outcome: Outcome) -> Iterator[str]:
    sides = outcome.sides
    yield f"<h1>{text(headline(outcome))}</h1>"
    yield (
        f'<p class="faint">Run {text(outcome.run_id)} · <code>{text(outcome.prompt.id)}</code> ·'
        f" {text(outcome.model)} · {len(sides.train)} cases to learn from,"
        f" {len(sides.validation)} to choose by, {len(sides.test)} unseen,"
        f" {len(sides.pins)} pinned</p>"
    )
    if outcome.confusion is not None:
        yield "<h2>What fails now</h2>"
        routes = outcome.confusion.routes
        rows = [[text(r), *map(str, outcome.confusion.row(r))] for r in routes]
        yield table(["wanted", *routes], rows, classes="<" + ">" * len(routes))
    if outcome.results:
        yield "<h2>Measured on unseen cases</h2>"
        yield _measured(outcome)
    if outcome.tree.attempts:
        yield "<h2>What was tried</h2>"
        yield '<p class="faint">Scores are of the cases that the texts were chosen by.</p>'
        yield _tree(outcome)
    for one in outcome.staged:
        yield f"<h2>Version {text(one.staged)}</h2>"
        yield _diff(diff(outcome.prompt.text, one.attempt.text, outcome.prompt.id, one.staged))


def _measured(outcome: Outcome) -> str:
    rows = []
    for one in outcome.results:
        before, after = accuracy(one.trial.first)
        recall = ", ".join(f"{r.route} {r.points:+.1f}" for r in recalls(one.trial.first))
        mark = "good" if one.verdict.passed else "bad"
        rows.append(
            [
                text(one.attempt.proposer),
                f"{before:.3f}",
                f"{after:.3f}",
                f"{one.trial.fixed}/{one.trial.broken}",
                text(recall),
                f'<span class="{mark}">{text(one.verdict.sentence)}</span>',
            ]
        )
    heads = ["proposer", "before", "after", "fixed/broken", "recall, points", "verdict"]
    return table(heads, rows, classes="<>>><<")


def _tree(outcome: Outcome) -> str:
    """Nested lists; a text whose parent is unknown hangs on the prompt in force."""
    root, *others = outcome.tree.attempts
    known = {one.version for one in outcome.tree.attempts}
    children: dict[str, list[Attempt]] = {}
    for one in others:
        parent = one.parent if one.parent in known and one.parent != one.version else root.version
        children.setdefault(parent, []).append(one)
    return f'<ul class="tree">{"".join(_branch(root, children))}</ul>'


def _branch(root: Attempt, children: dict[str, list[Attempt]]) -> Iterator[str]:
    """Without recursion: a long climb is a deep tree."""
    stack: list[Attempt | str] = [root]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
            continue
        yield f"<li>{_words(one)}"
        below = children.pop(one.version, [])
        stack.append("</ul></li>" if below else "</li>")
        if below:
            yield "<ul>"
            stack.extend(reversed(below))


def _words(one: Attempt) -> str:
    label = f"<code>{text(one.version)}</code> {text(one.proposer)} {text(one.note)}"
    if one.score is None:
        return f'{label} <span class="bad">{text(one.refusal)}</span>'
    bar = f'<span class="bar" style="width: {one.score * _BAR_REM:.2f}rem"></span>'
    return f"{bar} {one.score:.3f} {label}"


def _diff(lines: list[str]) -> str:
    marks = {"+": "plus", "-": "minus"}
    shown = (f'<span class="{marks.get(line[:1], "")}">{text(line)}</span>' for line in lines)
    return "<pre>" + "\n".join(shown) + "</pre>"
