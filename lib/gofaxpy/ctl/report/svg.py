"""Plots as inline SVG: stacked columns over time, and bars beside the rows of a table.

Colours and fonts come from the page's style sheet (classes ``s0``, ``s1`` … and ``axis``), so they follow light and dark.
Each column has its figures as a tooltip.  For readers who cannot see the plot there is a description, and the page has the
same figures as a table.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 24
_LABEL_WIDTH = 46       # units of the viewBox that one label under the axis takes


def columns(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], title: str, width: int = WIDTH, height: int = HEIGHT,
    tips: Sequence[str] = (),
) -> str:
    """Stacked columns: one column for each label, with one part for each series, the first series at the bottom.

    ``tips`` are longer names of the columns for their tooltips.  Texts are escaped here.
    """
    totals = [sum(values[at] for _, values in series) for at in range(len(labels))]
    step, top = scale(max(totals, default=0))
    plot_width, plot_height = width - LEFT - RIGHT, height - TOP - BOTTOM
    slot = plot_width / max(len(labels), 1)
    bar = min(max(slot * 0.72, 1.0), 48.0)
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{_attribute(title)}">']
    for tick in range(0, top + 1, step):
        y = TOP + plot_height * (1 - tick / top)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{_n(y)}" y2="{_n(y)}"/>')
        parts.append(f'<text class="axis" x="{LEFT - 6}" y="{_n(y + 4)}" text-anchor="end">{tick:,}</text>')
    every = max(1, math.ceil(_LABEL_WIDTH / slot))
    for at, label in enumerate(labels):
        middle = LEFT + slot * (at + 0.5)
        if at % every == 0 and LEFT <= middle <= width - 14:
            parts.append(f'<text class="axis" x="{_n(middle)}" y="{height - 7}" text-anchor="middle">{html.escape(label)}</text>')
        figures = ", ".join(f"{name} {values[at]:,}" for name, values in series)
        parts.append(f"<g><title>{html.escape(tips[at] if tips else label)}: {html.escape(figures)}</title>")
        parts.append(f'<rect class="touch" x="{_n(middle - slot / 2)}" y="{TOP}" width="{_n(slot)}" height="{plot_height}"/>')
        base = float(TOP + plot_height)
        for number, (_, values) in enumerate(series):
            size = plot_height * values[at] / top
            if size:
                base -= size
                parts.append(
                    f'<rect class="s{number}" x="{_n(middle - bar / 2)}" y="{_n(base)}" width="{_n(bar)}" height="{_n(size)}"/>'
                )
        parts.append("</g>")
    parts.append("</svg>")
    return "".join(parts)


def bar(good: int, failed: int, most: int, classes: tuple[str, str]) -> str:
    """A bar in two parts, for a row that has the same figures; ``most`` fills the whole width."""
    left = 100 * good / most if most else 0
    right = 100 * failed / most if most else 0
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{classes[0]}" width="{_n(left)}" height="10"/>'
        f'<rect class="{classes[1]}" x="{_n(left)}" width="{_n(right)}" height="10"/></svg>'
    )


def scale(most: int) -> tuple[int, int]:
    """Step and top of an axis of whole numbers up to ``most``: at most five steps, each 1, 2 or 5 times a power of ten."""
    step = 1
    while step * 5 < most:
        step = step * 2 if str(step)[0] in "15" else step // 2 * 5
    return step, step * max(1, math.ceil(most / step))


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attribute(text: str) -> str:
    return html.escape(text, quote=True)
