"""TIFF directories: read from documents of every make, refused where they are damaged or hostile."""

from __future__ import annotations

import os
import struct
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.errors import TiffError
from gofaxpy.hylafax.tiff import directories, page_count
from rig.tiffs import ASCII, LONG, RATIONAL, SHORT, Tag, build, libtiff_pages, number
from rig.tiffs import page as fax_page

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
THREE_PAGES = os.path.join(NATIVE, "recv-ok", "fax000000002.tif")
BROKEN_OFF = os.path.join(NATIVE, "recv-dropped-page-2", "fax000000003.tif")


def test_a_native_fax_is_read_with_all_its_tags() -> None:
    pages = directories(THREE_PAGES)
    assert page_count(THREE_PAGES) == len(pages) == 3
    assert [(page.width, page.length, page.x_resolution, page.y_resolution, page.resolution_unit) for page in pages] == [
        (1728, 1146, 204.0, 98.0, tiff.UNIT_INCH)
    ] * 3
    assert {page.compression for page in pages} == {tiff.COMPRESSION_G4}
    assert [page.number(tiff.FAX_RECV_PARAMS) for page in pages] == [2220072] * 3
    assert [page.number(tiff.FAX_RECV_TIME) for page in pages] == [10, 4, 3]
    assert [page.ascii(tiff.FAX_DCS) for page in pages] == ["00 44 1F 22"] * 3
    assert pages[0].ascii(tiff.IMAGE_DESCRIPTION) == "+49 30 FAR\n030555123\nACME Corp\n4711"
    assert pages[2].ascii(tiff.DATE_TIME) == "2026:11:23 23:11:52"


def test_tags_that_are_missing_or_of_another_kind_have_their_default() -> None:
    page = directories(THREE_PAGES)[0]
    assert (page.number(1), page.number(tiff.FAX_DCS, 7), page.ascii(tiff.FAX_RECV_TIME, "x"), page.ascii(1)) == (0, 7, "x", "")


def test_a_directory_without_an_image_is_no_page() -> None:
    assert [page.has_image for page in directories(BROKEN_OFF)] == [True, False]
    assert page_count(BROKEN_OFF) == 1


def test_big_endian_files_read_the_same(tmp_path: Path) -> None:
    swapped = str(tmp_path / "swapped.tif")
    subprocess.run(["tiffcp", "-B", THREE_PAGES, swapped], check=True, capture_output=True)
    assert Path(swapped).read_bytes()[:2] == b"MM"
    strips = {tiff.STRIP_OFFSETS, 278, 279, 254, 293, 266, tiff.FAX_DCS}  # what tiffcp leaves out or makes anew
    kept = [{tag: value for tag, value in page.tags.items() if tag not in strips} for page in directories(swapped)]
    native = [{tag: value for tag, value in page.tags.items() if tag not in strips} for page in directories(THREE_PAGES)]
    assert kept == native


def test_a_page_with_very_many_tags_and_strips_is_read(tmp_path: Path) -> None:
    strips = str(tmp_path / "strips.tif")
    subprocess.run(["tiffcp", "-r", "1", "-c", "none", THREE_PAGES, strips], check=True, capture_output=True)
    assert page_count(strips) == 3
    many = tmp_path / "many.tif"
    many.write_bytes(build([[number("<", 40000 + at, at) for at in range(100)] + fax_page()]))
    [page] = directories(str(many))
    assert (page_count(str(many)), page.width) == (1, 1728)


# -- damaged and hostile


def made(*parts: bytes) -> bytes:
    return b"II*\0\x08\0\0\0" + b"".join(parts)


ENTRY = struct.pack("<HHII", 273, 4, 1, 8)
SIZE = struct.pack("<HHIIHHII", 256, 4, 1, 8, 257, 4, 1, 8)


