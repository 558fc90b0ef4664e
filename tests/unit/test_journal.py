"""The journal: what it keeps over crashes, and who may work on an entry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gofaxpy.commids import attempt_name, call_name
from gofaxpy.journal import Journal, JournalError, Step


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path))


def test_marks_are_read_back_in_order_with_their_facts(journal: Journal) -> None:
    with journal.create("7-000000001", Step.OPENED, job="7", pages=3) as entry:
        entry.mark(Step.LAUNCHED, uuid="u1")
        entry.mark(Step.FAX_OVER, fax={"success": True})
    again = journal.open("7-000000001")
    assert again is not None
    with again:
        assert [mark.step for mark in again.marks()] == [Step.OPENED, Step.LAUNCHED, Step.FAX_OVER]
        launched = again.find(Step.LAUNCHED)
        assert launched is not None and launched.facts == {"uuid": "u1"}
        assert again.find(Step.CONNECTED) is None


def test_the_first_of_two_equal_marks_counts(journal: Journal) -> None:
    with journal.create("7-1", Step.OPENED) as entry:
        entry.mark(Step.FAX_OVER, by="handler")
        entry.mark(Step.FAX_OVER, by="follower")
        found = entry.find(Step.FAX_OVER)
        assert found is not None and found.facts["by"] == "handler"


@pytest.mark.parametrize("torn", [
    b'\n{"step":"fax over","at":1', b"\n\x00\xff", b'\n{"step":"no such","at":1}\n', b"\n[]\n",
    b'\n{"step":"opened","at":' + b"9" * 400 + b"}\n",
])
def test_a_torn_line_is_passed_over_and_later_marks_count(journal: Journal, torn: bytes) -> None:
    with journal.create("7-1", Step.OPENED) as entry:
        os.write(entry.fileno(), torn)
        assert [mark.step for mark in entry.marks()] == [Step.OPENED]
        entry.mark(Step.LAUNCHED)
        assert [mark.step for mark in entry.marks()] == [Step.OPENED, Step.LAUNCHED]


def test_bytes_that_are_not_utf8_come_back_as_they_were(journal: Journal) -> None:
    with journal.create("c1", Step.ACCEPTED, caller_name="M\udcfcller\n") as entry:
        assert entry.marks()[0].facts["caller_name"] == "M\udcfcller\n"


def test_an_entry_is_made_only_once(journal: Journal) -> None:
    with journal.create("7-1", Step.OPENED), pytest.raises(JournalError, match="cannot be created"):
        journal.create("7-1", Step.OPENED)


def test_a_locked_entry_cannot_be_locked_by_another(journal: Journal) -> None:
    with journal.create("7-1", Step.OPENED):
        other = journal.open("7-1")
        assert other is not None
        with other:
            assert not other.lock()
    again = journal.open("7-1")
    assert again is not None
    with again:
        assert again.lock()


def test_a_child_that_inherits_the_descriptor_keeps_the_lock(journal: Journal) -> None:
    entry = journal.create("c1", Step.ACCEPTED)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(entry.fileno(),)
    )
    entry.close()
    other = journal.open("c1")
    assert other is not None
    with other:
        assert not other.lock()
        child.communicate()
        assert other.lock()


def test_names_are_those_of_one_job_only(journal: Journal) -> None:
    for name in (attempt_name("4", "000000002"), attempt_name("42", "000000001"), call_name("000000003")):
        journal.create(name, Step.OPENED).close()
    assert list(journal.names("4-")) == ["4-000000002"]
    assert list(journal.names("c")) == ["c000000003"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\0b", "missing"])
def test_a_name_that_is_no_entry_opens_nothing(journal: Journal, name: str) -> None:
    assert journal.open(name) is None


def test_without_a_journal_there_are_no_names(tmp_path: Path) -> None:
    assert list(Journal(str(tmp_path / "nowhere")).names()) == []


def test_a_removed_entry_is_gone_and_removing_again_is_fine(journal: Journal) -> None:
    with journal.create("7-1", Step.OPENED) as entry:
        entry.remove()
        entry.remove()
    assert journal.open("7-1") is None


def test_a_full_disk_is_said_and_not_hidden(tmp_path: Path, journal: Journal) -> None:
    entry = journal.create("7-1", Step.OPENED)
    os.dup2(os.open("/dev/full", os.O_WRONLY), entry.fileno())
    with entry, pytest.raises(JournalError, match="No space left"):
        entry.mark(Step.LAUNCHED)


def test_what_cannot_be_created_leaves_nothing_behind(journal: Journal) -> None:
    journal.create("7-1", Step.OPENED).close()
    with pytest.raises(JournalError, match="File exists"):
        journal.create("7-1", Step.OPENED)
    assert os.listdir(journal.directory) == ["7-1"]
