"""An evaluation as one self-contained page of HTML: a sentence, drawings, tables.

Pure. The shell and the escaping are `html_page`'s, the drawings `plots`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ... import __version__
from ...html_page import page, table, text
from ..report.charts import NARROW
from ..report.style import STYLE as REPORT_STYLE
from ..report.table import Table
from .evaluation import IN_FORCE, Evaluation
from .evaluation_tables import headline, notes, tables
from .plots import STYLE, Line, confusion_svg, cost_quality_svg, reliability_svg

# Two thirds of the page: a curve that is wider says no more.
_WIDE = 640.0
_STYLE = f"svg.chart {{ max-width: {_WIDE:g}px; }}\n"


def evaluation_page(found: Evaluation, made_at: str) -> str:
    """The whole document; no text of a user is in it."""
    return page("hal router eval", _body(found, made_at), style=REPORT_STYLE + STYLE + _STYLE)


def _body(found: Evaluation, made_at: str) -> Iterator[str]:
    yield '<header><p class="over">hal router eval</p>'
    yield f"<h1>{text(headline(found))}</h1>"
    yield from (f'<p class="faint">{text(line)}</p>' for line in notes(found))
    yield "</header>"
    for shown in tables(found):
        yield f'<h2>{text(shown.title)}</h2><div class="card">'
        yield _drawing(found, shown.key)
        yield _table(shown)
        yield "</div>"
    yield f'<footer><p class="note">hal-auto {text(__version__)}, {text(made_at)}.</p></footer>'


def _drawing(found: Evaluation, key: str) -> str:
    if key == "ranking" and found.ranking.lines:
        return _both(lambda name, width: cost_quality_svg(_shown(found, width), name, width), key)
    if key == "reliability" and found.believed:
        return f'<div class="pair">{reliability_svg(found.believed.bins, "reliability")}</div>'
    if key == "confusion" and found.confusions:
        counts = found.confusions.counts
        return _both(lambda name, width: confusion_svg(counts, name, width), key)
    return ""


def _shown(found: Evaluation, width: float) -> list[Line]:
    """On a phone there is room for one router between the baselines."""
    few = {IN_FORCE, *(one.name for one in found.ranking.baselines)}
    return [one for one in found.ranking.lines if width > NARROW or one.name in few]


def _both(draw: Callable[[str, float], str], name: str) -> str:
    """Once for a desk and once for a phone: letters must not shrink with the drawing."""
    return "".join(
        f'<div class="{style}">{draw(f"{name}-{style}", width)}</div>'
        for style, width in (("wide", _WIDE), ("narrow", NARROW))
    )


def _table(shown: Table) -> str:
    if not shown.rows:
        return f'<p class="faint">{text(shown.empty)}</p>'
    heads = [head[1:] for head in shown.heads]
    leans = "".join("<" if head[0] == "~" else head[0] for head in shown.heads)
    rows = ([text(cell) for cell in row] for row in shown.rows)
    below = "".join(f'<p class="note">{text(note)}</p>' for note in shown.notes)
    return f"{table(heads, rows, classes=leans)}{below}"
