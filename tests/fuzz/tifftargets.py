"""TIFF files built tag by tag from an input's octets: what gofaxsend lets pass is what libtiff reads, and costs little."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from collections.abc import Iterator

from fuzz.ground import Directory
from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.errors import TiffError
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.spool import Spool
from gofaxpy.send.document import MAX_LENGTH, MAX_PAGE, MAX_WIDTH, DocumentError, compose
from rig.tiffs import DATA, Seen, Tag, build, libtiff_pages, page

TAGS = (
    256, 257, 258, 259, 262, 266, 270, 273, 277, 278, 279, 280, 281, 282, 283, 284, 292, 293, 296, 297, 301, 306, 320, 322, 323,
    324, 325, 330, 338, 339, 340, 347, 512, 513, 529, 532, 700, 32996, 32997, 34377, 34675, 34908, 34909, 34910, 34911, 65000,
)
KINDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 0, 99)
COUNTS = (1, 1, 1, 1, 2, 3, 4, 8, 0, 100, 65536, 1 << 20, 0xFFFFFFFF)
VALUES = (
    0, 1, 2, 3, 4, 5, 8, 72, 100, 204, 1728, 14592, 14593, 65535, 65536, 65540, 310_000, 310_001, 8_000_000, 1 << 28, 1 << 31,
    0xFFFFFFFF, DATA, DATA + 60,
)
MOST_PAGES, MOST_TAGS = 6, 40
SECONDS, MEMORY = 2.0, 2 << 20     # of CPU for all readings; octets for a file of some thousand


def made(data: bytes) -> bytes:
    """The file that an input stands for."""
    steps = iter(data)
    order = "<>"[next(steps, 0) % 2]
    pages: list[list[Tag]] = [page(order)]
    links: dict[int, int] = {}
    tail = b""
    for step in steps:
        current = pages[-1]
        match step % 8:
            case 0 if len(pages) < MOST_PAGES:
                pages.append(page(order))
            case 1:
                links[len(pages) - 1] = next(steps, 0) % (MOST_PAGES + 1) - 1
            case 2 if current:
                del current[next(steps, 0) % len(current)]
            case 3 if current:      # a tag once more, with another value
                again = current[next(steps, 0) % len(current)]
                _put(current, steps, order, again.tag)
            case 4 if current:
                current.append(current.pop(next(steps, 0) % len(current)))
            case 5 if len(tail) < 1 << 14:
                tail += struct.pack(order + "I", VALUES[next(steps, 0) % len(VALUES)]) * (1 << next(steps, 0) % 10)
            case 6 if current:      # one of those that are there, with another value
                at = next(steps, 0) % len(current)
                tag = current.pop(at).tag
                _put(current, steps, order, tag)
            case _:
                _put(current, steps, order, TAGS[next(steps, 0) % len(TAGS)])
    return build(pages, order, links, tail)


def _put(tags: list[Tag], steps: Iterator[int], order: str, tag: int) -> None:
    kind = KINDS[next(steps, 0) % len(KINDS)]
    count = COUNTS[next(steps, 0) % len(COUNTS)]
    form = {1: "B", 2: "B", 3: "H", 6: "B", 7: "B", 8: "H"}.get(kind, "I")
    size = struct.calcsize(form)
    value = struct.pack(order + form, VALUES[next(steps, 0) % len(VALUES)] % (1 << 8 * size))
    times = {1: min(count, 300), 2: 8 // size}.get(next(steps, 0) % 4, 1)
    if len(tags) < MOST_TAGS:
        tags.append(Tag(tag, kind, count, value * times))


_place = Directory()


def readers(data: bytes) -> None:
    spool = Spool(_place.spool())
    path = spool.inside("docq/fuzz.tif")
    octets = made(data)
    with open(path, "wb") as file:
        file.write(octets)
    passed: list[int] = []
    started = time.process_time()
    tracemalloc.start()
    try:
        count = tiff.page_count(path)
        list(tiff.each_directory(path))
    except TiffError:
        count = 0
    for number in range(count):
        try:
            document = compose(spool, [Page("docq/fuzz.tif", number, "e0", False, 0)], "7-1")
        except DocumentError as error:
            assert not error.again and "fuzz.tif" in str(error), error
            continue
        assert (document.first, document.last) == (number, number) and document.path == path
        passed.append(number)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY, f"{peak} octets for a file of {len(octets)}"
    assert time.process_time() - started < SECONDS, "too slow"
    seen = libtiff_pages(path, MOST_PAGES + 1)
    if len(passed) == count > 0:
        assert len(seen) == count, f"{count} pages to us, {len(seen)} to libtiff"
    for number in passed:
        assert number < len(seen), f"libtiff has no page {number + 1}"
        same_page(path, number, seen[number])
    os.unlink(path)


def same_page(path: str, number: int, seen: Seen) -> None:
    """Fails unless a page that was let through is to libtiff what it is to us, and small enough for the switch."""
    ours = tiff.directories(path)[number]
    assert (ours.width, ours.length, ours.compression, ours.resolution_unit) == (
        seen.width, seen.length, seen.compression, seen.unit
    ), (ours, seen)
    assert seen.bits == seen.samples == 1 and not seen.tiled and ours.bilevel, seen
    for resolution, other in ((ours.x_resolution, seen.x_resolution), (ours.y_resolution, seen.y_resolution)):
        assert abs(resolution - other) <= 1e-5 * abs(other), (ours, seen)
    assert seen.width <= MAX_WIDTH and seen.length <= MAX_LENGTH and seen.row * seen.length <= MAX_PAGE, seen
