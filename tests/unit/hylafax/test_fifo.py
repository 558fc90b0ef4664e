"""FIFOs: messages arrive whole, nothing waits, a missing reader is no trouble."""

from __future__ import annotations

import os
import select
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax.errors import FifoError
from gofaxpy.hylafax.fifo import MAX_MESSAGE, Reader, backlog, messages, send


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(str(tmp_path / "FIFO.freeswitch0"))
    yield made
    made.close()


@pytest.mark.parametrize(("chunk", "found"), [
    (b"L\0", ["L"]), (b"HELLO\0", ["HELLO"]), (b"L\0SB\0", ["L", "SB"]), (b"SD", ["SD"]), (b"SD\n", ["SD"]),
    (b"L\0\0Z\n\0", ["L", "Z"]),
    (b"N1\nN2", ["N1\nN2"]), (b"", []), (b"\0\n\0", []), (b"Afax\0SR", ["Afax", "SR"]), (b"C\xfc\0", ["C\udcfc"]),
])
def test_a_read_is_split_into_its_messages(chunk: bytes, found: list[str]) -> None:
    assert messages(chunk) == found


@given(st.binary(max_size=80))
def test_any_octets_are_split(chunk: bytes) -> None:
    assert all(message and "\0" not in message for message in messages(chunk))


def test_a_fifo_is_made_for_its_owner_only(reader: Reader) -> None:
    status = os.stat(reader.path)
    assert stat.S_ISFIFO(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600


def test_messages_arrive_one_by_one_and_together(reader: Reader) -> None:
    assert send(reader.path, "L")
    assert reader.read() == ["L"]
    assert send(reader.path, "SB") and send(reader.path, "Ü\udcff")
    assert reader.read() == ["SB", "Ü\udcff"]


def test_reading_never_waits(reader: Reader) -> None:
    assert reader.read() == []
    assert not select.select([reader], [], [], 0)[0]
    send(reader.path, "Z")
    assert select.select([reader], [], [], 0)[0] == [reader]


def test_a_writer_that_goes_does_not_end_the_fifo(reader: Reader) -> None:
    with open(reader.path, "wb") as writer:
        writer.write(b"SD")
    assert reader.read() == ["SD"]
    assert reader.read() == []
    assert not select.select([reader], [], [], 0)[0]


def test_sending_without_a_reader_or_a_fifo_is_no_trouble(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "FIFO")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert [send(str(tmp_path / name), "Z") for name in ("FIFO", "missing", "file", "link", ".")] == [False] * 5
    assert (tmp_path / "file").read_text() == ""


def test_no_more_is_sent_than_the_reader_takes_at_once(reader: Reader) -> None:
    sent = 0
    while send(reader.path, "x" * 99, patience=0):
        sent += 1
        assert sent < 10000
    assert backlog(reader.path) == sent * 100 == 2000
    assert len(reader.read()) == 20
    assert send(reader.path, "again", patience=0)


def test_sending_waits_for_a_reader_that_is_a_little_late(reader: Reader) -> None:
    assert send(reader.path, "x" * 2000)
    late = threading.Timer(0.05, reader.read)
    late.start()
    assert send(reader.path, "y" * 2000, patience=10)
    late.join()
    assert reader.read() == ["y" * 2000]


def test_nobody_reads_a_fifo_that_has_no_backlog(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "FIFO")
    assert backlog(str(tmp_path / "FIFO")) is None
    assert backlog(str(tmp_path / "missing")) is None


@pytest.mark.parametrize("message", ["x" * MAX_MESSAGE, "ü" * 1024, "a\0b"])
def test_what_would_not_arrive_as_one_message_is_refused(reader: Reader, message: str) -> None:
    with pytest.raises(FifoError, match="no message of"):
        send(reader.path, message)
    assert reader.read() == []


def test_the_longest_message_goes_through(reader: Reader) -> None:
    assert send(reader.path, "x" * (MAX_MESSAGE - 1))
    assert reader.read() == ["x" * (MAX_MESSAGE - 1)]


def test_an_existing_fifo_is_used_and_left(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "FIFO.x")
    first = Reader(str(tmp_path / "FIFO.x"))
    first.close()
    first.close()
    assert (tmp_path / "FIFO.x").is_fifo()


def test_what_is_no_fifo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "FIFO.x").write_text("")
    with pytest.raises(FifoError, match=r"FIFO\.x: is no FIFO; remove it"):
        Reader(str(tmp_path / "FIFO.x"))
    with pytest.raises(FifoError, match="cannot open the FIFO: No such file"):
        Reader(str(tmp_path / "missing" / "FIFO.x"))
