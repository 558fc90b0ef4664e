"""HylaFAX's tags on received faxes: what faxinfo says of them, and nothing lost whenever we are interrupted."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.encoding import encode
from gofaxpy.hylafax.errors import TiffError
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.recvtags import PageTags, description, write_receive_tags
from gofaxpy.hylafax.tiff import Directory, directories, page_count
from rig.guard import hylafax_program

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
THREE_PAGES = os.path.join(NATIVE, "recv-ok", "fax000000002.tif")
BROKEN_OFF = os.path.join(NATIVE, "recv-dropped-page-2", "fax000000003.tif")
OURS = {tiff.IMAGE_DESCRIPTION, tiff.FAX_RECV_PARAMS, tiff.FAX_RECV_TIME, tiff.FAX_DCS}
PARAMS = FaxParams(df=3, ec=2)
TEXT = description("+49 30 FAR", ("030555123", "ACME Corp", "4711"))
TAGS = [PageTags(PARAMS.encode(), seconds, PARAMS.dcs(), TEXT) for seconds in (10, 4, 3)]


@pytest.fixture(params=["-L", "-B"], ids=["little endian", "big endian"])
def fax(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Three pages as SpanDSP leaves them: native's fax without HylaFAX's own tags."""
    path = str(tmp_path / "fax000000002.tif")
    subprocess.run(["tiffcp", request.param, THREE_PAGES, path], check=True, capture_output=True)
    for page in "012":
        for tag in sorted(OURS):
            subprocess.run(["tiffset", "-d", page, "-u", str(tag), path], check=True, capture_output=True)
    assert all(not OURS & set(page.tags) for page in directories(path))
    return path


def others(pages: list[Directory]) -> list[dict[int, int | float | str]]:
    return [{tag: value for tag, value in page.tags.items() if tag not in OURS} for page in pages]


def ours(pages: list[Directory]) -> list[tuple[int, int, str, str]]:
    return [
        (
            page.number(tiff.FAX_RECV_PARAMS), page.number(tiff.FAX_RECV_TIME), page.ascii(tiff.FAX_DCS),
            page.ascii(tiff.IMAGE_DESCRIPTION),
        )
        for page in pages
    ]


def faxinfo(path: str) -> str:
    return subprocess.run([hylafax_program("faxinfo"), path], capture_output=True, text=True, check=True).stdout


def image(path: str, tmp_path: Path) -> list[bytes]:
    """The decoded pages."""
    pages = []
    for number in range(page_count(path)):
        out = str(tmp_path / f"{number}.raw.tif")
        subprocess.run(["tiffcp", "-c", "none", f"{path},{number}", out], check=True, capture_output=True)
        done = subprocess.run(["tiffinfo", "-d", out], check=True, capture_output=True)
        pages.append(done.stdout[done.stdout.index(b"Strip 0"):])
    return pages


def test_the_tags_are_there_and_all_others_kept(fax: str) -> None:
    before = directories(fax)
    write_receive_tags(fax, TAGS)
    after = directories(fax)
    assert others(after) == others(before)
    assert ours(after) == ours(directories(THREE_PAGES))


def test_faxinfo_says_the_same_as_of_natives_own_fax(fax: str) -> None:
    write_receive_tags(fax, TAGS)
    native = Path(NATIVE, "recv-ok", "tags-fax000000002.tif").read_text(encoding="utf-8")
    assert faxinfo(fax).splitlines()[1:] == native[native.index("    Sender"):].splitlines()


