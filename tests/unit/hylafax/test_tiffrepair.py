"""A received fax that was broken off: the whole pages are saved."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from gofaxpy.hylafax.errors import TiffError
from gofaxpy.hylafax.tiff import page_count
from gofaxpy.hylafax.tiffrepair import cut_damage
from rig.pages import make_tiff, read_pages
from rig.tiffs import LONG, Tag, build, libtiff_pages, number, page

NATIVE = Path(__file__).parents[2] / "data" / "native" / "recv-ok" / "fax000000002.tif"


@pytest.fixture
def fax(tmp_path: Path) -> Path:
    path = tmp_path / "fax.tif"
    path.write_bytes(NATIVE.read_bytes())
    return path


@pytest.mark.parametrize("missing", [1, 100, 200, 400])
def test_the_pages_before_a_broken_one_are_kept(fax: Path, missing: int) -> None:
    os.truncate(fax, fax.stat().st_size - missing)
    inode = fax.stat().st_ino
    assert cut_damage(str(fax)) == 2
    assert page_count(str(fax)) == 2 and fax.stat().st_ino == inode
    info = subprocess.run(["/usr/bin/tiffinfo", str(fax)], capture_output=True, text=True, check=True)
    assert info.stderr == "" and info.stdout.count("Image Width") == 2


def test_a_whole_file_stays_as_it_is(fax: Path) -> None:
    before = fax.read_bytes()
    assert cut_damage(str(fax)) == 3
    assert fax.read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"%PDF-1.4 0123456789", b"II+\0" + NATIVE.read_bytes()[4:]])
def test_what_has_no_whole_page_is_said_to_have_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.tif"
    path.write_bytes(data)
    with pytest.raises(TiffError):
        cut_damage(str(path))


def test_a_file_that_cannot_be_opened_is_not_taken_for_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        cut_damage(str(tmp_path / "none.tif"))


def test_every_cut_leaves_readable_pages_or_none(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tif"
    make_tiff(str(whole), 2, dpi=98)
    data = whole.read_bytes()
    for size in range(8, len(data), max(len(data) // 60, 1)):
        cut = tmp_path / "cut.tif"
        cut.write_bytes(data[:size])
        try:
            pages = cut_damage(str(cut))
        except TiffError:
            continue
        assert len(read_pages(str(cut))) == pages


@pytest.mark.parametrize("order", "<>")
def test_a_page_of_several_strips_that_are_not_all_there_is_no_whole_one(tmp_path: Path, order: str) -> None:
    def strips(last: int) -> list[Tag]:
        tables = (Tag(273, LONG, 2, struct.pack(order + "II", 8, 40)), Tag(279, LONG, 2, struct.pack(order + "II", 32, last)))
        return [tag for tag in page(order, rows=50) if tag.tag not in (273, 279)] + list(tables)

    path = tmp_path / "strips.tif"
    path.write_bytes(build([strips(32), strips(32), strips(100_000)], order))
    assert cut_damage(str(path)) == 2
    assert page_count(str(path)) == len(libtiff_pages(str(path))) == 2


def test_a_page_with_a_tag_twice_ends_the_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "twice.tif"
    path.write_bytes(build([page(), [number("<", 257, 9), *page()], page()]))
    assert cut_damage(str(path)) == page_count(str(path)) == 1
