"""The line of the stand-in: real T.30 between two engines."""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from mocks.line import CLEAN, Clock, FaxEndpoint, FaxSetup, FaxStats, Line, Spoil
from rig.pages import Page, compare_documents, make_tiff, read_pages

OPTIONS: dict[str, object] = {"ident": b"+49 30 FAR", "header": b""}


@dataclass
class Heard:
    """What one engine has told, in the order of telling."""

    negotiations: list[FaxStats] = field(default_factory=list)
    pages: list[FaxStats] = field(default_factory=list)
    results: list[FaxStats] = field(default_factory=list)

    def endpoint(self, setup: FaxSetup) -> FaxEndpoint:
        return FaxEndpoint(
            setup, on_negotiate=self.negotiations.append, on_page=self.pages.append, on_result=self.results.append
        )


@dataclass
class Exchange:
    """A sender, a receiver, and the line between them."""

    sent: Path
    received: Path
    sender: Heard = field(default_factory=Heard)
    receiver: Heard = field(default_factory=Heard)
    line: Line = field(default_factory=lambda: Line(Clock(None)))

    def transmitter(self, **options: object) -> FaxEndpoint:
        return self.sender.endpoint(FaxSetup(True, str(self.sent), True, **OPTIONS | options))  # type: ignore[arg-type]

    def listener(self, **options: object) -> FaxEndpoint:
        return self.receiver.endpoint(FaxSetup(False, str(self.received), False, **options))  # type: ignore[arg-type]

    def run(self, spoil: Spoil = CLEAN, speed: float | None = None, **options: object) -> tuple[FaxStats, FaxStats]:
        """Both ends until both have returned."""
        self.line = Line(Clock(speed), spoil)
        transmitter, listener = self.transmitter(**options), self.listener(ident=b"+1 337")
        self.line.attach("a", transmitter)
        self.line.attach("b", listener)
        results = transmitter.wait(), listener.wait()
        self.line.hangup()
        return results

    def document(self) -> list[Page]:
        return read_pages(str(self.sent))

    def arrived(self) -> list[Page]:
        return read_pages(str(self.received))


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    make_tiff(str(tmp_path / "sent.tif"))
    return Exchange(tmp_path / "sent.tif", tmp_path / "received.tif")


@pytest.mark.parametrize("ecm", [True, False])
def test_three_pages_arrive_bit_by_bit(exchange: Exchange, ecm: bool) -> None:
    sender, receiver = exchange.run(ecm=ecm)
    assert sender.success and receiver.success and (sender.result_code, sender.result_text) == (0, "OK")
    assert [page.rows for page in exchange.arrived()] == [page.rows for page in exchange.document()]
    assert [page.document_transferred_pages for page in exchange.sender.pages] == [1, 2, 3]
    assert [page.document_transferred_pages for page in exchange.receiver.pages] == [1, 2, 3]
    assert (receiver.document_transferred_pages, receiver.document_total_pages) == (3, 3)


def test_the_ends_tell_what_mod_spandsp_tells(exchange: Exchange) -> None:
    exchange.run()
    [negotiated] = exchange.sender.negotiations
    assert (negotiated.transfer_rate, negotiated.ecm_used, negotiated.document_total_pages) == (14400, True, 0)
    assert (negotiated.local_station_id, negotiated.remote_station_id) == (b"+49 30 FAR", b"+1 337")
    page = exchange.sender.pages[0]
    assert (page.image_resolution, page.file_image_resolution) == ("8040x7700", "8031x7716")
    assert (page.image_pixel_size, page.file_image_pixel_size) == ("1728x2292", "1728x2292")
    assert (page.encoding, page.encoding_name, page.document_total_pages) == (8, "T.6", 3)
    [negotiated] = exchange.receiver.negotiations
    assert (negotiated.local_station_id, negotiated.remote_station_id) == (b"+1 337", b"+49 30 FAR")
    page = exchange.receiver.pages[0]
    assert (page.image_resolution, page.file_image_resolution) == ("8040x7700", "8040x7700")
    assert exchange.receiver.results[0].image_size == 0


def test_a_page_is_complete_in_the_file_when_it_is_told(exchange: Exchange) -> None:
    found: list[int] = []
    listener = FaxEndpoint(
        FaxSetup(False, str(exchange.received), False),
        on_negotiate=lambda _stats: None,
        on_page=lambda _stats: found.append(len(exchange.arrived())),
        on_result=lambda _stats: None,
    )
    exchange.line.attach("a", exchange.transmitter())
    exchange.line.attach("b", listener)
    listener.wait()
    exchange.line.hangup()
    assert found == [1, 2, 3]


def test_the_received_file_is_what_mod_spandsp_writes(exchange: Exchange) -> None:
    exchange.run()
    with Image.open(exchange.received) as image:
        tags = dict(image.tag_v2)
    compression, options, description, software, dcs = tags[259], tags[292], tags[270], tags[305], tags[34911]
    assert (compression, options & 1) == (3, 1)  # CCITT Group 3, two-dimensional
    assert description == "+49 30 FAR" and software.startswith("Spandsp") and dcs
    assert 34908 not in tags  # FaxRecvParams


@pytest.mark.parametrize(("first", "last", "pages"), [(1, 1, (1,)), (1, None, (1, 2)), (0, 0, (0,)), (None, None, (0, 1, 2))])
def test_page_ranges_count_from_zero_with_the_last_included(
    exchange: Exchange, first: int | None, last: int | None, pages: tuple[int, ...]
) -> None:
    exchange.run(start_page=first, end_page=last)
    document = exchange.document()
    assert [page.rows for page in exchange.arrived()] == [document[number].rows for number in pages]


