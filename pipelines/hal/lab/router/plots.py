"""Drawings of a router: cost and quality, how far its probabilities can be believed, confusions.

Each is there twice: as a figure of matplotlib for a PNG file, and as inline SVG for a page, which
needs `STYLE` beside the report's own. Pure but for `save_png`; knows neither log nor benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..report.svg import MIDDLE, Scale, box, dot, drawing, line, shortened, ticks, words
from .calibration import Bin
from .curve import Curve, Floats, Outcomes, apgr, oracle_scores, quality_curve

ORACLE, LENGTH, RANDOM = "oracle", "prompt length", "random"
# Per cent of the turns at which a curve is drawn; RouteLLM's eleven points leave corners.
POINTS = 101
# Colours that stay apart for the colour-blind (Okabe and Ito 2008), by the order of the routers.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_BASELINES = {ORACLE: ("#555555", "-."), LENGTH: ("#555555", "--"), RANDOM: ("#9a9a9a", ":")}
_DASHES = {"-": "none", "-.": "8 3 2 3", "--": "6 4", ":": "2 3"}
STYLE = """
svg.chart .curve { fill: none; stroke-width: 2; } svg.chart .cell { fill: var(--accent); }
svg.chart .baseline { stroke: var(--faint); }
""" + "".join(f"svg.chart .router-{at} {{ stroke: {one}; }}\n" for at, one in enumerate(_COLOURS))
# Inches and dots per inch of a PNG: 1,120 by 800, sharp where it is shown at half of that.
_SIZE, _DPI = (7.0, 5.0), 160


class NoMatplotlib(Exception):
    """matplotlib is not installed; the message has the remedy."""


@dataclass(frozen=True, slots=True)
class Line:
    """A router's curve; `apgr` as in `curve.apgr`."""

    name: str
    curve: Curve
    apgr: float


def cost_quality_lines(
    routers: Mapping[str, Floats], lengths: Floats, outcomes: Outcomes
) -> tuple[Line, ...]:
    """The baselines that belong beside every router, and the routers, by their scores."""
    weak, strong = outcomes.weak, outcomes.strong
    flat = np.zeros(len(outcomes))  # all tied: what a random order is expected to give
    known = {ORACLE: oracle_scores(weak, strong), LENGTH: lengths, RANDOM: flat}
    return tuple(
        Line(
            name,
            quality_curve(scores, weak, strong, POINTS),
            apgr(quality_curve(scores, weak, strong)),
        )
        for name, scores in {**routers, **known}.items()
    )


def cost_quality_figure(lines: Sequence[Line], title: str = "") -> Any:
    """Mean quality over the share of turns that the cloud answers, as a matplotlib Figure."""
    figure, axes = _figure(title, "turns answered by the cloud, %", "mean quality")
    for one, (colour, dash, _) in zip(lines, _looks(lines), strict=True):
        label = f"{one.name} (APGR {one.apgr:.2f})"
        width = 1.3 if one.name in _BASELINES else 2.0
        axes.plot(
            one.curve.share * 100, one.curve.quality, color=colour, ls=dash, lw=width, label=label
        )
    for share, name, quality in _ends(lines):
        axes.plot([share * 100], [quality], "o", color="black", zorder=5)
        lean, right = ("left", 6) if share == 0 else ("right", -4)
        axes.annotate(
            name, (share * 100, quality), (right, -22), textcoords="offset points", ha=lean
        )
    axes.margins(y=0.12)  # room for the name below the lower of the two
    axes.set_xlim(0, 100)
    axes.legend(loc="lower right", frameon=False, fontsize="small")
    return figure


def reliability_figure(bins: Sequence[Bin], title: str = "") -> Any:
    """What was said against what came, with Wilson's 95 % intervals, as a matplotlib Figure."""
    figure, axes = _figure(title, "probability that was said", "share that came true")
    axes.plot([0, 1], [0, 1], color="#9a9a9a", ls=":")
    for each in bins:
        axes.plot([each.said] * 2, [each.came.low, each.came.high], color=_COLOURS[0], lw=1.5)
        axes.plot([each.said], [each.came.value], "o", color=_COLOURS[0])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title(f"{sum(each.count for each in bins):,} turns", loc="right", fontsize="small")
    return figure


def confusion_figure(counts: Mapping[str, Mapping[str, int]], title: str = "") -> Any:
    """Counts of `calibration.confusion`: rows what was wanted, shaded by the share of the row."""
    figure, axes = _figure(title, "decided", "wanted")
    labels = list(counts)
    shares = np.array([[_share(counts, row, got) for got in labels] for row in labels])
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    for down, row in enumerate(labels):
        for across, got in enumerate(labels):
            colour = "white" if shares[down, across] > 0.5 else "black"
            axes.text(across, down, _cell(counts, row, got), ha="center", va="center", color=colour)
    return figure


def save_png(figure: Any, path: Path) -> None:
    """Writes one of the figures above. Raises OSError."""
    figure.savefig(path, dpi=_DPI, format="png")


