"""One T.30 engine: what rxfax or txfax run at their end of a line.

The engine belongs to the line it is attached to: all methods below "for the line" are called by :class:`Line`, one at a
time and under its lock.  What SpanDSP reports from within a step is noted and told to the owner after it (`tell`),
without that lock, so an owner may hang up from a callback.

Where SpanDSP 0.0.6 does something else than the newer SpanDSP of mod_spandsp, the endpoint evens it out:
a receiver that hears nothing goes on for 39 s and ends with code 3 (0.0.6: 48 after 21.7 s).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mocks.line import spandsp
from mocks.line.results import CALL_DROPPED, OK, RETRIES_EXHAUSTED, T1_EXPIRED, FaxStats, page_fields
from mocks.line.spandsp import LIBRARY, SAMPLE_RATE, SAMPLES
from mocks.line.tiffpages import TiffPage, tiff_pages
from mocks.line.timezones import posix_timezone

if TYPE_CHECKING:
    from ctypes import _Pointer, c_uint8

Told = Callable[[FaxStats], None]

PATIENCE = 39 * SAMPLE_RATE // SAMPLES
"""Steps of 20 ms after which a receiver that has heard no T.30 at all gives up; mod_spandsp was measured at 39 s."""

_MODEMS = spandsp.V27TER | spandsp.V29
_COMPRESSIONS = spandsp.T4_1D | spandsp.T4_2D | spandsp.T6
_RESOLUTIONS = spandsp.STANDARD | spandsp.FINE | spandsp.SUPERFINE | spandsp.R8 | spandsp.R16
_IMAGE_SIZES = (
    spandsp.WIDTH_215MM
    | spandsp.WIDTH_255MM
    | spandsp.WIDTH_303MM
    | spandsp.LENGTH_US_LETTER
    | spandsp.LENGTH_US_LEGAL
    | spandsp.LENGTH_UNLIMITED
)


@dataclass(frozen=True, slots=True)
class FaxSetup:
    """What mod_spandsp reads from channel variables before it starts an engine.

    ``calling`` is who sends CNG and waits (not who transmits).  ``ident`` and ``header`` are octets; SpanDSP sends none
    at all if there are more than 20 or 50.  Pages count from 0, ``end_page`` is sent too.  ``timezone`` is that of
    the header line: a name (``Europe/Berlin``) or a POSIX rule, empty for the machine's own.
    """

    calling: bool
    document: str
    transmit: bool
    ident: bytes = b""
    header: bytes = b""
    ecm: bool = True
    v17: bool = True
    start_page: int | None = None
    end_page: int | None = None
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """Something that the owner of a fax has still to be told; ``final`` for the result."""

    tell: Told
    stats: FaxStats
    final: bool = False


class FaxEndpoint:
    """One fax at one end of a line.

    The callbacks come in the line's thread: ``on_negotiate`` at every phase B (again for each new training),
    ``on_page`` at every phase D (also for a page that has to be repeated), ``on_result`` once.
    """

    def __init__(self, setup: FaxSetup, *, on_negotiate: Told, on_page: Told, on_result: Told) -> None:
        self.setup = setup
        self._on_negotiate, self._on_page, self._on_result = on_negotiate, on_page, on_result
        self._result = FaxStats()
        self._told = False
        self._returned = threading.Event()
        self._news: list[News] = []
        self._document: list[TiffPage] = []
        self._fax: int | None = None
        self._t30 = 0
        self._handlers: tuple[object, ...] = ()
        self._ended: int | None = None
        self._steps = 0
        self._negotiated = False
        self._heard_frames = False
        self._stalls = False
        self.over = False
        """The result is there, though perhaps not yet told."""
        self.pages = 0
        """Pages confirmed so far."""
        self.training_confirmed = False
        """The first page can begin: CFR has been sent or received."""

    # -- for rxfax and txfax

    def wait(self) -> FaxStats:
        """Until the fax is over and its result told, or it was hung up or detached; the result."""
        self._returned.wait()
        return self._result

    # -- for the line

    def begin(self, *, stalls: bool) -> None:
        """Start the engine; with ``stalls`` `wait` does not return before `close`.  Raises MemoryError."""
        self._stalls = stalls
        if self.setup.transmit:
            self._document = tiff_pages(self.setup.document)
        self._start()

    def transmit(self, sound: int) -> None:
        """Put the next 20 ms of what this end says into the buffer at that address, silence where it says nothing."""
        count = LIBRARY.fax_tx(self._fax, sound, SAMPLES) if self._fax is not None else 0
        if count < SAMPLES:
            spandsp.silence(sound, count, SAMPLES - count)

    def receive(self, sound: int) -> None:
        """Hear the 20 ms in the buffer at that address (SpanDSP takes any direct current out of it)."""
        if self._fax is not None:
            LIBRARY.fax_rx(self._fax, sound, SAMPLES)
            self._steps += 1

    def settle(self) -> None:
        """After a step: do what the engine's reports ask for, which may not be done inside of them."""
        if self.over or self._fax is None:
            return
        unanswered = not self.setup.calling and not self._negotiated
        if unanswered and self._ended == RETRIES_EXHAUSTED and self._steps < PATIENCE:
            self._stop()
            self._start()
        elif unanswered and self._steps >= PATIENCE and (self._ended == RETRIES_EXHAUSTED or not self._heard_frames):
            self._end(T1_EXPIRED)
        elif self._ended is not None:
            self._end(self._ended)

    def close(self) -> None:
        """The line lets go: a fax that is not over has been dropped, and nothing holds `wait` back any longer.

        SpanDSP decides what a drop means: after the last page was received, or while the sender says its last
        word, the fax is good.
        """
        self._stalls = False
        if self._told:
            self._returned.set()
        if not self.over:
            if self._fax is not None:
                LIBRARY.t30_terminate(self._t30)
            self._end(self._ended if self._ended is not None else CALL_DROPPED)

    def take_news(self) -> list[News]:
        """What is to be told; it is forgotten here."""
        news, self._news = self._news, []
        return news

    def tell(self, news: list[News]) -> None:
        """Call the owner's callbacks, without the line's lock; `wait` returns after the result was told."""
        for item in news:
            item.tell(item.stats)
            if item.final:
                self._told = True
                if not self._stalls:
                    self._returned.set()

    def give_up(self) -> None:
        """Let `wait` return whatever happens: nobody will run this engine again."""
        self._returned.set()

    # -- the engine

    def _start(self) -> None:
        setup = self.setup
        fax = LIBRARY.fax_init(None, int(setup.calling))
        if fax is None:
            raise MemoryError("SpanDSP cannot allocate a fax engine")
        self._fax, self._t30, self._ended = fax, LIBRARY.fax_get_t30_state(fax), None
        t30 = self._t30
        LIBRARY.fax_set_transmit_on_idle(fax, 1)
        # as mod_spandsp_fax.c, spanfax_init
        LIBRARY.t30_set_tx_ident(t30, setup.ident)
        LIBRARY.t30_set_tx_page_header_info(t30, setup.header)
        if setup.timezone:
            LIBRARY.t30_set_tx_page_header_tz(t30, os.fsencode(posix_timezone(setup.timezone)))
        LIBRARY.t30_set_supported_image_sizes(t30, _IMAGE_SIZES)
        LIBRARY.t30_set_supported_resolutions(t30, _RESOLUTIONS)
        LIBRARY.t30_set_supported_compressions(t30, _COMPRESSIONS)
        LIBRARY.t30_set_supported_modems(t30, _MODEMS | spandsp.V17 if setup.v17 else _MODEMS)
        LIBRARY.t30_set_ecm_capability(t30, int(setup.ecm))
        LIBRARY.t30_set_rx_encoding(t30, spandsp.FILE_T4_2D)  # the newer SpanDSP's default
        document = os.fsencode(setup.document)
        if setup.transmit:
            first = -1 if setup.start_page is None else setup.start_page
            last = -1 if setup.end_page is None else setup.end_page
            LIBRARY.t30_set_tx_file(t30, document, first, last)
        else:
            LIBRARY.t30_set_rx_file(t30, document, -1)
        self._set_handlers(t30)

    def _set_handlers(self, t30: int) -> None:
        phase_b = spandsp.PhaseHandler(self._phase_b)
        phase_d = spandsp.PhaseHandler(self._phase_d)
        phase_e = spandsp.EndHandler(self._phase_e)
        frame = spandsp.FrameHandler(self._frame)
        self._handlers = (phase_b, phase_d, phase_e, frame)  # ctypes frees a callback that nobody holds
        LIBRARY.t30_set_phase_b_handler(t30, phase_b, None)
        LIBRARY.t30_set_phase_d_handler(t30, phase_d, None)
        LIBRARY.t30_set_phase_e_handler(t30, phase_e, None)
        LIBRARY.t30_set_real_time_frame_handler(t30, frame, None)

    def _stop(self) -> None:
        """Free the engine.  SpanDSP closes the file, and removes it if it opened it and no page is complete."""
        fax, self._fax = self._fax, None
        if fax is not None:
            LIBRARY.fax_release(fax)
            LIBRARY.fax_free(fax)
        self._handlers = ()

    def _end(self, code: int) -> None:
        """The fax is over, by this completion code."""
        text = spandsp.completion_text(code)
        self._result = replace(self._now(), success=code == OK, result_code=code, result_text=text)
        self._stop()
        self.over = True
        self._news.append(News(self._on_result, self._result, final=True))

    def _phase_b(self, _t30: int, _user: int, _frame: int) -> int:
        self._negotiated = True
        self._news.append(News(self._on_negotiate, self._now()))
        return OK

    def _phase_d(self, _t30: int, _user: int, _frame: int) -> int:
        stats = self._now()
        self.pages = stats.document_transferred_pages
        self._news.append(News(self._on_page, stats))
        return OK

    def _phase_e(self, _t30: int, _user: int, code: int) -> None:
        self._ended = code

    def _frame(self, _t30: int, _user: int, incoming: int, frame: _Pointer[c_uint8], length: int) -> None:
        if incoming:
            self._heard_frames = True
        if length > 2 and frame[2] & 0xFE == spandsp.FCF_CFR:
            self.training_confirmed = True

    def _now(self) -> FaxStats:
        """What there is to tell at this moment."""
        setup = self.setup
        begun = FaxStats(v17_disabled=not setup.v17, ecm_requested=setup.ecm)
        if self._fax is None:
            return begun
        t30, raw = self._t30, spandsp.statistics(self._t30)
        first_page = setup.start_page if setup.start_page is not None and setup.start_page > 0 else 0
        return replace(
            begun,
            ecm_used=bool(raw.error_correcting_mode),
            transfer_rate=raw.bit_rate,
            local_station_id=LIBRARY.t30_get_tx_ident(t30) or b"",
            remote_station_id=LIBRARY.t30_get_rx_ident(t30) or b"",
            document_transferred_pages=raw.pages_tx if setup.transmit else raw.pages_rx,
            document_total_pages=raw.pages_in_file,
            remote_country=_text(LIBRARY.t30_get_rx_country(t30)),
            remote_vendor=_text(LIBRARY.t30_get_rx_vendor(t30)),
            remote_model=_text(LIBRARY.t30_get_rx_model(t30)),
            **page_fields(raw, self._document, first_page),  # type: ignore[arg-type]
        )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")
