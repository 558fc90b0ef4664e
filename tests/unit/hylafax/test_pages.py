"""Which pages are left, and what a qfile says after some were sent: measured on native faxsend's own qfiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax.errors import QFileError, SpoolError
from gofaxpy.hylafax.pages import (
    Page,
    PageGroup,
    advance,
    leave_out,
    name_document,
    parse,
    release_document,
    remaining_pages,
    render,
)
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.spool import Spool

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
COUNTED = ("npages", "totpages", "nskip", "skippages", "ncover", "ntries", "pagehandling")
ITEM_STARTS = ("fax:", "tiff:", "!tiff:")


def over_time(case: str) -> list[list[str]]:
    """The qfile's lines at each moment of ``qfile-over-time``; documents in the order they came."""
    moments: list[list[str]] = []
    lines: list[str] = []
    with open(os.path.join(NATIVE, case, "qfile-over-time"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("---"):
                moments.append(lines)
                lines = list(lines)
            elif len(moments) == 1:
                lines.append(line)
            elif line.startswith("-"):
                gone = lines.index(line[1:])
                if line[1:].startswith(ITEM_STARTS):
                    del lines[gone]
                else:
                    lines[gone] = line[1:].partition(":")[0] + ":"
            elif line[1:].startswith(ITEM_STARTS):
                lines.append(line[1:])
            else:
                tag = line[1:].partition(":")[0]
                lines[lines.index(tag + ":")] = line[1:]
    moments.append(lines)
    return moments[1:]


def qfile_of(lines: list[str]) -> QFile:
    return QFile.parse("\n".join(lines) + "\n")


def with_state(case: str, state: str) -> Iterator[QFile]:
    return (qfile for qfile in map(qfile_of, over_time(case)) if qfile.get("state") == state)


def native_end(case: str) -> QFile:
    with open(os.path.join(NATIVE, case, "qfile-at-end"), encoding="utf-8") as file:
        return QFile.parse(file.read())


def counts(qfile: QFile) -> dict[str, str]:
    return {tag: qfile.get(tag) for tag in COUNTED}


def document_lines(qfile: QFile) -> list[str]:
    return [line for line in qfile.render().splitlines() if line.startswith(ITEM_STARTS)]


def pages_of(**counts_by_name: int) -> Callable[[str], int]:
    return lambda file: counts_by_name[os.path.basename(file).partition(".")[0]]


# -- against native


@pytest.mark.parametrize(("case", "sent", "count"), [
    ("send-ok", 3, pages_of(doc4=3)),
    ("send-two-documents", 4, pages_of(doc13=3, doc14=1)),
    ("send-page-range", 2, pages_of(doc12=3)),
])
def test_a_job_that_is_through_looks_like_natives(case: str, sent: int, count: Callable[[str], int]) -> None:
    qfile = next(with_state(case, "6"))
    files = [item.file for item in qfile.items if item.op == "fax"]
    assert advance(qfile, sent, count) == files
    assert counts(qfile) == counts(native_end(case))
    assert document_lines(qfile) == document_lines(native_end(case))
    assert remaining_pages(qfile, count) == []


@pytest.mark.parametrize(("case", "count"), [
    ("send-ok", pages_of(doc4=3)),
    ("send-two-documents", pages_of(doc13=3, doc14=1)),
    ("send-page-range", pages_of(doc12=3)),
])
def test_page_by_page_comes_to_the_same_as_all_at_once(case: str, count: Callable[[str], int]) -> None:
    at_once, stepwise = next(with_state(case, "6")), next(with_state(case, "6"))
    files = advance(at_once, 99, count)
    steps: list[str] = []
    while remaining_pages(stepwise, count):
        steps += advance(stepwise, 1, count)
    assert (steps, stepwise.render()) == (files, at_once.render())


def test_after_each_attempt_of_a_resumed_job_the_qfile_is_natives() -> None:
    count = pages_of(doc11=3)
    sending = [qfile for qfile in map(qfile_of, over_time("send-resume")) if qfile.get("returned") == "7"]
    asleep = [qfile for qfile in with_state("send-resume", "3")]
    assert (len(sending), len(asleep)) == (3, 2)
    for before, after in zip(sending, asleep, strict=False):
        assert advance(before, 1, count) == []
        assert counts(before) == counts(after)
        assert document_lines(before) == document_lines(after)
    last = sending[2]
    assert [(page.directory, page.skipped) for page in remaining_pages(last, count)] == [(2, False)]
    assert advance(last, 1, count) == ["docq/doc11.tif;c0"]
    assert counts(last) == counts(native_end("send-resume"))
    assert document_lines(last) == document_lines(native_end("send-resume"))


def test_the_first_of_two_documents_leaves_as_natives_does() -> None:
    qfile = next(with_state("send-two-documents", "6"))
    native = next(moment for moment in map(qfile_of, over_time("send-two-documents")) if moment.get("npages") == "3")
    assert advance(qfile, 3, pages_of(doc13=3, doc14=1)) == ["docq/doc13.tif;c0"]
    assert counts(qfile) == counts(native)
    assert sorted(document_lines(qfile)) == sorted(document_lines(native))


def test_pages_left_out_at_the_front_are_counted_once_the_call_is_up() -> None:
    qfile = next(with_state("send-page-range", "6"))
    connected = next(moment for moment in map(qfile_of, over_time("send-page-range")) if moment.get("npages") == "1")
    assert advance(qfile, 0, pages_of(doc12=3)) == []
    assert (qfile.get("npages"), qfile.get("nskip")) == (connected.get("npages"), connected.get("nskip"))


def test_a_page_range_is_left_out_of_what_is_sent() -> None:
    pages = remaining_pages(next(with_state("send-page-range", "6")), pages_of(doc12=3))
    assert pages == [
        Page("docq/doc12.tif;c0", 0, "e0", True, 1),
        Page("docq/doc12.tif;c0", 1, "e0", False, 1),
        Page("docq/doc12.tif;c0", 2, "e0", False, 1, 0x7A),
    ]


def test_an_aborted_job_keeps_what_is_left_as_native_does() -> None:
    qfile = next(with_state("send-faxrm-page-2", "6"))
    advance(qfile, 1, pages_of(doc18=3))
    assert counts(qfile) == counts(native_end("send-faxrm-page-2"))


# -- the rules by themselves


def job(pagehandling: str, *items: str, **tags: str) -> QFile:
    text = "".join(f"{tag}:{value}\n" for tag, value in tags.items())
    return QFile.parse(f"npages:0\njobid:7\npagehandling:{pagehandling}\n{text}" + "".join(f"{item}\n" for item in items))


def test_pages_left_out_behind_the_last_confirmed_one_are_passed_at_once() -> None:
    qfile = job("e0Xe0Pe0Xe0Xe0X", "!pdf:0::docq/doc1.pdf.7", "fax:0::docq/doc1.pdf;c0", "!pdf:0::docq/doc2.pdf.7",
                "fax:0::docq/doc2.pdf;c0")
    count = pages_of(doc1=3, doc2=2)
    assert [page.skipped for page in remaining_pages(qfile, count)] == [True, False, True, True, True]
    assert advance(qfile, 1, count) == ["docq/doc1.pdf;c0", "docq/doc2.pdf;c0"]
    assert (qfile.get("npages"), qfile.get("nskip"), qfile.get("pagehandling")) == ("5", "4", "")
    assert document_lines(qfile) == []
    assert [item.file for item in qfile.items] == ["docq/doc1.pdf", "docq/doc2.pdf"]


@pytest.mark.parametrize(("handling", "pages"), [("e0P", 2), ("e0Se0Se0P", 2), ("e0Se0Xe0X", 2)])
def test_what_faxq_has_described_and_what_is_there_must_be_as_many_pages(handling: str, pages: int) -> None:
    """Fewer would leave the rest unsent, and the job be taken for done."""
    with pytest.raises(QFileError, match="pagehandling describes"):
        remaining_pages(job(handling, "fax:0::docq/doc1"), pages_of(doc1=pages))


def test_pages_of_a_cover_are_counted_as_cover_pages_too() -> None:
    qfile = job("e0Se0P", "!postscript:0::docq/cover7.cover", "fax:0::docq/cover7;c1", "!tiff:0::docq/doc2.tif.7",
                "fax:0::docq/doc2.tif;c0", ncover="0")
    count = pages_of(cover7=1, **{"cover7;c1": 1}, doc2=1)
    assert advance(qfile, 1, count) == ["docq/cover7;c1"]
    assert (qfile.get("npages"), qfile.get("ncover"), qfile.items[0].file) == ("1", "1", "docq/cover7")
    advance(qfile, 1, count)
    assert (qfile.get("npages"), qfile.get("ncover")) == ("2", "1")


def test_any_progress_resets_the_tries_for_a_page_and_none_leaves_them() -> None:
    qfile = job("e0Se0P", "fax:0::docq/doc1", ntries="2")
    advance(qfile, 0, pages_of(doc1=2))
    assert qfile.get("ntries") == "2"
    advance(qfile, 1, pages_of(doc1=2))
    assert qfile.get("ntries") == "0"


def test_more_confirmed_pages_than_there_are_count_as_all() -> None:
    qfile = job("e0Se0P", "fax:0::docq/doc1")
    assert advance(qfile, 7, pages_of(doc1=2)) == ["docq/doc1"]
    assert qfile.get("npages") == "2"


def test_a_name_without_the_jobs_suffix_stays() -> None:
    qfile = job("e0P", "!tiff:0::docq/doc1.tif", "fax:0::docq/doc1.tif;c0")
    advance(qfile, 1, pages_of(doc1=1))
    assert qfile.items[0].file == "docq/doc1.tif"


def test_documents_that_are_not_imaged_are_left_alone() -> None:
    qfile = job("", "poll:0::", "tiff:0::docq/doc1.tif.7")
    assert remaining_pages(qfile, pages_of()) == []
    assert advance(qfile, 1, pages_of()) == []
    assert [item.op for item in qfile.items] == ["poll", "tiff"]


def test_without_any_analysis_every_page_goes() -> None:
    qfile = job("", "fax:1::docq/doc1")
    assert remaining_pages(qfile, pages_of(doc1=3)) == [Page("docq/doc1", 1, "", False, 0), Page("docq/doc1", 2, "", False, 0)]
    advance(qfile, 1, pages_of(doc1=3))
    assert (qfile.items[0].dirnum, qfile.get("npages"), qfile.get("pagehandling")) == (2, "1", "")


def test_a_page_range_without_its_analysis_is_refused() -> None:
    with pytest.raises(QFileError, match="range of pages"):
        remaining_pages(job("", "fax:0::docq/doc1", pagerange="2-3"), pages_of(doc1=3))
    assert remaining_pages(job("", pagerange="2-3"), pages_of()) == []


def test_fewer_groups_than_pages_are_refused() -> None:
    with pytest.raises(QFileError, match=r"describes 1 pages, but docq/doc1 has more"):
        remaining_pages(job("e0P", "fax:0::docq/doc1"), pages_of(doc1=2))


@pytest.mark.parametrize("text", ["e0", "e0Q", "zzP", "e0Z12P", "e0P e0P", "P"])
def test_pagehandling_that_native_would_not_understand_is_refused(text: str) -> None:
    with pytest.raises(QFileError, match="pagehandling cannot be understood from its character"):
        parse(text)


_groups = st.lists(st.builds(
    PageGroup, st.integers(0, 255).map("{:02x}".format), st.none() | st.integers(0, 0xFFFF), st.sampled_from("SMPX"),
))


@given(_groups)
def test_groups_are_read_back_as_they_were_written(groups: list[PageGroup]) -> None:
    assert parse(render(groups)) == groups


@given(st.lists(st.lists(st.sampled_from("SMPX"), max_size=4), min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=6))
def test_what_was_confirmed_and_what_remains_are_always_the_whole_job(marks: list[list[str]], confirmed: list[int]) -> None:
    sizes = {f"doc{number}": len(pages) for number, pages in enumerate(marks)}
    qfile = job("".join(f"e0{mark}" for pages in marks for mark in pages), *(f"fax:0::docq/{name}" for name in sizes))
    due = sum(mark != "X" for pages in marks for mark in pages)
    gone: list[str] = []
    for sent in confirmed:
        gone += advance(qfile, sent, pages_of(**sizes))
        left = remaining_pages(qfile, pages_of(**sizes))
        assert qfile.number("npages") + len(left) == sum(sizes.values())
        assert len(parse(qfile.get("pagehandling"))) == len(left)
        assert not left or not left[0].skipped
        still = sum(not page.skipped for page in left)
        assert qfile.number("npages") - qfile.number("nskip") == due - still
        assert sorted([*gone, *(item.file for item in qfile.items)]) == sorted(f"docq/{name}" for name in sizes)


@pytest.mark.parametrize("first", [-1, 3, 99])
def test_a_document_that_begins_behind_its_end_is_no_document_that_has_been_sent(first: int) -> None:
    qfile = QFile.parse(f"jobid:4\nfax:{first}::docq/doc1.tif;c0\n")
    with pytest.raises(QFileError, match=f"from its page {first + 1} on, but has 3"):
        remaining_pages(qfile, lambda file: 3)


# -- on disk


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "docq").mkdir()
    return Spool(str(tmp_path))


def test_a_sent_document_gets_its_common_name(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "docq/doc4.tif.4").write_bytes(b"x")
    assert release_document(spool, "docq/doc4.tif;c0", "4") == "docq/doc4.tif"
    assert os.listdir(tmp_path / "docq") == ["doc4.tif"]
    assert release_document(spool, "docq/doc4.tif;c0", "4") == "docq/doc4.tif"
    assert os.listdir(tmp_path / "docq") == ["doc4.tif"]


def test_a_document_has_both_names_while_the_qfile_is_written(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "docq/doc4.tif.4").write_bytes(b"x")
    (tmp_path / "docq/cover5.cover").write_bytes(b"y")
    for _ in range(2):      # the second time after a crash
        name_document(spool, "docq/doc4.tif;c0", "4")
        name_document(spool, "docq/cover5;c1", "4")
        assert sorted(os.listdir(tmp_path / "docq")) == ["cover5", "cover5.cover", "doc4.tif", "doc4.tif.4"]
    release_document(spool, "docq/doc4.tif;c0", "4")
    release_document(spool, "docq/cover5;c1", "4")
    assert sorted(os.listdir(tmp_path / "docq")) == ["cover5", "doc4.tif"]
    name_document(spool, "docq/none.tif;c0", "4")
    name_document(spool, "docq/../../doc;c0", "4")
    assert sorted(os.listdir(tmp_path / "docq")) == ["cover5", "doc4.tif"]


def test_of_two_links_to_a_document_one_is_left(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "docq/doc4.tif").write_bytes(b"x")
    os.link(tmp_path / "docq/doc4.tif", tmp_path / "docq/doc4.tif.4")
    os.link(tmp_path / "docq/doc4.tif", tmp_path / "docq/doc4.tif.5")
    release_document(spool, "docq/doc4.tif;c0", "4")
    assert sorted(os.listdir(tmp_path / "docq")) == ["doc4.tif", "doc4.tif.5"]


def test_a_sent_cover_gets_its_common_name(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "docq/cover4.cover").write_bytes(b"x")
    assert release_document(spool, "docq/cover4;c1", "4") == "docq/cover4"
    assert os.listdir(tmp_path / "docq") == ["cover4"]


def test_a_document_outside_of_the_spool_is_not_touched(spool: Spool) -> None:
    with pytest.raises(SpoolError, match="may start with a dot"):
        release_document(spool, "docq/../../doc;c0", "4")


def test_pages_left_out_are_passed_over_like_those_of_a_page_range() -> None:
    qfile = QFile.parse("pagehandling:e1Se1Me1Z0012Se1P\nnpages:0\nnskip:0\nskippages:0\nfax:0::a;c0\nfax:0::b;c0\n")
    pages = remaining_pages(qfile, lambda file: 2)
    leave_out(qfile, pages[2:], lambda file: 2)
    assert (qfile.get("pagehandling"), qfile.get("skippages")) == ("e1Se1Me1Z0012Xe1X", "2")
    assert advance(qfile, 2, lambda file: 2) == ["a;c0", "b;c0"]
    assert (qfile.get("npages"), qfile.get("nskip")) == ("4", "2")
    leave_out(qfile, pages, lambda file: 2)
    assert qfile.get("skippages") == "2"


def test_a_document_named_a_thousand_times_is_not_laid_out_page_by_page() -> None:
    """65535 pages are 6 MB of TIFF, and a job may name them again and again."""
    job = QFile.parse("jobid:1\n" + "fax:0::docq/doc1.tif\n" * 1000)
    with pytest.raises(QFileError, match="more than 65535 pages: submit it in parts"):
        remaining_pages(job, lambda file: 60_000)
    with pytest.raises(QFileError, match="more than 65535 pages"):
        parse("e1S" * 65536)
    assert len(parse("e1S" * 65535)) == 65535
