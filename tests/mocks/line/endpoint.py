"""One T.30 engine: what rxfax or txfax run on their end of a line.

SpanDSP is not to be used by two threads at once, and an engine must not be freed from one of its own callbacks: a lock
keeps the line's thread and the channel's apart, and what is asked for in a callback is done after it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from ctypes import byref
from dataclasses import dataclass, replace

from mocks.line import spandsp
from mocks.line.results import CALL_DROPPED, RETRY_DCN, T1_EXPIRED, TEXTS, FaxStats, sizes
from mocks.line.spandsp import LIBRARY, Sound, Statistics

Told = Callable[[FaxStats], None]


@dataclass(frozen=True, slots=True)
class FaxSetup:
    """What mod_spandsp reads from channel variables.  `ident` and `header` are the octets that go over the line."""

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


class FaxEndpoint:
    """One fax on one end of a line.  The callbacks run in the line's thread: negotiation (again after each new
    training), each page, and once the result."""

    def __init__(self, setup: FaxSetup, *, on_negotiate: Told, on_page: Told, on_result: Told) -> None:
        self.setup = setup
        self._on_negotiate, self._on_page, self._on_result = on_negotiate, on_page, on_result
        self._over = threading.Event()
        self._returned = threading.Event()
        self._result = FaxStats()
        self._state: int | None = None
        self._t30: int | None = None
        self._pages = 0
        self._negotiated = False
        self._lock = threading.RLock()
        self._inside = False        # SpanDSP is at work, in the thread that holds the lock
        self._finish_wanted = False
        self.stalls = False
        """Set by the line: the result is told, but `wait` goes on waiting until the hang-up."""
        # ctypes frees a callback that nobody holds, while SpanDSP still has its address
        self._handlers = (
            spandsp.PhaseHandler(self._phase_b), spandsp.PhaseHandler(self._phase_d), spandsp.EndHandler(self._phase_e)
        )
        self._begin()

    # -- for rxfax and txfax

    def wait(self) -> FaxStats:
        """Until the fax is over (or hung up, or detached); its result."""
        self._returned.wait()
        return self._result

    # -- for the line

    @property
    def over(self) -> bool:
        """The result is there."""
        return self._over.is_set()

    @property
    def good(self) -> bool:
        """The result is there, and a success."""
        return self._over.is_set() and self._result.success

    @property
    def pages(self) -> int:
        """Pages confirmed so far."""
        return self._pages

    def transmit(self, samples: Sound) -> None:
        """The next 20 ms of what this end says, silence where it says nothing."""
        for step in range(self._at_work(LIBRARY.fax_tx, samples), spandsp.SAMPLES):
            samples[step] = 0

    def receive(self, samples: Sound) -> None:
        """The next 20 ms of what the other end says."""
        self._at_work(LIBRARY.fax_rx, samples)

    def _at_work(self, function: Callable[..., int], samples: Sound) -> int:
        with self._lock:
            if not self._state:
                return 0
            self._inside = True
            try:
                return function(self._state, samples, spandsp.SAMPLES)
            finally:
                self._inside = False
                if self._finish_wanted:
                    self._close()

    def finish(self) -> None:
        """The line lets go of the engine: a fax that is not over has been dropped.  May be called again."""
        with self._lock:
            if self._inside:
                self._finish_wanted = True
            else:
                self._close()

    def _close(self) -> None:
        state, self._state = self._state, None
        if state:
            if not self.over:
                LIBRARY.t30_terminate(self._t30)    # closes the file properly, and calls _phase_e
            LIBRARY.fax_release(state)
            LIBRARY.fax_free(state)
            self._clear_empty_file()
        if not self.over:
            self._end(replace(self._now(None), result_code=CALL_DROPPED, result_text=TEXTS[CALL_DROPPED]))
        self._returned.set()

    # -- the engine

    def _begin(self) -> None:
        setup = self.setup
        state = LIBRARY.fax_init(None, int(setup.calling))
        if not state:
            raise MemoryError("SpanDSP gives no fax engine")
        self._state, self._t30 = state, LIBRARY.fax_get_t30_state(state)
        t30 = self._t30
        LIBRARY.fax_set_transmit_on_idle(state, 1)
        LIBRARY.t30_set_supported_modems(t30, spandsp.V27TER | spandsp.V29 | (spandsp.V17 if setup.v17 else 0))
        LIBRARY.t30_set_supported_compressions(t30, spandsp.T4_1D | spandsp.T4_2D | spandsp.T6)
        LIBRARY.t30_set_supported_resolutions(t30, spandsp.RESOLUTIONS)
        LIBRARY.t30_set_supported_image_sizes(t30, spandsp.IMAGE_SIZES)
        LIBRARY.t30_set_ecm_capability(t30, int(setup.ecm))
        LIBRARY.t30_set_rx_encoding(t30, spandsp.RECEIVE_AS_T4_2D)
        LIBRARY.t30_set_tx_ident(t30, setup.ident[:20])
        if setup.header:
            LIBRARY.t30_set_tx_page_header_info(t30, setup.header[:50])
        if setup.timezone:
            LIBRARY.t30_set_tx_page_header_tz(t30, os.fsencode(setup.timezone))
        document = os.fsencode(setup.document)
        if setup.transmit:
            start = -1 if setup.start_page is None else setup.start_page
            stop = -1 if setup.end_page is None else setup.end_page
            LIBRARY.t30_set_tx_file(t30, document, start, stop)
        else:
            LIBRARY.t30_set_rx_file(t30, document, -1)
        phase_b, phase_d, phase_e = self._handlers
        LIBRARY.t30_set_phase_b_handler(t30, phase_b, None)
        LIBRARY.t30_set_phase_d_handler(t30, phase_d, None)
        LIBRARY.t30_set_phase_e_handler(t30, phase_e, None)

    def _phase_b(self, t30: int, _user: object, _result: int) -> int:
        self._negotiated = True
        self._on_negotiate(self._now(t30))
        return 0

    def _phase_d(self, t30: int, _user: object, _result: int) -> int:
        now = self._now(t30)
        if now.document_transferred_pages > self._pages:    # also called for a page that has to be repeated
            self._pages = now.document_transferred_pages
            self._on_page(now)
        return 0

    def _phase_e(self, t30: int, _user: object, code: int) -> None:
        if code == RETRY_DCN and not self.setup.transmit and not self._negotiated:
            code = T1_EXPIRED   # 0.0.6 repeats its DIS and then gives up by this code, SpanDSP 3 by the timer's
        text = TEXTS.get(code) or LIBRARY.t30_completion_code_to_str(code).decode("ascii", "replace")
        self._end(replace(self._now(t30), success=code == 0, result_code=code, result_text=text))

    def _end(self, result: FaxStats) -> None:
        if self.over:
            return
        self._result = result
        self._over.set()
        self._on_result(result)
        if not self.stalls:
            self._returned.set()

    def _now(self, t30: int | None) -> FaxStats:
        setup = self.setup
        common = FaxStats(local_station_id=setup.ident[:20], v17_disabled=not setup.v17, ecm_requested=setup.ecm)
        if t30 is None:
            return common
        raw = Statistics()
        LIBRARY.t30_get_transfer_statistics(t30, byref(raw))
        pages = raw.pages_tx if setup.transmit else raw.pages_rx
        return replace(
            common, ecm_used=bool(raw.error_correcting_mode), transfer_rate=raw.bit_rate,
            remote_station_id=LIBRARY.t30_get_rx_ident(t30) or b"",
            document_transferred_pages=pages, document_total_pages=raw.pages_in_file if setup.transmit else pages,
            remote_country=_text(LIBRARY.t30_get_rx_country(t30)), remote_vendor=_text(LIBRARY.t30_get_rx_vendor(t30)),
            remote_model=_text(LIBRARY.t30_get_rx_model(t30)), **sizes(raw),  # type: ignore[arg-type]
        )

    def _clear_empty_file(self) -> None:
        """SpanDSP 3 removes the file of a fax of which no page came, even one that was there before; 0.0.6 leaves it."""
        if not self.setup.transmit and self._pages == 0 and self._result.result_code != 41:
            try:
                os.unlink(self.setup.document)
            except OSError:
                return


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")