def test_a_header_line_moves_the_page_down_and_shows_the_zone_asked_for(exchange: Exchange, tmp_path: Path) -> None:
    tops = []
    for zone in ("UTC0", "XXX-11:30"):
        exchange.received = tmp_path / f"{zone}.tif"
        exchange.run(header=b"gofaxpy", timezone=zone, end_page=0)
        [page] = exchange.arrived()
        [compared] = compare_documents(exchange.document()[:1], [page])
        assert compared.identical and compared.shift > 0
        tops.append(page.rows[: compared.shift])
    assert any(map(any, tops[0])) and tops[0] != tops[1]


def test_a_machine_without_v17_and_ecm_goes_at_9600_without(exchange: Exchange) -> None:
    sender, receiver = exchange.run(ecm=False, v17=False)
    assert (receiver.transfer_rate, receiver.ecm_used, receiver.encoding_name) == (9600, False, "T.4 2-D")
    assert sender.success and sender.v17_disabled and not sender.ecm_requested


@pytest.mark.parametrize("ident", [b"M\xfcller", b"\xff\xfe\x80", b"12345678901234567890"])
def test_an_identifier_arrives_as_the_octets_that_were_given(exchange: Exchange, ident: bytes) -> None:
    _, receiver = exchange.run(ident=ident, end_page=0)
    assert receiver.remote_station_id == ident


def test_an_identifier_of_more_than_20_octets_is_not_sent(exchange: Exchange) -> None:
    sender, receiver = exchange.run(ident=b"123456789012345678901", end_page=0)
    assert (sender.success, sender.local_station_id, receiver.remote_station_id) == (True, b"", b"")


@pytest.mark.parametrize(
    ("width", "across", "down", "told"),
    [
        (1728, 204, 391, "8040x15400"),
        (2048, 204, 196, "8040x7700"),
        (2432, 204, 98, "8040x3850"),
        (3456, 408, 391, "16080x15400"),
    ],
)
def test_widths_and_resolutions_that_mod_spandsp_offers(
    exchange: Exchange, width: int, across: int, down: int, told: str
) -> None:
    write_striped_page(exchange.sent, width, across, down)
    _, receiver = exchange.run()
    assert receiver.success and exchange.receiver.pages[0].image_resolution == told
    assert [page.rows for page in exchange.arrived()] == [page.rows for page in exchange.document()]


def test_a_resolution_that_nobody_offers_is_refused_by_the_sender(exchange: Exchange) -> None:
    write_striped_page(exchange.sent, 1728, 300, 300)
    sender, _ = exchange.run()
    assert (sender.result_code, sender.result_text) == (11, "Far end cannot receive at the resolution of the image")


def test_a_file_made_before_is_written_in_place_with_its_mode_and_lock(exchange: Exchange) -> None:
    fd = os.open(exchange.received, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        exchange.run()
        made, status = os.fstat(fd), os.stat(exchange.received)
        assert (status.st_ino, status.st_dev, status.st_mode) == (made.st_ino, made.st_dev, made.st_mode)
        assert status.st_mode & 0o777 == 0o600
        other = os.open(exchange.received, os.O_RDWR)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(other)
    finally:
        os.close(fd)
    assert len(exchange.arrived()) == 3


def test_a_file_that_cannot_be_written_is_noticed_only_on_the_line(exchange: Exchange, tmp_path: Path) -> None:
    exchange.received = tmp_path / "nowhere" / "fax.tif"
    sender, receiver = exchange.run()
    assert (receiver.result_code, receiver.result_text) == (41, "TIFF/F file cannot be opened")
    assert len(exchange.receiver.negotiations) == 1 and not sender.success


def test_a_document_that_is_no_tiff_is_noticed_only_on_the_line(exchange: Exchange) -> None:
    exchange.sent.write_bytes(b"%PDF-1.4 no TIFF at all")
    sender, _ = exchange.run()
    assert (sender.result_code, sender.result_text) == (41, "TIFF/F file cannot be opened")
    assert len(exchange.sender.negotiations) == 1 and not exchange.received.exists()


def test_many_lines_run_at_once(tmp_path: Path) -> None:
    make_tiff(str(tmp_path / "sent.tif"), 1)
    exchanges = [Exchange(tmp_path / "sent.tif", tmp_path / f"{number}.tif") for number in range(20)]
    threads = [threading.Thread(target=one.run) for one in exchanges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [sent] = read_pages(str(tmp_path / "sent.tif"))
    assert all(one.sender.results[0].success and one.receiver.results[0].success for one in exchanges)
    assert all([page.rows for page in one.arrived()] == [sent.rows] for one in exchanges)


def write_striped_page(path: Path, width: int, across: int, down: int) -> None:
    """One page of 40 rows, uncompressed, every row different (TIFF 6.0)."""
    rows = [bytes((number * 7 + column) % 256 if column % 5 else 0 for column in range(width // 8)) for number in range(40)]
    image = b"".join(rows)
    entries = [
        (256, 4, width), (257, 4, len(rows)), (258, 3, 1), (259, 3, 1), (262, 3, 0), (266, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 4, len(rows)), (279, 4, len(image)), (282, 5, 8 + len(image)), (283, 5, 16 + len(image)), (296, 3, 2),
    ]  # fmt: skip
    head = b"II*\0" + struct.pack("<I", 24 + len(image))
    resolutions = struct.pack("<4I", across, 1, down, 1)
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(head + image + resolutions + struct.pack("<H", len(entries)) + directory + struct.pack("<I", 0))
