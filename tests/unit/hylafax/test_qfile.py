"""Job description files: read as HylaFAX reads them, rewritten without losing anything."""

from __future__ import annotations

import fcntl
import glob
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax import waiting
from gofaxpy.hylafax.errors import LockedError, QFileError
from gofaxpy.hylafax.qfile import ITEM_OPS, TAGS, Item, QFile, QFileHandle

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
NATIVE_QFILES = sorted(glob.glob(os.path.join(NATIVE, "*", "qfile-at-end")))

SAMPLE = """tts:1795474146
state:6
npages:1
pagehandling:e0Z0077Se0Se0Z0078P
external:+49 (30) 55-62002
sender:Jürgen
unheard:of
a line that has no colon
status:first\\
second\\
third
statuscode:0
returned:7
!postscript:0::docq/doc41.ps.9
fax:1:17:docq/doc41.ps;c0
"""


@pytest.mark.parametrize("path", NATIVE_QFILES, ids=lambda path: path.split(os.sep)[-2])
def test_a_native_qfile_comes_out_as_it_went_in(path: str) -> None:
    text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    assert QFile.parse(text).render() == text


def test_there_are_native_qfiles_to_compare_with() -> None:
    assert len(NATIVE_QFILES) == 11


@pytest.mark.parametrize("path", NATIVE_QFILES, ids=lambda path: path.split(os.sep)[-2])
def test_tags_set_one_by_one_in_any_order_end_where_native_has_them(path: str) -> None:
    native = QFile.parse(Path(path).read_text(encoding="utf-8"))
    made = QFile.parse("jobid:x\nreturned:x\n")
    for tag in sorted(TAGS):
        made.set(tag, native.get(tag))
    made.items.extend(native.items)
    assert made.render() == native.render()


def test_values_are_read_as_native_reads_them() -> None:
    qfile = QFile.parse("npages:  3x\nnskip: -2\nntries:\nsender: a b  \nowner:first\nowner:last\n")
    assert (qfile.number("npages"), qfile.number("nskip"), qfile.number("ntries", 9)) == (3, -2, 9)
    assert (qfile.get("sender"), qfile.get("owner"), qfile.get("csi", "none")) == ("a b  ", "last", "none")


def test_a_status_of_several_lines_is_read_and_kept() -> None:
    qfile = QFile.parse(SAMPLE)
    assert qfile.get("status") == "first\nsecond\nthird"
    qfile.set("npages", 2)
    assert qfile.render() == SAMPLE.replace("npages:1", "npages:2")


def test_unknown_lines_and_their_order_survive_changes() -> None:
    qfile = QFile.parse(SAMPLE)
    qfile.set("status", "over")
    qfile.set("csi", "+49 1")
    qfile.items[1].dirnum = 2
    assert qfile.render() == (
        SAMPLE.replace("first\\\nsecond\\\nthird", "over")
        .replace("pagehandling:e0Z0077Se0Se0Z0078P\n", "pagehandling:e0Z0077Se0Se0Z0078P\ncsi:+49 1\n")
        .replace("fax:1:17", "fax:2:17")
    )


def test_a_document_line_may_leave_out_directory_and_address_as_native_allows() -> None:
    qfile = QFile.parse("fax:docq/a\nfax:2:docq/b\nfax:3:sub:docq/c:d;e\npoll: 0:sep:\n")
    assert qfile.items == [
        Item("fax", 0, "", "docq/a"), Item("fax", 2, "", "docq/b"), Item("fax", 3, "sub", "docq/c:d;e"),
        Item("poll", 0, "sep", ""),
    ]
    assert qfile.render() == "fax:docq/a\nfax:2:docq/b\nfax:3:sub:docq/c:d;e\npoll: 0:sep:\n"


def test_documents_can_be_dropped_added_and_reordered() -> None:
    qfile = QFile.parse("state:6\ntiff:0::a\nafter:x\ntiff:0::b\n")
    qfile.items.reverse()
    qfile.items.append(Item("fax", 3, "", "c"))
    assert qfile.render() == "state:6\ntiff:0::b\ntiff:0::a\nfax:3::c\nafter:x\n"
    qfile.items.clear()
    assert qfile.render() == "state:6\nafter:x\n"


def test_no_value_can_make_a_line_of_its_own() -> None:
    qfile = QFile.parse(SAMPLE)
    qfile.set("csi", "x\nreturned:2\r\0\x1b[0m")
    qfile.set("status", "bad\nreturned:2\\")
    again = QFile.parse(qfile.render())
    assert again.get("returned") == "7"
    assert again.get("csi") == "x returned:2   [0m"
    assert again.get("status") == "bad\nreturned:2\\ "
    assert again.get("statuscode") == "0"


@pytest.mark.parametrize("tag", ["", "a:b", "a\nb", "fax", "!tiff"])
def test_what_cannot_be_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(QFileError, match="cannot be a tag"):
        QFile.parse(SAMPLE).set(tag, "1")


def test_an_override_is_read_but_never_written() -> None:
    qfile = QFile.parse("desiredec:2\nstate:6\n")
    qfile.override("desiredec", "0")
    qfile.override("desireddf", 1)
    assert (qfile.number("desiredec", 5), qfile.number("desireddf")) == (0, 1)
    assert qfile.render() == "desiredec:2\nstate:6\n"
    qfile.set("desiredec", 1)
    assert qfile.number("desiredec") == 1


@pytest.mark.parametrize("text", ["", "x"])
def test_an_empty_file_is_no_job(text: str) -> None:
    with pytest.raises(QFileError, match="empty"):
        QFile.parse(text)


