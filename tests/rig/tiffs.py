"""TIFF files put together tag by tag, also as no program would write them, and libtiff's view of a file.

libtiff is that of the machine, as tiffcp and FreeSWITCH load it (Debian: libtiff6).
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
DATA = 8            # where the strips of every page made here are
DATA_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Tag:
    """An entry of a directory.  ``octets`` as they stand in it, or, if they are more than four, elsewhere in the file."""

    tag: int
    kind: int
    count: int
    octets: bytes


def number(order: str, tag: int, value: int, kind: int = LONG) -> Tag:
    """A tag with one number; of a value that does not fit only the low bits."""
    form, bits = {BYTE: ("B", 8), SHORT: ("H", 16), LONG: ("I", 32)}[kind]
    return Tag(tag, kind, 1, struct.pack(order + form, value % (1 << bits)).ljust(4, b"\0"))


def page(order: str = "<", **changed: int) -> list[Tag]:
    """The tags of a fax page in T.6; ``changed`` are other values, by name."""
    values = {
        "width": 1728, "length": 100, "bits": 1, "compression": 4, "photometric": 0, "offset": DATA, "samples": 1,
        "rows": 100, "octets": DATA_LENGTH, "unit": 2,
    } | changed
    return [
        number(order, 256, values["width"]), number(order, 257, values["length"]), number(order, 258, values["bits"], SHORT),
        number(order, 259, values["compression"], SHORT), number(order, 262, values["photometric"], SHORT),
        number(order, 273, values["offset"]), number(order, 277, values["samples"], SHORT), number(order, 278, values["rows"]),
        number(order, 279, values["octets"]), Tag(282, RATIONAL, 1, struct.pack(order + "II", 204, 1)),
        Tag(283, RATIONAL, 1, struct.pack(order + "II", 98, 1)), number(order, 296, values["unit"], SHORT),
    ]


def build(pages: Sequence[Sequence[Tag]], order: str = "<", links: Mapping[int, int] | None = None, tail: bytes = b"") -> bytes:
    """A file of these pages.  ``links``: by page, the page that follows (from 0; a negative one: an offset behind the file's
    end), where that is not the next.  ``tail`` lies before the first directory, behind :data:`DATA_LENGTH` octets of strips."""
    body = bytearray(b"\x26\xa0" * (DATA_LENGTH // 2) + tail)
    body += b"\0" * (len(body) % 2)
    places, link_places = [], []
    for tags in pages:
        entries = bytearray()
        for tag in tags:
            value = tag.octets.ljust(4, b"\0")
            if len(value) > 4:
                value = struct.pack(order + "I", DATA + len(body))
                body += tag.octets + b"\0" * (len(tag.octets) % 2)
            entries += struct.pack(order + "HHI4s", tag.tag, tag.kind, tag.count, value)
        places.append(DATA + len(body))
        body += struct.pack(order + "H", len(tags)) + entries
        link_places.append(len(body))
        body += bytes(4)
    after = {at: at + 1 for at in range(len(pages) - 1)} | dict(links or {})
    for at, following in after.items():
        target = places[following % len(places)] if following >= 0 else DATA + len(body) + 1000
        struct.pack_into(order + "I", body, link_places[at], target)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", places[0]) + bytes(body)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as libtiff reads it."""

    width: int
    length: int
    bits: int
    samples: int
    compression: int
    x_resolution: float
    y_resolution: float
    unit: int
    tiled: bool
    row: int        # octets of a row


def libtiff_pages(path: str, most: int = 70000) -> list[Seen]:
    """The pages that libtiff finds, one by one as SpanDSP goes through a document (TIFFSetDirectory); none if it is no TIFF."""
    library = _library()
    handle = library.TIFFOpen(path.encode(), b"r")
    if not handle:
        return []
    found: list[Seen] = []
    try:
        while len(found) < most and library.TIFFSetDirectory(ctypes.c_void_p(handle), len(found)):
            found.append(_seen(library, ctypes.c_void_p(handle)))
    finally:
        library.TIFFClose(ctypes.c_void_p(handle))
    return found


def _seen(library: ctypes.CDLL, handle: ctypes.c_void_p) -> Seen:
    def whole(tag: int, kind: type[ctypes.c_uint32 | ctypes.c_uint16]) -> int:
        value = kind()
        library.TIFFGetFieldDefaulted(handle, ctypes.c_uint32(tag), ctypes.byref(value))
        return int(value.value)

    def fraction(tag: int) -> float:
        value = ctypes.c_float()
        library.TIFFGetFieldDefaulted(handle, ctypes.c_uint32(tag), ctypes.byref(value))
        return float(value.value)

    short, long = ctypes.c_uint16, ctypes.c_uint32
    return Seen(
        whole(256, long), whole(257, long), whole(258, short), whole(277, short), whole(259, short), fraction(282), fraction(283),
        whole(296, short), bool(library.TIFFIsTiled(handle)), int(library.TIFFScanlineSize(handle)),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libtiff.so.6")
    library.TIFFOpen.restype = ctypes.c_void_p
    library.TIFFScanlineSize.restype = ctypes.c_int64
    library.TIFFSetErrorHandler(None)
    library.TIFFSetWarningHandler(None)
    return library
