"""The style sheet of the HTML report: light or dark as the reader's system, and plain in print."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --tile: #f4f6f8; --ink: #1b2733; --dim: #5a6877; --rule: #d9e0e6;
  --s0: #1f6fb2; --s1: #5cb89c; --s2: #d2521c; --warn: #fdf1e7; }
@media (prefers-color-scheme: dark) { :root { --paper: #12181e; --tile: #1b242d; --ink: #e6ebf0; --dim: #9aa8b6; --rule: #33404c;
  --s0: #5ba7e6; --s1: #7fd6bb; --s2: #f08a5d; --warn: #38271b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .8rem; border-bottom: 1px solid var(--rule);
  padding-bottom: .3rem; } h3 { font-size: 1rem; margin: 0 0 .5rem; }
header p, .dim, footer { color: var(--dim); margin: .2rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; padding: 0;
  list-style: none; }
.tiles li { background: var(--tile); border-radius: .5rem; padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.55rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--dim); font-size: .85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1.6rem 2rem; }
section, figure { margin: 0; min-width: 0; }
main > section, .pair { margin-top: 1.8rem; } h2 + .pair { margin-top: 0; }
.plot { overflow-x: auto; } .plot svg { display: block; width: 100%; min-width: 26rem; height: auto; }
.plot.wide svg { min-width: 40rem; }
.axis { fill: var(--dim); font-size: 11px; } .grid { stroke: var(--rule); stroke-width: 1; } .touch { fill: transparent; }
g:hover .touch { fill: var(--rule); fill-opacity: .5; }
.s0 { fill: var(--s0); background: var(--s0); } .s1 { fill: var(--s1); background: var(--s1); }
.s2 { fill: var(--s2); background: var(--s2); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--dim); font-size: .85rem; margin: 0 0 .4rem; padding: 0;
  list-style: none; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { text-align: left; padding: .28rem .6rem .28rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { color: var(--dim); font-weight: 500; font-size: .85rem; vertical-align: bottom; }
tbody th { font-weight: 400; min-width: 11rem; overflow-wrap: anywhere; unicode-bidi: isolate; }
.n { text-align: right; white-space: nowrap; } .t { overflow-wrap: anywhere; unicode-bidi: isolate; }
td.b { width: 26%; min-width: 5rem; } .bar { display: block; width: 100%; height: .7rem; margin-top: .35rem; }
details { margin: .4rem 0 0; } summary { color: var(--dim); cursor: pointer; font-size: .85rem; }
.note { background: var(--warn); border-radius: .5rem; padding: .6rem .9rem; margin: 1rem 0; }
.none { color: var(--dim); }
footer { margin-top: 2.5rem; font-size: .85rem; border-top: 1px solid var(--rule); padding-top: .6rem; }
@media print { :root { --paper: #fff; --tile: #fff; --ink: #000; --dim: #444; --rule: #bbb; --s0: #1f6fb2; --s1: #5cb89c;
  --s2: #d2521c; --warn: #fff; }
  body { max-width: none; padding: 0; font-size: 9.5pt; } .tiles li, .note { border: 1px solid var(--rule); }
  .scroll { overflow: visible; } tbody th { min-width: 4.5rem; } td.b { width: 16%; min-width: 2.5rem; }
  th, td { padding-right: .35rem; } figure, tr, .tiles li, .pair section { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; } details:not([open]) { display: none; }
  .plot svg, .plot.wide svg { min-width: 0; } .pair { grid-template-columns: 1fr 1fr; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
""".strip()
