"""Sizes and resolutions of a TIFF's pages, which SpanDSP 0.0.6 does not tell of a file that it sends (TIFF 6.0)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_WIDTH, _LENGTH, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 256, 257, 282, 283, 296
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_CENTIMETRE = 3
_MOST_PAGES = 10_000
"""Where to stop in a file whose directories run in a circle."""


@dataclass(frozen=True, slots=True)
class TiffPage:
    """Size in pixels, resolution in pixels per metre, rounded down as SpanDSP's t4_tx.c does."""

    width: int
    length: int
    x_resolution: int
    y_resolution: int


def tiff_pages(path: str) -> list[TiffPage]:
    """The pages of a classic TIFF in their order; as many as can be read, so none where there is no such file."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return []
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    pages: list[TiffPage] = []
    if order is None:
        return pages
    try:
        (offset,) = struct.unpack_from(order + "I", data, 4)
        while offset and len(pages) < _MOST_PAGES:
            page, offset = _directory(data, order, offset)
            pages.append(page)
    except struct.error:  # the file ends before its directories do
        return pages
    return pages


def _directory(data: bytes, order: str, offset: int) -> tuple[TiffPage, int]:
    """One page, and where the next directory is (0: nowhere)."""
    (count,) = struct.unpack_from(order + "H", data, offset)
    found: dict[int, float] = {}
    for entry in range(offset + 2, offset + 2 + count * 12, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if kind == _SHORT:
            (found[tag],) = struct.unpack_from(order + "H", data, entry + 8)
        elif kind == _LONG:
            (found[tag],) = struct.unpack_from(order + "I", data, entry + 8)
        elif kind == _RATIONAL:
            (at,) = struct.unpack_from(order + "I", data, entry + 8)
            above, below = struct.unpack_from(order + "II", data, at)
            found[tag] = above / below if below else 0.0
    (following,) = struct.unpack_from(order + "I", data, offset + 2 + count * 12)
    unit = 1.0 if found.get(_UNIT) == _CENTIMETRE else 2.54
    page = TiffPage(
        width=int(found.get(_WIDTH, 0)),
        length=int(found.get(_LENGTH, 0)),
        x_resolution=int(found.get(_X_RESOLUTION, 0.0) * 100 / unit),
        y_resolution=int(found.get(_Y_RESOLUTION, 0.0) * 100 / unit),
    )
    return page, following