_any_text = st.text(alphabet=st.characters(exclude_categories=[]), max_size=200)
_value = st.text(alphabet=st.characters(exclude_categories=["Cc", "Zl", "Zp"]), max_size=40).map(lambda text: text.lstrip(" "))


@given(_any_text.filter(lambda text: len(text) > 1))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    rendered = QFile.parse(text).render()
    assert rendered == (text if text.endswith("\n") else text + "\n")


@given(st.sampled_from([tag for tag in TAGS if tag != "status"]), _value)
def test_a_value_is_read_back_as_it_was_set(tag: str, value: str) -> None:
    qfile = QFile.parse(SAMPLE)
    qfile.set(tag, value)
    assert QFile.parse(qfile.render()).get(tag) == value


@given(st.lists(_value, min_size=1, max_size=4).map("\n".join).filter(lambda text: not text.endswith("\\")))
def test_a_status_is_read_back_as_it_was_set(status: str) -> None:
    qfile = QFile.parse(SAMPLE)
    qfile.set("status", status)
    again = QFile.parse(qfile.render())
    assert again.get("status") == status
    assert (again.get("statuscode"), again.get("returned"), len(again.items)) == ("0", "7", 2)


@given(st.lists(st.tuples(
    st.sampled_from(sorted(ITEM_OPS)), st.integers(0, 9999), st.text("0123456789ab", max_size=5), st.text("ab/.;:, ", max_size=9),
)))
def test_documents_are_read_back_as_they_were_written(documents: list[tuple[str, int, str, str]]) -> None:
    qfile = QFile.parse("state:6\n")
    qfile.items.extend(Item(*document) for document in documents)
    assert QFile.parse(qfile.render()).items == [Item(*document) for document in documents]


# -- on disk


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "q9"
    file.write_text(SAMPLE, encoding="utf-8")
    file.chmod(0o644)
    return str(file)


@contextmanager
def no_file_larger_than(octets: int) -> Iterator[None]:
    """What a full disk does: writes beyond it fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_rewrite_keeps_inode_mode_and_links_and_shortens_the_file(path: str, tmp_path: Path) -> None:
    os.link(path, tmp_path / "other")
    before = os.stat(path)
    with QFileHandle.open(path) as handle:
        handle.qfile.set("status", "x" * 1000)
        handle.rewrite(durable=True)
        assert os.path.getsize(path) > before.st_size
        handle.qfile.set("status", "")
        handle.rewrite()
    after = os.stat(path)
    assert (after.st_ino, after.st_mode, after.st_nlink) == (before.st_ino, before.st_mode, 2)
    assert (tmp_path / "other").read_text() == SAMPLE.replace("first\\\nsecond\\\nthird", "")


def test_an_open_qfile_is_locked_until_it_is_closed(path: str) -> None:
    handle = QFileHandle.open(path)
    with pytest.raises(LockedError, match="q9: the job is being worked on"):
        QFileHandle.open(path, blocking=False)
    handle.close()
    handle.close()
    with QFileHandle.open(path, blocking=False), open(path, encoding="utf-8") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_lock_is_waited_for_and_its_holder_told(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TOLD_AFTER", 0.2)
    told: list[str] = []
    with subprocess.Popen(["flock", path, "sleep", "0.6"]) as other:
        while other.poll() is None:
            try:
                QFileHandle.open(path, blocking=False).close()
            except LockedError:
                break
        began = time.monotonic()
        with QFileHandle.open(path, tell=told.append) as handle:
            assert handle.qfile.get("npages") == "1" and time.monotonic() - began > 0.3
    assert len(told) == 1 and f"{path}: has been locked by process {other.pid} (flock) for 0 s" in told[0]


def test_a_full_disk_leaves_the_old_job_description(path: str) -> None:
    with QFileHandle.open(path) as handle:
        handle.qfile.set("status", "x" * 5000)
        with no_file_larger_than(os.path.getsize(path) + 100), pytest.raises(QFileError, match="cannot rewrite"):
            handle.rewrite()
    assert Path(path).read_text(encoding="utf-8") == SAMPLE


def test_octets_that_are_not_utf8_survive_a_rewrite(path: str) -> None:
    octets = SAMPLE.encode().replace("ü".encode(), b"\xfc\xff")
    Path(path).write_bytes(octets)
    with QFileHandle.open(path) as handle:
        handle.qfile.set("npages", 2)
        handle.rewrite()
    assert Path(path).read_bytes() == octets.replace(b"npages:1", b"npages:2")


def test_trouble_with_a_qfile_names_the_file(tmp_path: Path, path: str) -> None:
    with pytest.raises(QFileError, match=r"q404: cannot open the job description: No such file"):
        QFileHandle.open(str(tmp_path / "q404"))
    os.symlink(path, tmp_path / "q10")
    with pytest.raises(QFileError, match="q10: cannot open"):
        QFileHandle.open(str(tmp_path / "q10"))
    (tmp_path / "q11").write_text("")
    with pytest.raises(QFileError, match="q11: the job description is empty"):
        QFileHandle.open(str(tmp_path / "q11"))
    os.truncate(path, 5 << 20)
    with pytest.raises(QFileError, match="are no job description"):
        QFileHandle.open(path)


def test_a_job_of_no_end_of_lines_is_none() -> None:
    assert QFile.parse("jobid:1\n" + "fax:0::docq/doc1.tif\n" * 5000).number("jobid") == 1
    with pytest.raises(QFileError, match="4000000 lines are no job description"):
        QFile.parse("\n" * 4_000_000)
