"""The report's own style sheet, added to that of `html_page`: colours of routes, tiles, drawings.

Contrasts on `--raised`: text 4.5 or more, everything drawn 3 or more, by day and by night.
"""

STYLE = """
:root {
  --simple: #5b9aa0; --moderate: #17606b; --complex: #c26a17; --enrich: #7466b4;
  --paid: #c26a17; --cloud: #a39b8d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --simple: #97d3d6; --moderate: #3f97a3; --complex: #e39a4c; --enrich: #a99fe6;
    --paid: #e39a4c; --cloud: #7f7a70;
  }
}
main { max-width: 62rem; }
header { margin-bottom: 1.75rem; }
header .over { color: var(--accent); font-weight: 600; letter-spacing: .02em; margin: 0 0 .25rem; }
h1 { font-size: clamp(1.45rem, 4.2vw, 2.15rem); line-height: 1.2; max-width: 24em;
  text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tile { background: var(--raised); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.65rem; line-height: 1.2; font-weight: 650; }
.tile span { display: block; color: var(--faint); font-size: .85rem; line-height: 1.35; }
.pair { display: grid; gap: 1rem; grid-template-columns: 1fr; align-items: start; }
.pair > .card, .pair > div { margin: 0; min-width: 0; }
.card { min-width: 0; padding: 1rem 1.1rem; }
.card h3 { margin: 0 0 .35rem; }
.card > p:last-child { margin-bottom: 0; }
.card p { font-size: .9rem; }
.card details { margin: .5rem 0 0; font-size: .9rem; }
svg.chart { display: block; width: 100%; height: auto; margin: .35rem 0; overflow: visible; }
svg.chart text { font-size: 12px; fill: var(--ink); paint-order: stroke; stroke: var(--raised);
  stroke-width: 3px; stroke-linejoin: round; }
svg.chart text.faint { fill: var(--faint); }
.pair svg.chart { max-width: 26rem; }
.wide { display: none; }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--faint); stroke-width: 1; }
.r-simple { fill: var(--simple); } .r-moderate { fill: var(--moderate); }
.r-complex { fill: var(--complex); } .r-enrich { fill: var(--enrich); }
.c-paid { fill: var(--paid); } .c-cloud { fill: var(--cloud); }
.bar { fill: var(--simple); }
.t-first { fill: var(--simple); } .t-whole { fill: var(--moderate); }
.diagonal { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 4 4; }
.range { stroke: var(--accent); stroke-width: 2.5; }
.point { fill: var(--accent); }
.uncontested { fill: var(--raised); stroke: var(--faint); stroke-width: 1.5; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none;
  padding: 0; margin: .25rem 0 .5rem;
  color: var(--faint); font-size: .85rem; }
.legend svg { width: .7rem; height: .7rem; margin-right: .4rem; display: inline-block;
  vertical-align: -.04rem; overflow: visible; }
.note { color: var(--faint); font-size: .85rem; }
td { overflow-wrap: break-word; }
td:first-child { min-width: 6.5rem; }
th { white-space: nowrap; }
@media (min-width: 48rem) {
  .pair { grid-template-columns: 1fr 1fr; }
  .wide { display: block; } .narrow { display: none; }
}
@media print {
  .wide { display: block; } .narrow { display: none; }
  .tile { break-inside: avoid; }
  details > summary { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