def cost_quality_svg(lines: Sequence[Line], name: str, width: float = 560.0) -> str:
    """The same as `cost_quality_figure`. `name` is unique on the page."""
    height = width * 0.68
    qualities = np.concatenate([one.curve.quality for one in lines])
    marks = _marks(float(qualities.min()), float(qualities.max()))
    x = Scale(0, 1, 46, width - 12)
    y = Scale(marks[0], marks[-1], height - 44, 12)
    parts = list(_axes(x, y, marks, "turns answered by the cloud"))
    for at, (one, look) in enumerate(zip(lines, _looks(lines), strict=True)):
        points = " ".join(
            f"{x(float(share)):.1f},{y(float(quality)):.1f}"
            for share, quality in zip(one.curve.share, one.curve.quality, strict=True)
        )
        dash = f'style="stroke-dasharray: {_DASHES[look[1]]}"'
        parts.append(f'<polyline class="curve {look[2]}" {dash} points="{points}"/>')
        below = y.start - 18.0 * (len(lines) - at)
        key = f"{x.end - 300:.1f},{below:.1f} {x.end - 272:.1f},{below:.1f}"
        parts.append(f'<polyline class="curve {look[2]}" {dash} points="{key}"/>')
        said = f"{shortened(one.name, 190)}, APGR {one.apgr:.2f}"
        parts.append(words(x.end - 264, below + MIDDLE, said))
    for share, end, quality in _ends(lines):
        anchor, shift = ("start", 8) if share == 0 else ("end", -8)
        parts.append(dot(x(share), y(quality), 4, "point", f"{end}: {quality:.3f}"))
        parts.append(words(x(share) + shift, y(quality) + 20, end, anchor, "faint"))
    told = "; ".join(f"{one.name} APGR {one.apgr:.3f}" for one in lines)
    ends = "; ".join(f"{end} {quality:.3f}" for _, end, quality in _ends(lines))
    return drawing(name, width, height, "Cost and quality", f"{told}. {ends}.", parts)


def reliability_svg(bins: Sequence[Bin], name: str, width: float = 340.0) -> str:
    """The same as `reliability_figure`."""
    x, y = Scale(0, 1, 46, width - 12), Scale(0, 1, width - 44, 12)
    parts = list(_axes(x, y, [0.0, 0.25, 0.5, 0.75, 1.0], "probability that was said"))
    parts.append(line(x(0), y(0), x(1), y(1), "diagonal"))
    for each in bins:
        tip = f"said {each.said:.2f}, came {each.came}, n = {each.count:,}"
        parts.append(line(x(each.said), y(each.came.low), x(each.said), y(each.came.high), "range"))
        parts.append(dot(x(each.said), y(each.came.value), 4, "point", tip))
    told = " ".join(f"Said {each.said:.2f}: came {each.came}, n {each.count}." for each in bins)
    return drawing(name, width, width, "What was said and what came", told, parts)


def confusion_svg(counts: Mapping[str, Mapping[str, int]], name: str, width: float = 480.0) -> str:
    """The same as `confusion_figure`."""
    labels = list(counts)
    across, down = (width - 100) / max(1, len(labels)), 44.0
    parts: list[str] = []
    for at, row in enumerate(labels):
        top = 22 + at * down
        parts.append(words(92, top + down / 2 + MIDDLE, row, "end"))
        parts.append(words(100 + (at + 0.5) * across, 14, row, "middle"))
        for to, got in enumerate(labels):
            left, said = 100 + to * across, _cell(counts, row, got)
            # Never so dark that the text of the page could not be read on it.
            opacity = f'<g opacity="{0.05 + 0.5 * _share(counts, row, got):.2f}">'
            tip = f"{row} decided as {got}: {said}"
            parts.append(f"{opacity}{box(left, top, across - 2, down - 2, 'cell', tip)}</g>")
            parts.append(words(left + across / 2, top + down / 2 + MIDDLE, said, "middle"))
    told = ". ".join(
        f"{row}: " + ", ".join(f"{counts[row][got]} as {got}" for got in labels) for row in labels
    )
    height = 28 + down * len(labels)
    return drawing(name, width, height, "Wanted (rows) and decided (columns)", told, parts)


def _figure(title: str, across: str, up: str) -> tuple[Any, Any]:
    """Without pyplot, which keeps all figures and needs a screen on some machines."""
    try:
        from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError as error:
        raise NoMatplotlib(
            f"{error.name} is not installed, and PNG plots need it: pip install matplotlib"
        ) from None
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=up)
    axes.set_title(title, loc="left")
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _looks(lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    """Colour, dash and class of each line; a fifth router looks like the first."""
    routers = [one.name for one in lines if one.name not in _BASELINES]
    found = []
    for one in lines:
        if one.name in _BASELINES:
            found.append((*_BASELINES[one.name], "baseline"))
        else:
            at = routers.index(one.name) % len(_COLOURS)
            found.append((_COLOURS[at], "-", f"router-{at}"))
    return found


def _ends(lines: Sequence[Line]) -> list[tuple[float, str, float]]:
    """Both models by themselves."""
    curve = lines[0].curve
    return [(0.0, "always local", curve.weak), (1.0, "always cloud", curve.strong)]


def _marks(low: float, high: float) -> list[float]:
    """Round numbers around a range that need not begin at zero: a curve is not a bar."""
    step = ticks(max(high - low, 1e-6))[1]
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [step * at for at in range(first, max(last, first + 1) + 1)]


def _axes(x: Scale, y: Scale, marks: Iterable[float], across: str) -> Iterator[str]:
    for mark in marks:
        yield line(x.start, y(mark), x.end, y(mark), "grid")
        yield words(x.start - 6, y(mark) + MIDDLE, f"{mark:.4g}", "end", "faint")
    for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield words(x(mark), y.start + 16, f"{mark:.0%}", "middle", "faint")
    yield words((x.start + x.end) / 2, y.start + 34, across, "middle", "faint")


def _share(counts: Mapping[str, Mapping[str, int]], row: str, got: str) -> float:
    return counts[row][got] / max(1, sum(counts[row].values()))


def _cell(counts: Mapping[str, Mapping[str, int]], row: str, got: str) -> str:
    return f"{counts[row][got]:,} ({_share(counts, row, got):.0%})"
