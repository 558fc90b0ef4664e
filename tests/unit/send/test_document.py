"""One TIFF for one call: used as it is where possible, joined where necessary."""

from __future__ import annotations

import os
import stat
import struct
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.tiff import directories, page_count
from gofaxpy.send.document import DocumentError, compose
from rig.pages import make_tiff
from rig.tiffs import LONG, SHORT, Tag, build, libtiff_pages, number
from rig.tiffs import page as fax_page


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "docq").mkdir()
    return Spool(str(tmp_path))


def document(spool: Spool, name: str, pages: int) -> str:
    make_tiff(spool.path("docq", name), pages)
    return f"docq/{name}"


def pages_of(file: str, *numbers: int) -> list[Page]:
    return [Page(file, number, "e0", False, 0) for number in numbers]


def test_pages_in_a_row_of_one_document_need_no_copy(spool: Spool) -> None:
    file = document(spool, "doc1.tif;c0", 3)
    whole = compose(spool, pages_of(file, 0, 1, 2), "7-1")
    assert (whole.path, whole.first, whole.last, whole.pages) == (spool.inside(file), 0, 2, 3)
    rest = compose(spool, pages_of(file, 1, 2), "7-1")
    assert (rest.path, rest.first, rest.last, rest.pages) == (spool.inside(file), 1, 2, 2)
    rest.remove()
    assert page_count(spool.inside(file)) == 3


def test_several_documents_are_joined_and_the_copy_is_removed(spool: Spool) -> None:
    first, second = document(spool, "doc, 1.tif;c0", 3), document(spool, "doc 2.tif;c0", 1)
    joined = compose(spool, [*pages_of(first, 0, 2), *pages_of(second, 0)], "7-1")
    assert joined.pages == page_count(joined.path) == 3
    assert [page.width for page in directories(joined.path)] == [1728] * 3
    assert stat.S_IMODE(os.stat(os.path.dirname(joined.path)).st_mode) == 0o700
    joined.remove()
    assert not os.path.exists(os.path.dirname(joined.path))


def test_a_gap_in_one_document_is_joined_too(spool: Spool) -> None:
    joined = compose(spool, pages_of(document(spool, "doc1.tif;c0", 4), 0, 3), "7-1")
    assert page_count(joined.path) == 2
    joined.remove()


def test_a_picture_that_would_fill_the_switchs_memory_is_not_given_to_it(spool: Spool) -> None:
    """Ten million white rows are 1.2 MB of TIFF, and 2 GB in SpanDSP."""
    file = document(spool, "doc1.tif;c0", 1)
    path = Path(spool.inside(file))
    octets = bytearray(path.read_bytes())
    kinds = [struct.pack("<HH", tiff.IMAGE_LENGTH, kind) for kind in (tiff.LONG, tiff.SHORT)]
    entry = max(octets.find(kind) for kind in kinds)
    octets[entry:entry + 12] = struct.pack("<HHII", tiff.IMAGE_LENGTH, tiff.LONG, 1, 10_000_000)
    path.write_bytes(octets)
    with pytest.raises(DocumentError, match="1728 x 10000000 pixels, which is no fax page") as caught:
        compose(spool, pages_of(file, 0), "7-1")
    assert not caught.value.again


def built(spool: Spool, *pages: list[Tag], tail: bytes = b"") -> str:
    Path(spool.path("docq", "x.tif")).write_bytes(build(pages, tail=tail))
    return "docq/x.tif"


def with_tags(*tags: Tag, **changed: int) -> list[Tag]:
    numbers = {tag.tag for tag in tags}
    return [tag for tag in fax_page(**changed) if tag.tag not in numbers] + list(tags)


def test_a_page_of_two_lengths_is_not_given_to_anybody(spool: Spool) -> None:
    """libtiff reads the first ImageLength, eight million rows or 1.7 GB of picture; the last one is a harmless page."""
    file = built(spool, [number("<", 257, 8_000_000), *fax_page()])
    assert [page.length for page in libtiff_pages(spool.inside(file))] == [8_000_000]
    with pytest.raises(DocumentError, match=r"x\.tif: .*page 1 has the tag ImageLength \(257\) twice") as caught:
        compose(spool, pages_of(file, 0), "7-1")
    assert not caught.value.again


OFFSET = struct.pack("<I", 8)
ELSEWHERE = struct.pack("<I", 8 + 64)


