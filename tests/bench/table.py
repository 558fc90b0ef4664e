"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.figure import Figure, Reading

_HEAD = ("figure", "value", "unit", "n", "reference", "ratio", "target", "")
_VERDICTS = {True: "met", False: "MISSED", None: ""}


def table(rows: Iterable[tuple[Figure, Reading]]) -> str:
    """Readings below each other; numbers to the right, words to the left."""
    cells = [_HEAD, *(_row(figure, reading) for figure, reading in rows)]
    return aligned(cells, right={1, 3, 4, 5})


def aligned(cells: Sequence[Sequence[str]], right: set[int]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def number(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(figure: Figure, reading: Reading) -> tuple[str, ...]:
    target = figure.targets.get(reading.name)
    return (
        reading.name, number(reading.value), reading.unit, str(reading.n), number(reading.reference), number(reading.ratio),
        str(target) if target is not None else "", _VERDICTS[figure.met(reading)],
    )
