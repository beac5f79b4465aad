"""One self-contained page of HTML: its shell, its colours by day and by night, and escaping.

Knows nothing of what stands on a page. Nothing in it is loaded from anywhere and nothing runs: no
script, no font, no picture, and a policy in the head that forbids them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

# All contrasts of text are 4.5 or more on `--ground` and on `--raised`, by day and by night.
_STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --raised: #ffffff; --ink: #1d2126; --faint: #5b636d; --line: #dcd9d3;
  --accent: #0b6b76; --good: #1f6f43; --warn: #8a5300; --bad: #a8322a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --raised: #1c2024; --ink: #e8e6e1; --faint: #a2a9b0; --line: #343a40;
    --accent: #62c3cd; --good: #76c796; --warn: #e0ad5c; --bad: #f0897f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; max-width: 42rem; }
a { color: var(--accent); }
code, .id { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .85em; }
.faint { color: var(--faint); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.card {
  background: var(--raised); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.25rem; margin: 1rem 0;
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--faint); padding: .25rem 0; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; vertical-align: top; }
th {
  color: var(--faint); font-weight: 600; border-bottom: 1px solid var(--line); white-space: nowrap;
}
td { border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--accent); }
pre {
  white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; padding: .75rem;
  border: 1px solid var(--line); border-radius: .35rem; font-size: .8rem;
}
footer { margin-top: 3rem; color: var(--faint); font-size: .85rem; }
@media print {
  :root { color-scheme: light; }
  main { max-width: none; padding: 0; }
  .card, tr, h2 { break-inside: avoid; }
}
"""
# The browser itself refuses whatever a mistake in escaping would let in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def page(title: str, body: Iterable[str], *, style: str = "") -> str:
    """A whole document. `body` is HTML that was escaped already; `style` is CSS to be added."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{text(title)}</title>",
            f"<style>{_STYLE}{style}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


def text(value: object) -> str:
    """Anything as text that a browser shows and never obeys; also right within attributes."""
    return escape(str(value), quote=True)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", classes: str = ""
) -> str:
    """A table that scrolls by itself on a phone. Heads are plain text, cells are HTML.

    `classes` has one letter for each column: '<' text, '>' figures, 't' a time.
    """
    kinds = [_CLASSES[letter] for letter in classes.ljust(len(heads), "<")]
    head = "".join(
        f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(heads, kinds, strict=True)
    )
    lines = (
        "<tr>"
        + "".join(f"<td{k}>{cell}</td>" for k, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{above}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


_CLASSES = {"<": "", ">": ' class="number"', "t": ' class="time"'}
