"""The plots of bench/routing.py: a PNG file for each table, and one page with the same as SVG.

Knows only what the parts yield.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from _routing_report import Confusions, Finding, Reliability, Row

from hal.html_page import page, text
from hal.lab.report.style import STYLE
from hal.lab.router import plots
from hal.lab.router.curve import quality_curve


def write_plots(folder: Path, found: Sequence[Finding]) -> list[str]:
    """Into `folder`: routing.html always, PNG files where matplotlib is there. Returns notes."""
    folder.mkdir(parents=True, exist_ok=True)
    body = ["<h1>bench/routing.py</h1>"]
    for number, (name, svg, _) in enumerate(_drawings(found)):
        card = f"<h2>{text(name)}</h2>{svg(f'plot-{number}')}"
        body.append(f'<div class="card" style="max-width: 40rem">{card}</div>')
    style = STYLE + plots.STYLE
    (folder / "routing.html").write_text(page("bench/routing.py", body, style=style), "utf-8")
    try:
        for name, _, figure in _drawings(found):
            plots.save_png(figure(name), folder / f"{_file(name)}.png")
    except plots.NoMatplotlib as error:
        return [f"{folder / 'routing.html'} has all plots as SVG. {error}"]
    return []


_Svg, _Figure = Callable[[str], str], Callable[[str], object]


def _drawings(found: Sequence[Finding]) -> Iterator[tuple[str, _Svg, _Figure]]:
    """Name, and how to draw it both ways."""
    rows = [one for one in found if isinstance(one, Row)]
    for table in dict.fromkeys(one.table for one in rows):
        lines = _lines([one for one in rows if one.table == table])
        yield (
            table,
            lambda name, lines=lines: plots.cost_quality_svg(lines, name),
            lambda name, lines=lines: plots.cost_quality_figure(lines, name),
        )
    for one in found:
        if isinstance(one, Reliability):
            yield (
                one.name,
                lambda name, bins=one.bins: plots.reliability_svg(bins, name),
                lambda name, bins=one.bins: plots.reliability_figure(bins, name),
            )
        elif isinstance(one, Confusions):
            yield (
                one.name,
                lambda name, counts=one.counts: plots.confusion_svg(counts, name),
                lambda name, counts=one.counts: plots.confusion_figure(counts, name),
            )


def _lines(rows: Sequence[Row]) -> list[plots.Line]:
    """Routers first; a row over several splits shows the curve of the first and the mean APGR."""
    baselines = (plots.ORACLE, plots.LENGTH, plots.RANDOM)
    ordered = sorted(rows, key=lambda one: one.router in baselines)
    several = {one.router for one in rows if sum(each.router == one.router for each in rows) > 1}
    found = []
    for one in ordered:
        scores, outcomes = one.first
        if one.router == plots.RANDOM:
            scores = scores * 0  # all tied is what a random order is expected to give
        curve = quality_curve(scores, outcomes.weak, outcomes.strong, plots.POINTS)
        name = f"{one.router}, {one.labels:,} labels" if one.router in several else one.router
        found.append(plots.Line(name, curve, one.apgr.value))
    return found


def _file(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]