@pytest.mark.parametrize(("octets", "complaint"), [
    (b"", "the file is empty"),
    (b"%PDF-1.4 and so on", "is no TIFF"),
    (b"II*", "is no TIFF"),
    (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", r"version 43, not 42"),
    (b"II*\0\0\0\0\0", "the TIFF has no page"),
    (b"II*\0\x08\0\0\0", r"page 1 should be at 8 of 8 bytes"),
    (b"MM\0*\xff\xff\xff\xff", r"page 1 should be at 4294967295 of 8 bytes"),
    (made(b"\0\0", b"\0\0\0\0"), "page 1 has 0 tags"),
    (made(b"\xff\xff"), "page 1 has 65535 tags"),
    (made(b"\1\0", ENTRY), "cut off within the tags of page 1"),
    (made(b"\1\0", ENTRY, b"\x08\0\0\0"), "page 1 is followed by an earlier one"),
    (made(b"\1\0", struct.pack("<HHII", 256, 4, 1, 8), b"\0\0\0\0"), "the TIFF has no page"),
])
def test_what_is_no_document_is_refused_with_the_reason(tmp_path: Path, octets: bytes, complaint: str) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(octets)
    with pytest.raises(TiffError, match=rf"x\.tif: .*{complaint}"):
        page_count(str(path))


def test_a_text_outside_of_the_file_is_refused_when_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(made(b"\4\0", SIZE, struct.pack("<HHII", 270, 2, 0xFFFFFFFF, 8), ENTRY, b"\0\0\0\0"))
    assert page_count(str(path)) == 1
    with pytest.raises(TiffError, match="tag 270 lies outside of the file"):
        directories(str(path))


def test_more_pages_than_libtiff_counts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    count = tiff.MAX_DIRECTORIES + 1
    with open(path, "wb") as file:
        file.write(b"II*\0\x08\0\0\0")
        for number in range(count):
            file.write(b"\1\0" + ENTRY + struct.pack("<I", 8 + 18 * (number + 1) if number + 1 < count else 0))
    with pytest.raises(TiffError, match="more than 65535 pages"):
        page_count(str(path))


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TiffError, match=r"x\.tif: cannot open the document: No such file"):
        page_count(str(tmp_path / "x.tif"))
    with pytest.raises(TiffError, match="cannot read the document"):
        page_count(str(tmp_path))


def test_a_fifo_in_place_of_a_document_does_not_make_us_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.tif")
    with pytest.raises(TiffError, match="empty"):
        page_count(str(tmp_path / "x.tif"))


_ORIGINAL = Path(THREE_PAGES).read_bytes()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_ORIGINAL) - 1), st.integers(0, 255)), max_size=20), st.integers(0, len(_ORIGINAL)))
def test_damage_anywhere_is_read_or_refused_but_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]], length: int,
) -> None:
    octets = bytearray(_ORIGINAL)
    for at, value in damage:
        octets[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.tif"
    path.write_bytes(octets[:length])
    for read in (page_count, directories):
        try:
            read(str(path))
        except TiffError as error:
            assert "damaged.tif: " in str(error)


def test_tags_that_overlap_each_other_are_refused(tmp_path: Path) -> None:
    """A chain in which each directory lies within the ones before: in 28 kB there is room for three million tags."""
    path, count, first = tmp_path / "overlap.tif", 0x0111, 8
    same = count.to_bytes(2, "little") * ((2 + count * 12) // 2)
    links = b"".join(struct.pack("<I", first + 4 * number if number < 100 else 0) for number in range(1, 101))
    path.write_bytes(b"II*\0" + struct.pack("<I", first) + same + links + bytes(8))
    with pytest.raises(TiffError, match="overlap"):
        page_count(str(path))


# -- libtiff sees the same


@pytest.mark.parametrize(("tag", "name"), [(257, "ImageLength"), (259, "Compression"), (258, "BitsPerSample"), (270, "270")])
def test_a_tag_that_stands_twice_is_refused(tmp_path: Path, tag: int, name: str) -> None:
    """libtiff takes the first, others the last."""
    path = tmp_path / "x.tif"
    path.write_bytes(build([fax_page(), [number("<", tag, 8_000_000), *fax_page(), number("<", tag, 3)]]))
    with pytest.raises(TiffError, match=rf"page 2 has the tag .*{name}.* twice"):
        page_count(str(path))
    with pytest.raises(TiffError, match="twice"):
        directories(str(path))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("tag", "kind", "count", "octets"), [
    (257, 16, 1, struct.pack("<Q", 5)), (257, 9, 1, struct.pack("<i", 100)), (257, LONG, 2, struct.pack("<II", 100, 9)),
    (257, LONG, 0, bytes(4)), (257, RATIONAL, 1, struct.pack("<II", 100, 1)), (256, ASCII, 4, b"1728"),
    (258, 8, 1, struct.pack("<h", 8)), (258, 6, 1, b"\x08"), (258, SHORT, 0, bytes(4)), (277, 99, 1, b"\3"),
    (259, SHORT, 3, struct.pack("<HHH", 5, 5, 5)), (273, 7, 4, bytes(4)), (282, 11, 1, struct.pack("<f", 204)),
])
def test_what_the_picture_hangs_on_has_the_types_of_tiff_6(
    tmp_path: Path, order: str, tag: int, kind: int, count: int, octets: bytes,
) -> None:
    """libtiff reads many of these; what we did not read had its default."""
    path = tmp_path / "x.tif"
    tags = [entry for entry in fax_page(order) if entry.tag != tag]
    path.write_bytes(build([[*tags, Tag(tag, kind, count, octets)]], order))
    with pytest.raises(TiffError, match=rf"page 1 has the tag .*{tag}.* with {count} values of the type {kind}"):
        page_count(str(path))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, SHORT, LONG])