@pytest.mark.parametrize(("page", "complaint"), [
    (with_tags(width=1 << 29, length=1, rows=1), "536870912 x 1 pixels, which is no fax page"),     # 8 GB of run lengths
    (with_tags(width=14593), "14593 x 100 pixels"),
    (with_tags(width=8, length=60_000_000, rows=60_000_000), "8 x 60000000 pixels"),      # within 64 MB, and no end of rows
    (with_tags(width=1728, length=310_001, rows=310_001), "1728 x 310001 pixels"),
    (with_tags(number("<", 258, 8, LONG)), "not black and white"),
    (with_tags(number("<", 262, 3, SHORT)), "not black and white"),
    (with_tags(number("<", 322, 64), number("<", 323, 64), number("<", 324, 8)), "not black and white"),
    (with_tags(number("<", 338, 1, SHORT)), "not black and white"),
    (with_tags(number("<", 296, 7, SHORT)), r"ResolutionUnit \(296\) of a page is 7"),
    (with_tags(number("<", 284, 9, SHORT)), r"PlanarConfiguration \(284\) of a page is 9"),
    (with_tags(number("<", 273, 100_000)), "not wholly in the file"),
    (with_tags(number("<", 279, 100_000)), "not wholly in the file"),
    (with_tags(number("<", 279, 0)), "not wholly in the file"),
    (with_tags(number("<", 278, 10)), "has 10 strips, but does not say where all of them are"),
    (with_tags(number("<", 278, 0)), "has no rows"),
    (with_tags(number("<", 278, 1), Tag(273, LONG, 100, ELSEWHERE), Tag(279, LONG, 100, ELSEWHERE)), "not wholly in the file"),
    (with_tags(number("<", 278, 1), Tag(273, LONG, 100, b"\xff" * 4), Tag(279, LONG, 100, ELSEWHERE)), "273 lies outside of"),
    (with_tags(Tag(34377, 1, 1 << 30, OFFSET)), "tags of page 1 overlap each other or are too long"),
])
def test_what_is_no_fax_page_is_not_given_to_the_switch(spool: Spool, page: list[Tag], complaint: str) -> None:
    file = built(spool, page, tail=b"\xff" * 2000)
    with pytest.raises(DocumentError, match=complaint) as caught:
        compose(spool, pages_of(file, 0), "7-1")
    assert not caught.value.again and "x.tif" in str(caught.value)


@pytest.mark.parametrize("page", [
    with_tags(), with_tags(width=14592), with_tags(length=310_000, rows=310_000), with_tags(compression=3),
    with_tags(number("<", 262, 1, SHORT)), with_tags(number("<", 258, 1, LONG)), with_tags(number("<", 277, 1, 1)),
    with_tags(number("<", 278, 50), Tag(273, SHORT, 2, struct.pack("<2H", 8, 40)), Tag(279, SHORT, 2, b"\x20\0" * 2)),
    with_tags(number("<", 278, 25), Tag(273, LONG, 4, struct.pack("<4I", 8, 24, 40, 56)), Tag(279, SHORT, 4, b"\x10\0" * 4)),
    [tag for tag in fax_page() if tag.tag not in (278, 279)],       # one strip, whose length libtiff finds out
    [tag for tag in fax_page() if tag.tag not in (258, 262, 277, 284, 296)],
    with_tags(Tag(270, 2, 300, b"x" * 300), number("<", 65000, 5)),
])
def test_fax_pages_of_every_make_go_to_the_switch(spool: Spool, page: list[Tag]) -> None:
    file = built(spool, page, page)
    assert compose(spool, pages_of(file, 0, 1), "7-1").pages == 2
    [first, _] = libtiff_pages(spool.inside(file))
    ours = directories(spool.inside(file))[0]
    assert (ours.width, ours.length, ours.compression) == (first.width, first.length, first.compression)


def test_a_page_before_those_to_be_sent_that_ends_libtiffs_count_is_refused(spool: Spool) -> None:
    file = built(spool, fax_page(), with_tags(number("<", 278, 0)), fax_page())
    assert len(libtiff_pages(spool.inside(file))) == 1
    with pytest.raises(DocumentError, match="has no rows"):
        compose(spool, pages_of(file, 2), "7-1")


