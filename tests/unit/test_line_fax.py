"""The line of the stand-in: real T.30 between two engines, and what faults of the line do to it."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mocks.line import Clock, FaxEndpoint, FaxSetup, FaxStats, Line, Spoil
from mocks.line.spoil import CLEAN
from rig.pages import compare_documents, make_tiff, read_pages


@dataclass
class Heard:
    """What one engine has told."""

    negotiations: list[FaxStats] = field(default_factory=list)
    pages: list[FaxStats] = field(default_factory=list)
    results: list[FaxStats] = field(default_factory=list)

    def endpoint(self, setup: FaxSetup) -> FaxEndpoint:
        return FaxEndpoint(
            setup, on_negotiate=self.negotiations.append, on_page=self.pages.append, on_result=self.results.append
        )


@dataclass
class Exchange:
    """A sender and a receiver."""

    sent: Path
    received: Path
    sender: Heard = field(default_factory=Heard)
    receiver: Heard = field(default_factory=Heard)

    def run(self, spoil: Spoil = CLEAN, ecm: bool = True, v17: bool = True, **more: object) -> tuple[FaxStats, FaxStats]:
        options = {"ident": b"+49 30 FAR", "header": b"gofaxpy", **more}
        line = Line(Clock(None), spoil)
        transmitter = self.sender.endpoint(
            FaxSetup(True, str(self.sent), True, ecm=ecm, v17=v17, **options)  # type: ignore[arg-type]
        )
        listener = self.receiver.endpoint(FaxSetup(False, str(self.received), False, ident=b"+1 337"))
        line.attach("a", transmitter)
        line.attach("b", listener)
        first = transmitter.wait()
        line.hangup()
        return first, listener.wait()


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    make_tiff(str(tmp_path / "sent.tif"))
    return Exchange(tmp_path / "sent.tif", tmp_path / "received.tif")


def test_three_pages_arrive_as_they_were_sent(exchange: Exchange) -> None:
    sender, receiver = exchange.run()
    assert sender.success and receiver.success and (sender.result_code, sender.result_text) == (0, "OK")
    results = compare_documents(read_pages(str(exchange.sent)), read_pages(str(exchange.received)))
    assert [page.identical for page in results] == [True] * 3
    assert [page.document_transferred_pages for page in exchange.sender.pages] == [1, 2, 3]
    [negotiated] = exchange.receiver.negotiations
    assert (negotiated.remote_station_id, negotiated.transfer_rate, negotiated.ecm_used) == (b"+49 30 FAR", 14400, True)
    page = exchange.receiver.pages[0]
    assert (page.image_resolution, page.encoding_name, page.bad_rows) == ("8040x7700", "T.6", 0)


@pytest.mark.parametrize(("first", "last", "count"), [(1, 1, 1), (1, 2, 2), (0, 0, 1)])
def test_a_range_of_pages_counts_from_zero_with_the_last_included(
    exchange: Exchange, first: int, last: int, count: int
) -> None:
    exchange.run(start_page=first, end_page=last)
    received = read_pages(str(exchange.received))
    assert len(received) == count
    sent = read_pages(str(exchange.sent))[first:last + 1]
    assert [page.identical for page in compare_documents(sent, received)] == [True] * count


def test_a_machine_without_v17_and_ecm_goes_slower_and_without(exchange: Exchange) -> None:
    sender, receiver = exchange.run(ecm=False, v17=False)
    assert (receiver.transfer_rate, receiver.ecm_used) == (9600, False)
    assert sender.success and sender.v17_disabled and not sender.ecm_requested


def test_an_identifier_that_is_no_utf8_arrives_raw(exchange: Exchange) -> None:
    _, receiver = exchange.run(ident=b"M\xfcller")
    assert receiver.remote_station_id == b"M\xfcller"


def test_noise_makes_bad_rows(exchange: Exchange) -> None:
    exchange.run(Spoil(noise=0.015), ecm=False)
    assert sum(page.bad_rows for page in exchange.receiver.pages) > 0


def test_a_cut_in_a_page_breaks_the_fax(exchange: Exchange) -> None:
    sender, receiver = exchange.run(Spoil(cuts=((20.0, 1.0),)), ecm=False)
    assert not sender.success and not receiver.success and sender.result_code not in (0, 49)


def test_a_hang_up_after_a_page_leaves_that_page_readable(exchange: Exchange) -> None:
    sender, receiver = exchange.run(Spoil(hangup_after_pages=1))
    assert (sender.result_code, sender.result_text) == (49, "The call dropped prematurely")
    assert sender.document_transferred_pages == 1 and receiver.result_code == 49
    assert len(read_pages(str(exchange.received))) == 1


def test_a_hang_up_before_the_end_of_the_first_page_leaves_no_file(exchange: Exchange) -> None:
    exchange.received.touch()
    sender, receiver = exchange.run(Spoil(hangup_after=12.0))
    assert sender.result_code == receiver.result_code == 49
    assert not exchange.received.exists()


def test_a_file_made_before_is_written_in_place_with_its_mode_and_lock(exchange: Exchange) -> None:
    fd = os.open(exchange.received, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    inode = os.fstat(fd).st_ino
    exchange.run()
    status = os.stat(exchange.received)
    assert (status.st_ino, status.st_mode & 0o777) == (inode, 0o600)
    assert len(read_pages(str(exchange.received))) == 3
    os.close(fd)


def test_a_sender_that_hears_nothing_gives_up(exchange: Exchange) -> None:
    line = Line(Clock(None))
    sender = exchange.sender.endpoint(FaxSetup(True, str(exchange.sent), True))
    line.attach("a", sender)
    line.attach("b", None)
    result = sender.wait()
    line.hangup()
    assert (result.result_code, result.result_text) == (2, "Timed out waiting for initial communication")


def test_a_receiver_that_hears_nothing_gives_up(exchange: Exchange) -> None:
    line = Line(Clock(None))
    receiver = exchange.receiver.endpoint(FaxSetup(False, str(exchange.received), False))
    line.attach("a", None)
    line.attach("b", receiver)
    result = receiver.wait()
    line.hangup()
    assert (result.result_code, result.result_text) == (3, "Timed out waiting for the first message")
    assert not exchange.received.exists()


def test_a_file_that_cannot_be_written_is_noticed_only_on_the_line(exchange: Exchange, tmp_path: Path) -> None:
    exchange.received = tmp_path / "nowhere" / "fax.tif"
    sender, receiver = exchange.run()
    assert receiver.result_code == 41 and receiver.result_text == "TIFF/F file cannot be opened"
    assert not sender.success


def test_a_stalled_fax_tells_its_result_and_returns_only_after_the_hang_up(exchange: Exchange) -> None:
    line = Line(Clock(None), Spoil(stall="a"))
    sender = exchange.sender.endpoint(FaxSetup(True, str(exchange.sent), True))
    receiver = exchange.receiver.endpoint(FaxSetup(False, str(exchange.received), False))
    line.attach("a", sender)
    line.attach("b", receiver)
    assert receiver.wait().success
    waiting = threading.Thread(target=sender.wait)
    waiting.start()
    deadline = time.monotonic() + 10
    while not exchange.sender.results and time.monotonic() < deadline:
        time.sleep(0.01)
    assert exchange.sender.results[0].success and waiting.is_alive()
    line.hangup()
    waiting.join(10)
    assert not waiting.is_alive()


def test_at_full_speed_line_time_waits_for_both_ends(exchange: Exchange) -> None:
    line = Line(Clock(None))
    sender = exchange.sender.endpoint(FaxSetup(True, str(exchange.sent), True))
    line.attach("a", sender)
    time.sleep(0.5)     # at some hundred times real time the sender's patience of 60 s would be over
    assert not exchange.sender.results
    receiver = exchange.receiver.endpoint(FaxSetup(False, str(exchange.received), False))
    line.attach("b", receiver)
    assert sender.wait().success
    line.hangup()


def test_many_lines_run_at_once(tmp_path: Path) -> None:
    make_tiff(str(tmp_path / "sent.tif"), 1)
    exchanges = [Exchange(tmp_path / "sent.tif", tmp_path / f"{number}.tif") for number in range(20)]
    threads = [threading.Thread(target=one.run) for one in exchanges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one.receiver.results[0].success for one in exchanges)


def test_a_clock_waits_in_line_time() -> None:
    clock = Clock(100)
    began = clock.now()
    assert not clock.sleep(1)
    assert clock.now() - began >= 1
    asked = threading.Event()
    asked.set()
    assert clock.sleep(1000, asked)
    with pytest.raises(ValueError, match="more than 0"):
        Clock(0)
