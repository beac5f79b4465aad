"""Inline SVG as text: shapes, axes and scales, and nothing that a chart is about.

Pure. Every text is escaped here. Colours are classes, so that the page's own style sets them by day
and by night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from ...html_page import text as escaped

# About three quarters of the height of capitals, so that a text stands in the middle of a line.
MIDDLE = 4.0
# Advance of a digit or lower-case letter in system fonts at 12 px, a little too wide.
LETTER = 6.6


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to coordinates: `low` comes to `start`, `high` to `end`. `to` bends it first."""

    low: float
    high: float
    start: float
    end: float
    to: Callable[[float], float] = float

    def __call__(self, value: float) -> float:
        low, high = self.to(self.low), self.to(self.high)
        part = (self.to(value) - low) / (high - low) if high > low else 0.0
        return self.start + part * (self.end - self.start)


def logarithmic(value: float) -> float:
    """For a `Scale` whose values are above zero."""
    return log10(max(value, 1e-9))


def ticks(high: float, count: int = 4) -> list[float]:
    """Round numbers from zero to at least `high`, about `count` steps."""
    if high <= 0:
        return [0.0, 1.0]
    rough = high / count
    size = 10.0 ** floor(log10(rough))
    step = next(
        size * factor for factor in (1, 2, 2.5, 5, 10) if rough <= size * factor * (1 + 1e-9)
    )
    return [step * i for i in range(ceil(high / step - 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """The powers of ten around a range, for a logarithmic axis; at least two."""
    first = floor(log10(max(low, 1e-9)))
    last = max(first + 1, ceil(log10(max(high, 1e-9))))
    return [10.0**power for power in range(first, last + 1)]


def drawing(  # noqa: PLR0913 - what an accessible drawing has to have
    name: str,
    width: float,
    height: float,
    title: str,
    desc: str,
    parts: Iterable[str],
    style: str = "",
) -> str:
    """A whole drawing. `name` is unique on the page; a screen reader says `title` and `desc`."""
    label = f'role="img" aria-labelledby="{name}-t {name}-d"'
    return (
        f'<svg class="{f"chart {style}".strip()}" viewBox="0 0 {_n(width)} {_n(height)}" {label}>'
        f'<title id="{name}-t">{escaped(title)}</title><desc id="{name}-d">{escaped(desc)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def box(  # noqa: PLR0913 - four numbers and what it is
    x: float, y: float, width: float, height: float, style: str, tip: str = ""
) -> str:
    """A rectangle; `tip` is shown when a mouse rests on it."""
    shape = (
        f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    )
    return f"{shape}>{_tip(tip)}</rect>" if tip else f"{shape}/>"


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def dot(x: float, y: float, radius: float, style: str, tip: str = "") -> str:
    shape = f'<circle class="{style}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"'
    return f"{shape}>{_tip(tip)}</circle>" if tip else f"{shape}/>"


def words(x: float, y: float, value: str, anchor: str = "start", style: str = "") -> str:
    """A line of text; `anchor` is start, middle or end."""
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escaped(value)}</text>'


def shortened(value: str, room: float) -> str:
    """As much of a text as fits into `room`, at 12 px."""
    most = max(3, int(room / LETTER))
    return value if len(value) <= most else value[: most - 1] + "…"


def every(count: int, most: int) -> Sequence[int]:
    """Which of `count` things get a label so that at most `most` do, evenly from the first on."""
    return range(0, count, max(1, ceil(count / max(1, most))))


def _tip(value: str) -> str:
    return f"<title>{escaped(value)}</title>"


def _n(value: float) -> str:
    """A tenth of a pixel is enough, and short."""
    return f"{value:.1f}".removesuffix(".0")
