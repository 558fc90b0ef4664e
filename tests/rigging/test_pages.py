"""Test documents and their comparison."""

from __future__ import annotations

import os
import subprocess

import pytest
from PIL import Image

from rig.pages import (
    FINE,
    NORMAL,
    WIDTH,
    Page,
    compare,
    compare_documents,
    make_postscript,
    make_tiff,
    preview,
    read_pages,
)

BLANK = bytes(WIDTH // 8)
TAG = b"\x55" * (WIDTH // 8)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = str(tmp_path_factory.mktemp("pages") / "one.tif")
    make_tiff(path, 1, dpi=NORMAL)
    return read_pages(path)[0]


def with_rows(page: Page, rows: tuple[bytes, ...]) -> Page:
    return Page(page.width, page.dpi, rows)


@pytest.mark.parametrize(("dpi", "height"), [(NORMAL, 1146), (FINE, 2292)])
def test_a_made_tiff_has_a4_pages_of_fax_width_each_different(tmp_path: os.PathLike[str], dpi: int, height: int) -> None:
    path = os.path.join(tmp_path, "made.tif")
    make_tiff(path, 3, dpi=dpi)
    pages = read_pages(path)
    assert [(page.width, page.dpi, len(page.rows)) for page in pages] == [(WIDTH, dpi, height)] * 3
    assert len({page.rows for page in pages}) == 3


def test_a_made_tiff_is_what_fax_machines_write(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "made.tif")
    make_tiff(path, 2)
    with Image.open(path) as image:
        for number in range(2):
            image.seek(number)
            tags = image.tag_v2  # type: ignore[attr-defined]
            assert tags[262] == 0, "white is zero"
            assert tags[259] == 4, "T.6"
            assert tags[278] == tags[257], "one strip"
            assert tags[296] == 2, "dots per inch"


def test_the_area_of_tag_lines_is_blank_in_made_documents(page: Page) -> None:
    assert all(page.is_blank(row) for row in range(page.tag_line_rows))


def test_black_is_one_whatever_the_file_says_of_it(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "other.tif")
    image = Image.new("1", (16, 2), 255)
    image.putpixel((0, 0), 0)
    image.save(path, compression="group4")  # Pillow writes white as one
    assert read_pages(path)[0].rows == (b"\x80\x00", b"\x00\x00")


def test_a_page_equals_itself(page: Page) -> None:
    found = compare(page, page)
    assert (found.identical, found.shift, found.first_row) == (True, 0, 0)


def test_a_tag_line_put_above_the_page_is_left_out(page: Page) -> None:
    found = compare(page, with_rows(page, (TAG,) * 16 + page.rows))
    assert (found.identical, found.shift, found.first_row) == (True, 16, 16)


def test_a_tag_line_written_over_the_page_is_left_out(page: Page) -> None:
    found = compare(page, with_rows(page, (TAG,) * 22 + page.rows[22:]))
    assert (found.identical, found.shift, found.first_row) == (True, 0, 22)


def test_both_kinds_of_tag_line_together_are_left_out(page: Page) -> None:
    found = compare(page, with_rows(page, (TAG,) * 16 + (TAG,) * 22 + page.rows[22:]))
    assert (found.identical, found.shift, found.first_row) == (True, 16, 38)


def test_white_rows_cut_off_at_the_foot_are_no_difference(page: Page) -> None:
    padded = with_rows(page, (*page.rows, BLANK, BLANK))
    assert compare(padded, page).identical


def test_black_rows_cut_off_at_the_foot_are_a_difference(page: Page) -> None:
    padded = with_rows(page, (*page.rows, TAG))
    assert not compare(padded, page).identical


def test_rows_added_at_the_foot_are_a_difference(page: Page) -> None:
    assert not compare(page, with_rows(page, (*page.rows, TAG))).identical


@pytest.mark.parametrize("row", [50, 300, 1145])
def test_one_wrong_bit_below_the_tag_line_is_a_difference(page: Page, row: int) -> None:
    rows = list(page.rows)
    rows[row] = bytes([rows[row][0] ^ 0x10]) + rows[row][1:]
    found = compare(page, with_rows(page, tuple(rows)))
    assert not found.identical
    assert f"row {row} of 1146 differs" in found.detail


def test_another_width_is_a_difference(page: Page) -> None:
    other = Page(2048, page.dpi, tuple(row + bytes(40) for row in page.rows))
    assert compare(page, other).detail == "2048 dots to a row, 1728 were sent"


def test_a_missing_and_a_surplus_page_are_named(page: Page) -> None:
    assert [c.detail for c in compare_documents([page, page], [page])][1:] == ["page 2 did not arrive"]
    assert [c.detail for c in compare_documents([page], [page, page])][1:] == ["page 2 was never sent"]


def test_swapped_pages_are_a_difference(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "made.tif")
    make_tiff(path, 2, dpi=NORMAL)
    first, second = read_pages(path)
    assert [c.identical for c in compare_documents([first, second], [second, first])] == [False, False]


def test_a_made_postscript_document_has_the_pages_asked_for(tmp_path: os.PathLike[str]) -> None:
    source, tiff = os.path.join(tmp_path, "made.ps"), os.path.join(tmp_path, "made.tif")
    make_postscript(source, 3)
    command = ["/usr/bin/gs", "-q", "-dSAFER", "-sDEVICE=tiffg4", "-r204x98", "-sPAPERSIZE=a4", "-o", tiff, source]
    subprocess.run(command, check=True)
    pages = read_pages(tiff)
    assert len(pages) == 3
    assert len({page.rows for page in pages}) == 3
    assert all(page.is_blank(row) for page in pages for row in range(page.tag_line_rows))


def test_a_preview_shows_all_pages_side_by_side_in_their_true_shape(tmp_path: os.PathLike[str]) -> None:
    tiff, png = os.path.join(tmp_path, "made.tif"), os.path.join(tmp_path, "made.png")
    make_tiff(tiff, 3, dpi=NORMAL)
    preview(tiff, png, width=210)
    with Image.open(png) as image:
        assert image.width == 3 * 210 + 4 * 16
        assert abs(image.height - 2 * 16 - 297) <= 8
        light = sum(image.convert("L").histogram()[200:])
        assert light > image.width * image.height / 2
