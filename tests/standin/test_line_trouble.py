"""The line of the stand-in: hang-ups, silence, faults of the line, and whose time goes by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mocks.line import CLEAN, Clock, FaxEndpoint, FaxSetup, FaxStats, Line, Spoil
from rig.pages import make_tiff, read_pages

DROPPED = (49, "The call dropped prematurely")
SHORT_CUTS = tuple((20.0 + second, 0.005) for second in range(5))


def nothing(_stats: FaxStats) -> None:
    """Nobody is interested."""


@dataclass
class Fax:
    """One end: its setup, what it told and what is done about it."""

    setup: FaxSetup
    on_page: Callable[[FaxStats], None] = nothing
    negotiations: list[FaxStats] = field(default_factory=list)
    pages: list[FaxStats] = field(default_factory=list)
    results: list[FaxStats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoint = FaxEndpoint(
            self.setup, on_negotiate=self.negotiations.append, on_page=self._page, on_result=self.results.append
        )

    def _page(self, stats: FaxStats) -> None:
        self.pages.append(stats)
        self.on_page(stats)

    def wait(self) -> FaxStats:
        return self.endpoint.wait()


@dataclass
class Place:
    """Where a document is sent from and to."""

    sent: Path
    received: Path

    def sender(self, **options: object) -> Fax:
        return Fax(FaxSetup(True, str(self.sent), True, **options))  # type: ignore[arg-type]

    def receiver(self, **options: object) -> Fax:
        return Fax(FaxSetup(False, str(self.received), False, **options))  # type: ignore[arg-type]

    def run(self, spoil: Spoil, **options: object) -> tuple[Fax, Fax]:
        """Send the document over a spoilt line until both ends have returned."""
        line, sender, receiver = Line(Clock(None), spoil), self.sender(**options), self.receiver(**options)
        line.attach("a", sender.endpoint)
        line.attach("b", receiver.endpoint)
        sender.wait()
        receiver.wait()
        line.hangup()
        return sender, receiver

    def arrived(self) -> int:
        return len(read_pages(str(self.received)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    make_tiff(str(tmp_path / "sent.tif"), 2, dpi=98)
    return Place(tmp_path / "sent.tif", tmp_path / "received.tif")


def outcome(fax: Fax) -> tuple[int, str]:
    [result] = fax.results
    assert result == fax.wait() and result.success == (result.result_code == 0)
    return result.result_code, result.result_text


# -- hang-ups


@pytest.mark.parametrize("ecm", [True, False])
def test_a_hang_up_after_a_page_leaves_that_page_readable(place: Place, ecm: bool) -> None:
    sender, receiver = place.run(Spoil(hangup_after_pages=1), ecm=ecm)
    assert outcome(sender) == outcome(receiver) == DROPPED
    assert sender.wait().document_transferred_pages == receiver.wait().document_transferred_pages == 1
    assert place.arrived() == 1


@pytest.mark.parametrize("spoil", [Spoil(hangup_after_pages=0), Spoil(hangup_after=12.5)])
def test_a_hang_up_in_the_first_page_leaves_no_file(place: Place, spoil: Spoil) -> None:
    place.received.touch()
    sender, receiver = place.run(spoil)
    assert outcome(sender) == outcome(receiver) == DROPPED
    assert sender.wait().document_transferred_pages == receiver.wait().document_transferred_pages == 0
    assert len(receiver.negotiations) == 1
    assert not place.received.exists()


def test_a_hang_up_before_the_negotiation_leaves_a_file_that_was_there(place: Place) -> None:
    place.received.touch()
    _, receiver = place.run(Spoil(hangup_after=3))
    assert outcome(receiver) == DROPPED and receiver.negotiations == []
    assert place.received.read_bytes() == b""


def test_a_hang_up_after_the_last_page_was_confirmed_spoils_nothing(place: Place) -> None:
    sender, receiver = place.run(Spoil(hangup_after_pages=2))
    assert outcome(sender) == outcome(receiver) == (0, "OK")


def test_the_owner_of_the_line_hears_of_the_cut_before_the_engines_end(place: Place) -> None:
    line = Line(Clock(None), Spoil(hangup_after=12))
    sender, receiver = place.sender(), place.receiver()
    known: list[tuple[list[FaxStats], list[FaxStats]]] = []
    line.on_cut = lambda: known.append((list(sender.results), list(receiver.results)))
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert sender.wait().result_code == receiver.wait().result_code == 49
    assert known == [([], [])]


def test_hanging_up_from_a_callback_ends_both_faxes(place: Place) -> None:
    line = Line(Clock(None))
    sender, receiver = place.sender(), place.receiver()
    sender.on_page = lambda _stats: line.hangup()
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert (sender.wait().result_code, receiver.wait().result_code) == (49, 49)
    assert (len(sender.pages), place.arrived()) == (1, 1)


@pytest.mark.parametrize("end", ["a", "b"])
def test_a_detached_fax_is_a_dropped_one(place: Place, end: str) -> None:
    line = Line(Clock(None))
    sender, receiver = place.sender(), place.receiver()
    leaver = sender if end == "a" else receiver
    sender.on_page = lambda _stats: line.detach(end)
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert leaver.wait().result_code == 49
    line.hangup()
    assert sender.wait().result_code == receiver.wait().result_code == 49


def test_a_fax_on_a_line_that_was_hung_up_ends_at_once(place: Place) -> None:
    line = Line(Clock(None))
    line.hangup()
    sender = place.sender()
    line.attach("a", sender.endpoint)
    assert outcome(sender) == DROPPED


def test_an_error_in_a_callback_keeps_nobody_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def fail(_stats: FaxStats) -> None:
        raise RuntimeError("the owner of the fax is at fault")

    line, sender, receiver = Line(Clock(None)), place.sender(), place.receiver()
    sender.on_page = fail
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert sender.wait().result_code == receiver.wait().result_code == 49
    while not reported:
        time.sleep(0.01)
    assert isinstance(reported[0], RuntimeError)


# -- nobody there


def alone(end: str, fax: Fax, other: Fax | None = None) -> float:
    """Run one fax against silence or against another fax; the line time it took."""
    line = Line(Clock(None))
    line.attach("b" if end == "a" else "a", None if other is None else other.endpoint)
    line.attach(end, fax.endpoint)
    fax.wait()
    took = line.time
    line.hangup()
    return took


def test_a_sender_that_hears_nothing_gives_up_after_60_seconds(place: Place) -> None:
    sender = place.sender()
    assert round(alone("a", sender)) == 60
    assert outcome(sender) == (2, "Timed out waiting for initial communication")
    assert sender.negotiations == []


def test_a_receiver_that_hears_nothing_gives_up_after_39_seconds(place: Place) -> None:
    receiver = place.receiver()
    assert round(alone("b", receiver)) == 39
    assert outcome(receiver) == (3, "Timed out waiting for the first message")
    assert not place.received.exists()


def test_two_receivers_give_up_by_the_same_code(place: Place) -> None:
    receiver, other = place.receiver(), place.receiver()
    alone("b", receiver, other)
    assert outcome(receiver) == (3, "Timed out waiting for the first message")


def test_a_receiver_still_serves_a_caller_who_comes_late(place: Place) -> None:
    line, sender, receiver = Line(Clock(None)), place.sender(), place.receiver()
    line.attach("a", None, silence=25)
    line.attach("b", receiver.endpoint)
    while line.time < 25:
        time.sleep(0.01)
    line.attach("a", sender.endpoint)
    assert sender.wait().success and receiver.wait().success and place.arrived() == 2
    line.hangup()


# -- faults


def test_short_cuts_spoil_a_row_or_two_each(place: Place) -> None:
    _, receiver = place.run(Spoil(cuts=SHORT_CUTS), ecm=False, v17=False)
    assert outcome(receiver) == (0, "OK")
    spoilt, clean = receiver.pages
    assert len(SHORT_CUTS) <= spoilt.bad_rows <= 2 * len(SHORT_CUTS) and 1 <= spoilt.longest_bad_row_run <= 2
    assert clean.bad_rows == 0


def test_error_correction_mends_short_cuts(place: Place) -> None:
    clean, spoilt = place.run(CLEAN), place.run(Spoil(cuts=SHORT_CUTS))
    assert outcome(spoilt[1]) == (0, "OK") and [page.bad_rows for page in spoilt[1].pages] == [0, 0]
    assert clean[1].wait() == spoilt[1].wait()


def test_a_cut_in_the_training_brings_a_second_negotiation(place: Place) -> None:
    sender, receiver = place.run(Spoil(cuts=((8.5, 0.1),)), ident=b"+49 30 FAR")
    assert outcome(sender) == outcome(receiver) == (0, "OK")
    assert (len(sender.negotiations), len(receiver.negotiations)) == (1, 2)


def test_a_long_cut_in_a_page_ends_the_fax(place: Place) -> None:
    sender, receiver = place.run(Spoil(cuts=((14.0, 1.0),)))
    assert not sender.wait().success and not receiver.wait().success
    assert 49 not in (sender.wait().result_code, receiver.wait().result_code)


def test_noise_spoils_rows(place: Place) -> None:
    _, receiver = place.run(Spoil(noise=0.01), ecm=False, v17=False)
    assert outcome(receiver) == (0, "OK")
    assert sum(page.bad_rows for page in receiver.pages) > 0


def test_more_noise_costs_speed(place: Place) -> None:
    _, receiver = place.run(Spoil(noise=0.012), v17=False)
    assert outcome(receiver) == (0, "OK")
    assert [stats.transfer_rate for stats in receiver.negotiations] == [9600, 7200]


def test_noise_is_the_same_in_every_run(place: Place) -> None:
    first, second = (place.run(Spoil(noise=0.01), ecm=False, v17=False) for _ in range(2))
    assert [fax.pages for fax in first] == [fax.pages for fax in second]


@pytest.mark.parametrize("noise", [-0.1, 1.1, float("nan")])
def test_a_noise_beyond_full_scale_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Spoil(noise=noise)


@pytest.mark.parametrize("end", ["hangup", "detach"])
def test_a_stalled_fax_tells_its_result_and_returns_only_when_let_go(place: Place, end: str) -> None:
    line, sender, receiver = Line(Clock(None), Spoil(stall="a")), place.sender(), place.receiver()
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert receiver.wait().success
    waiting = threading.Thread(target=sender.wait)
    waiting.start()
    while not sender.results:
        time.sleep(0.01)
    waiting.join(0.2)
    assert sender.results[0].success and waiting.is_alive()
    if end == "hangup":
        line.hangup()
    else:
        line.detach("a")
    waiting.join(30)
    assert not waiting.is_alive() and len(sender.results) == 1
    line.hangup()


# -- line time


def test_at_full_speed_line_time_waits_for_both_ends(place: Place) -> None:
    line, sender, receiver = Line(Clock(None)), place.sender(), place.receiver()
    line.attach("a", sender.endpoint)
    time.sleep(0.3)
    assert line.time == 0
    line.attach("b", receiver.endpoint)
    assert sender.wait().success
    line.hangup()


def test_timed_silence_takes_line_time_and_then_holds_it(place: Place) -> None:
    line, sender = Line(Clock(None)), place.sender()
    line.attach("b", None, silence=10)
    line.attach("a", sender.endpoint)
    while line.time < 10:
        time.sleep(0.01)
    time.sleep(0.2)
    assert round(line.time, 2) == 10 and sender.results == []
    line.hangup()
    assert sender.wait().result_code == 49


def test_at_a_numeric_speed_line_time_goes_on_with_one_end_empty(place: Place) -> None:
    line, sender = Line(Clock(300)), place.sender()
    line.attach("a", sender.endpoint)
    assert sender.wait().result_code == 2
    assert line.time == pytest.approx(60, abs=15)
    line.hangup()


def test_a_fax_goes_through_at_a_numeric_speed(place: Place) -> None:
    clock = Clock(100)
    line, sender, receiver = Line(clock), place.sender(), place.receiver()
    line.attach("a", sender.endpoint)
    line.attach("b", receiver.endpoint)
    assert sender.wait().success and receiver.wait().success
    assert clock.now() >= line.time > 20
    line.hangup()


def test_a_far_end_hangs_up_by_the_clock_though_no_fax_runs() -> None:
    line = Line(Clock(50), Spoil(hangup_after=5))
    cut = threading.Event()
    line.on_cut = cut.set
    line.attach("a", None)
    line.attach("b", None)
    assert cut.wait(30)
    assert line.time >= 5


def test_a_clock_counts_and_waits_in_line_time() -> None:
    clock = Clock(100)
    began = clock.now()
    assert not clock.sleep(1)
    assert clock.now() - began >= 1
    asked = threading.Event()
    assert not clock.sleep(0.1, asked)
    asked.set()
    assert clock.sleep(100_000, asked)


@pytest.mark.parametrize("speed", [0, -1.0, float("nan")])
def test_a_clock_that_does_not_run_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Clock(speed)


def test_a_plain_wait_at_full_speed_is_fifty_times_as_fast() -> None:
    clock = Clock(None)
    began, wall = clock.now(), time.monotonic()
    clock.sleep(5)
    assert clock.now() - began >= 5
    assert time.monotonic() - wall >= 0.1