def test_libtiff_reads_the_pages_and_the_tags_without_a_word(fax: str, tmp_path: Path) -> None:
    before = image(fax, tmp_path)
    write_receive_tags(fax, TAGS)
    done = subprocess.run(["tiffinfo", fax], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("TIFF Directory at offset") == 3
    dump = subprocess.run(["tiffdump", fax], capture_output=True, text=True, check=True)
    assert dump.stderr == ""
    assert re.findall(r"34910 \(0x885e\) LONG \(4\) 1<(\d+)>", dump.stdout) == ["10", "4", "3"]
    assert len(re.findall(r"34911 \(0x885f\) ASCII \(2\) 12<00 44 1F 22\\0>", dump.stdout)) == 3
    for found in re.findall(r"Directory \d: offset \d+.*\n((?:.+\n)*)", dump.stdout):
        tags = [int(known or unknown) for known, unknown in re.findall(r"^(?:\w+ \((\d+)\)|(\d+) \(0x)", found, re.MULTILINE)]
        assert tags == sorted(tags) and len(tags) > 15
    assert image(fax, tmp_path) == before


def test_values_that_are_there_are_replaced(tmp_path: Path) -> None:
    path = shutil.copy(THREE_PAGES, tmp_path / "x.tif")
    fine = FaxParams(vr=1, br=3, ec=0)
    write_receive_tags(str(path), [PageTags(fine.encode(), 7.6, "00 62 1E", description("", ()))] * 3)
    assert ours(directories(str(path))) == [(fine.encode(), 8, "00 62 1E", "<UNSPECIFIED>")] * 3
    assert "SignalRate: 9600 bit/s" in faxinfo(str(path))


def test_a_second_time_changes_nothing(fax: str) -> None:
    write_receive_tags(fax, TAGS)
    octets = Path(fax).read_bytes()
    write_receive_tags(fax, TAGS)
    assert Path(fax).read_bytes() == octets


def test_inode_mode_and_anothers_lock_are_kept(fax: str) -> None:
    os.chmod(fax, 0o640)
    before = os.stat(fax)
    with open(fax, "rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        write_receive_tags(fax, TAGS)
        with open(fax, "rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    after = os.stat(fax)
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)


def test_only_the_headers_offset_and_octets_behind_the_old_end_are_written(fax: str) -> None:
    before = Path(fax).read_bytes()
    write_receive_tags(fax, TAGS)
    after = Path(fax).read_bytes()
    assert after[:4] == before[:4] and after[8:len(before)] == before[8:]
    first = struct.unpack(("<" if before[:2] == b"II" else ">") + "I", after[4:8])[0]
    assert first > len(before) and first % 2 == 0


def test_a_crash_at_any_moment_leaves_the_old_fax_or_the_new_one(fax: str, tmp_path: Path) -> None:
    before = Path(fax).read_bytes()
    old = directories(fax)
    write_receive_tags(fax, TAGS)
    after = Path(fax).read_bytes()
    crashed = str(tmp_path / "crashed.tif")
    for length in range(len(before), len(after) + 1, 7):  # the appendix so far, the header still the old one
        Path(crashed).write_bytes(before[:8] + after[8:length])
        assert directories(crashed) == old
        write_receive_tags(crashed, TAGS)
        assert ours(directories(crashed)) == ours(directories(THREE_PAGES))
    Path(crashed).write_bytes(before[:8] + after[8:len(before)] + bytes(len(after) - len(before)))  # blocks that never came
    assert directories(crashed) == old


def test_a_full_disk_leaves_the_fax_as_it_was(fax: str) -> None:
    before = Path(fax).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(TiffError, match=r"fax000000002\.tif: cannot add HylaFAX's tags"):
            write_receive_tags(fax, TAGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Path(fax).read_bytes() == before


def test_a_page_that_was_broken_off_is_told_the_last_ones_values_and_no_time(tmp_path: Path) -> None:
    path = str(shutil.copy(BROKEN_OFF, tmp_path / "x.tif"))
    write_receive_tags(path, [PageTags(PARAMS.encode(), 11, PARAMS.dcs(), TEXT)])
    assert [page.number(tiff.FAX_RECV_TIME) for page in directories(path)] == [11, 0]
    assert page_count(path) == 1
    native = Path(NATIVE, "recv-dropped-page-2", "tags-fax000000003.tif").read_text(encoding="utf-8")
    expected = native[native.index("    Sender"):].replace("030555124", "030555123").replace("ACME", "ACME Corp")
    assert faxinfo(path).splitlines()[1:] == expected.splitlines()


def test_tags_for_pages_that_never_came_are_not_used(fax: str) -> None:
    write_receive_tags(fax, [*TAGS, TAGS[0]])
    assert page_count(fax) == 3


def test_short_texts_fit_into_the_directory_itself(fax: str) -> None:
    write_receive_tags(fax, [PageTags(0, -1, "", "abc")] * 3)
    assert ours(directories(fax)) == [(0, 0, "", "abc")] * 3


@pytest.mark.parametrize("callid", [("0301", "x\ny", ""), ("",)])
def test_every_caller_id_has_its_line(callid: tuple[str, ...]) -> None:
    lines = description("a\nb", callid).split("\n")
    assert len(lines) == 1 + len(callid)
    assert lines[0] == "a b"


@settings(max_examples=30)
@given(
    st.text(alphabet=st.characters(exclude_categories=[], exclude_characters="\0"), max_size=40),
    st.integers(0, 0xFFFFFFFF), st.floats(-1e12, 1e12),
)
def test_any_values_are_read_back(tmp_path_factory: pytest.TempPathFactory, text: str, params: int, seconds: float) -> None:
    path = str(shutil.copy(THREE_PAGES, tmp_path_factory.getbasetemp() / "any.tif"))
    write_receive_tags(path, [PageTags(params, seconds, "", text)])
    [first, *_] = directories(path)
    assert first.number(tiff.FAX_RECV_PARAMS) == params
    assert 0 <= first.number(tiff.FAX_RECV_TIME) <= 0xFFFFFFFF
    assert page_count(path) == 3
    assert encode(first.ascii(tiff.IMAGE_DESCRIPTION)) == encode(text)


def test_what_cannot_be_tagged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"II*\0\0\0\0\0")
    with pytest.raises(TiffError, match=r"x\.tif: the TIFF has no page"):
        write_receive_tags(str(tmp_path / "x.tif"), TAGS)
    with pytest.raises(TiffError, match=r"y\.tif: cannot add HylaFAX's tags: No such file"):
        write_receive_tags(str(tmp_path / "y.tif"), TAGS)
    with pytest.raises(TiffError, match=r"x\.tif: no pages to describe"):
        write_receive_tags(str(tmp_path / "x.tif"), [])