def test_a_document_that_has_lost_pages_since_they_were_counted_is_refused(spool: Spool) -> None:
    with pytest.raises(DocumentError, match="has 1 pages, and page 3 is to be sent"):
        compose(spool, pages_of(built(spool, fax_page()), 2), "7-1")


def test_a_table_of_strips_that_all_pages_share_is_not_read_for_each_of_them(spool: Spool) -> None:
    table = 100_000
    page = with_tags(
        number("<", 278, 1), Tag(273, LONG, table, ELSEWHERE), Tag(279, LONG, table, ELSEWHERE), length=table,
    )
    file = built(spool, *[page] * 200, tail=struct.pack("<I", 40) * table)
    started = time.process_time()
    with pytest.raises(DocumentError, match="together with other pages"):
        compose(spool, pages_of(file, *range(200)), "7-1")
    assert time.process_time() - started < 1


def test_a_document_that_was_cut_off_on_its_way_is_not_sent_in_part(spool: Spool) -> None:
    """libtiff reads as many rows as there are, and SpanDSP sends them."""
    file = document(spool, "doc1.tif;c0", 1)
    path = Path(spool.inside(file))
    plain = path.read_bytes()
    [page] = directories(str(path))
    start, length = page.number(tiff.STRIP_OFFSETS), page.number(tiff.STRIP_BYTE_COUNTS)
    assert compose(spool, pages_of(file, 0), "7-1").pages == 1
    entry = plain.find(struct.pack("<HHII", tiff.STRIP_BYTE_COUNTS, tiff.LONG, 1, length))
    entry = entry if entry >= 0 else plain.find(struct.pack("<HHIHH", tiff.STRIP_BYTE_COUNTS, tiff.SHORT, 1, length, 0))
    octets = bytearray(plain)
    octets[entry:entry + 12] = struct.pack("<HHII", tiff.STRIP_BYTE_COUNTS, tiff.LONG, 1, len(plain) - start + 1)
    path.write_bytes(octets)
    with pytest.raises(DocumentError, match="seems to be cut off"):
        compose(spool, pages_of(file, 0), "7-1")


def test_a_coloured_picture_is_no_fax(spool: Spool) -> None:
    Image.new("RGB", (1728, 100)).save(spool.path("docq", "colour.tif"), compression="tiff_lzw")
    with pytest.raises(DocumentError, match="not black and white"):
        compose(spool, pages_of("docq/colour.tif", 0), "7-1")


def test_what_is_no_tiff_fails_for_good_and_leaves_nothing(spool: Spool) -> None:
    good = document(spool, "doc1.tif;c0", 1)
    Path(spool.path("docq", "bad.tif")).write_bytes(b"%PDF-1.4 no tiff")
    with pytest.raises(DocumentError, match="is no TIFF") as caught:
        compose(spool, [*pages_of(good, 0), *pages_of("docq/bad.tif", 0)], "7-1")
    assert not caught.value.again
    assert not os.path.exists(spool.path("gofax", "tmp")) or os.listdir(spool.path("gofax", "tmp")) == []


def test_documents_that_are_named_in_turn_are_read_once_each(spool: Spool) -> None:
    """A user may name documents as often as he likes; reading all tags of one of 30 MB takes a second."""
    opened: list[str] = []
    over = False

    def note(event: str, args: tuple[object, ...]) -> None:
        if not over and event == "open" and str(args[0]).startswith(spool.path("docq")):
            opened.append(os.path.basename(str(args[0])))

    files = [document(spool, name, 1) for name in ("x.tif", "y.tif")]
    sys.addaudithook(note)
    composed = compose(spool, [page for _ in range(50) for file in files for page in pages_of(file, 0)], "7-1")
    over = True
    assert composed.pages == 100 and sorted(opened) == ["x.tif", "y.tif"]
    composed.remove()


def test_more_pages_than_spandsp_counts_in_time_are_refused(spool: Spool) -> None:
    with pytest.raises(DocumentError, match="5000 are the most") as caught:
        compose(spool, pages_of(built(spool, *[fax_page()] * 5001), 0), "7-1")
    assert not caught.value.again
    crowd = built(spool, *[fax_page()] * 5000)
    assert compose(spool, pages_of(crowd, 0), "7-1").pages == 1
    with pytest.raises(DocumentError, match="5001 pages left; 5000 are the most"):
        compose(spool, pages_of(crowd, *range(5000), 0), "7-1")
