"""A received fax that was broken off: the whole pages are saved."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gofaxpy.hylafax.errors import TiffError
from gofaxpy.hylafax.tiff import page_count
from gofaxpy.hylafax.tiffrepair import cut_damage
from rig.pages import make_tiff, read_pages

NATIVE = Path(__file__).parents[1] / "data" / "native" / "recv-ok" / "fax000000002.tif"


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
