"""One TIFF for one call: used as it is where possible, joined where necessary."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest
from PIL import Image

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.tiff import directories, page_count
from gofaxpy.send.document import DocumentError, compose
from rig.pages import make_tiff


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