def test_numbers_of_any_width_are_what_they_are_to_libtiff(tmp_path: Path, order: str, kind: int) -> None:
    path = tmp_path / "x.tif"
    small = [number(order, tag, value, kind) for tag, value in (
        (256, 200), (257, 120), (258, 1), (259, 3), (277, 1), (278, 120), (296, 3),
    )]
    mixed = [*reversed(small), *(tag for tag in fax_page(order) if tag.tag not in {entry.tag for entry in small})]
    path.write_bytes(build([mixed, fax_page(order), mixed], order))
    ours, theirs = directories(str(path)), libtiff_pages(str(path))
    assert [(page.width, page.length, page.compression, page.resolution_unit, page.x_resolution) for page in ours] == [
        (page.width, page.length, page.compression, page.unit, page.x_resolution) for page in theirs
    ]
    assert [page.width for page in ours] == [200, 1728, 200]


def test_directories_may_stand_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(build([fax_page(length=1), fax_page(length=2), fax_page(length=3)], links={0: 2, 2: 1, 1: -1}))
    with pytest.raises(TiffError, match="should be at"):
        page_count(str(path))
    octets = bytearray(build([fax_page(length=1), fax_page(length=2), fax_page(length=3)], links={0: 2, 2: 1}))
    path.write_bytes(octets)
    with pytest.raises(TiffError, match="page 3 is followed by an earlier one"):    # the second still leads to the third
        page_count(str(path))
    second = octets.rfind(struct.pack("<HHI", 296, SHORT, 1), 0, octets.rfind(struct.pack("<HHI", 256, LONG, 1)))
    octets[second + 12:second + 16] = bytes(4)
    path.write_bytes(octets)
    assert [page.length for page in directories(str(path))] == [page.length for page in libtiff_pages(str(path))] == [1, 3, 2]


def test_a_directory_that_libtiff_cannot_read_ends_the_pages(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(build([fax_page(), [tag for tag in fax_page() if tag.tag != 257], fax_page()]))
    assert page_count(str(path)) == len(libtiff_pages(str(path))) == 1


@pytest.mark.parametrize("path", [THREE_PAGES, BROKEN_OFF])
def test_native_faxes_are_to_us_what_they_are_to_libtiff(path: str) -> None:
    ours, theirs = directories(path)[:page_count(path)], libtiff_pages(path)
    assert [(page.width, page.length, page.compression, page.x_resolution, page.y_resolution) for page in ours] == [
        (page.width, page.length, page.compression, page.x_resolution, page.y_resolution) for page in theirs
    ]


# -- what a file may cost


def peak(read: Callable[[str], object], path: Path) -> int:
    tracemalloc.start()
    try:
        read(str(path))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_texts_that_share_their_octets_cost_nothing(tmp_path: Path) -> None:
    """A thousand tags of 64 kB at one place, on 12 pages: 1.5 GB of texts in 260 kB of file, if anybody kept them."""
    path = tmp_path / "shared.tif"
    texts = [Tag(40000 + at, ASCII, 65000, struct.pack("<I", 8 + 64)) for at in range(900)]
    description = Tag(270, ASCII, 65000, struct.pack("<I", 8 + 64))
    path.write_bytes(build([[*fax_page(), description, *texts]] * 12, tail=b"A" * 65536))
    assert peak(directories, path) < 1 << 20
    assert {len(page.ascii(270)) for page in directories(str(path))} == {tiff.MAX_TEXT}


def test_many_pages_with_many_tags_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "many.tif"
    path.write_bytes(build([[*fax_page(), *(number("<", 40000 + at, at) for at in range(900))]] * 200))
    assert peak(page_count, path) < 1.5 * path.stat().st_size
    assert peak(lambda name: [None for _ in tiff.each_directory(name)], path) < 1.5 * path.stat().st_size


def test_more_tags_than_any_fax_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.tif"
    path.write_bytes(build([[*fax_page(), *(number("<", 40000 + at, at) for at in range(1000))]] * 2800))
    with pytest.raises(TiffError, match="the TIFF has too many tags"):
        page_count(str(path))
