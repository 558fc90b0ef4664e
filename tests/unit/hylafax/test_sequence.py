"""Sequence numbers, shared with HylaFAX's own programs."""

from __future__ import annotations

import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from gofaxpy.commids import new_commid
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.sequence import commid, next_number, recv_name
from gofaxpy.hylafax.spool import Spool


def test_a_new_sequence_starts_at_1_and_belongs_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "seqf"
    assert next_number(str(path)) == 1
    assert path.read_bytes() == b"2"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_holds_the_number_to_be_used_next(tmp_path: Path) -> None:
    path = tmp_path / "seqf"
    path.write_bytes(b"58")
    assert [next_number(str(path)) for _ in range(2)] == [58, 59]
    assert path.read_bytes() == b"60"


@pytest.mark.parametrize(("contents", "number", "left"), [
    (b"99", 99, b"100"), (b"58\n", 58, b"59"), (b"", 1, b"2"), (b"x", 1, b"2"), (b"0", 1, b"2"), (b"-5", 1, b"2"),
    (b"999999998", 999999998, b"0"), (b"999999999", 1, b"2"), (b"9" * 900, 1, b"2"), (b"\xb2", 1, b"2"),
])
def test_odd_contents_are_read_as_native_reads_them(tmp_path: Path, contents: bytes, number: int, left: bytes) -> None:
    path = tmp_path / "seqf"
    path.write_bytes(contents)
    assert next_number(str(path)) == number
    assert path.read_bytes() == left


def test_names_have_nine_digits(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    (tmp_path / "log").mkdir()
    (tmp_path / "recvq").mkdir()
    (tmp_path / "recvq/seqf").write_text("1234")
    assert (commid(spool), commid(spool)) == ("000000001", "000000002")
    assert recv_name(spool) == "recvq/fax000001234.tif"


def test_a_commid_that_a_session_log_or_the_journal_has_is_passed_over(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    (tmp_path / "log").mkdir()
    for name in ("c000000001", "c000000002", "c000000005"):
        (tmp_path / "log" / name).mkdir()
    (tmp_path / "gofax" / "journal").mkdir(parents=True)
    for name in ("c000000003", "17-000000004", ".17-000000006.abcd"):
        (tmp_path / "gofax" / "journal" / name).touch()
    assert (new_commid(spool), new_commid(spool)) == ("000000006", "000000007")


def test_a_sequence_passes_over_its_end_and_says_when_no_number_is_free(tmp_path: Path) -> None:
    path = tmp_path / "seqf"
    path.write_text("999999997")
    assert next_number(str(path), lambda number: number > 2) == 1
    path.write_text("7")
    with pytest.raises(SpoolError, match="this number and the 100000 after it are in use; write a free one into this file"):
        next_number(str(path), lambda number: True)
    assert path.read_text() == "7"


def _take(path: str, taken: str) -> None:
    with open(taken, "w", encoding="utf-8") as file:
        file.writelines(f"{next_number(path)}\n" for _ in range(100))


def test_no_number_is_given_twice(tmp_path: Path) -> None:
    context = get_context("spawn")
    takers = [context.Process(target=_take, args=(str(tmp_path / "seqf"), str(tmp_path / f"taken{n}"))) for n in range(3)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    numbers = [int(line) for n in range(3) for line in (tmp_path / f"taken{n}").read_text().split()]
    assert sorted(numbers) == list(range(1, 301))


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SpoolError, match=r"link: cannot take a number"):
        next_number(str(tmp_path / "link"))
    with pytest.raises(SpoolError, match=r"fifo: must be a regular file; remove it"):
        next_number(str(tmp_path / "fifo"))
    with pytest.raises(SpoolError, match=r"missing/seqf: cannot take a number: No such file.*must belong to"):
        next_number(str(tmp_path / "missing" / "seqf"))
    assert not (tmp_path / "elsewhere").exists()
