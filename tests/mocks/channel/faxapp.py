"""rxfax and txfax: from channel variables to a T.30 engine, and from the engine to variables and events.

Source: FreeSWITCH `src/mod/applications/mod_spandsp/mod_spandsp_fax.c` (`pvt_init`, `phase_b_handler`,
`phase_d_handler`, `phase_e_handler`, `mod_spandsp_fax_process_fax`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mocks import switchlog
from mocks.channel.applications import Application, answer
from mocks.channel.variables import is_true, whole_number
from mocks.esl.bus import Origin
from mocks.esl.event import CUSTOM, url_decode
from mocks.line import FaxEndpoint, FaxSetup, FaxStats
from mocks.sip.call import T38Side
from mocks.sip.farend import DROPPED
from mocks.sip.variables import T38_REINVITE

if TYPE_CHECKING:
    from mocks.channel.channel import Channel

#: What mod_spandsp sends when nothing is configured (spandsp.conf).
DEFAULT_IDENT = "SpanDSP Fax Ident"
DEFAULT_HEADER = "SpanDSP Fax Header"
#: mod_spandsp waits so long before it starts the engine, in seconds.
_PAUSE = 0.25
#: In line time: so long the line stands still for an end whose fax is over, because most hang up in that moment. Then
#: silence flows, so that the other end's engine gets to its end even if a handler takes its time here.
_GIVES_UP_WAITING = 50.0
_FILE = "mod_spandsp_fax.c"


def rxfax(channel: Channel, data: str) -> None:
    """Receive a fax into the file `data`."""
    _Fax(channel, data, transmit=False).run()


def txfax(channel: Channel, data: str) -> None:
    """Send the TIFF file `data`."""
    _Fax(channel, data, transmit=True).run()


#: The applications of this module.
APPLICATIONS = {"rxfax": Application(rxfax), "txfax": Application(txfax)}


class _Fax:
    """One run of rxfax or txfax."""

    def __init__(self, channel: Channel, document: str, transmit: bool) -> None:
        self._channel = channel
        self._document = document
        self._transmit = transmit
        self._way = "tx" if transmit else "rx"
        self._t38 = "off"

    def run(self) -> None:
        channel = self._channel
        endpoint = channel.endpoint
        if not channel.media_ready():
            answer(channel, "")
        if not self._document_usable() or endpoint is None:
            return
        setup = self._setup()
        with channel.lock:
            channel.variables.set("fax_v17_disabled", "0" if setup.v17 else "1")
            channel.variables.set("fax_ecm_requested", "1" if setup.ecm else "0")
            channel.variables.set("fax_filename", self._document)
        channel.swap_read_codec("L16")
        channel.wait(_PAUSE)
        enabled = self._true("fax_enable_t38", False)
        wants = enabled and self._true("fax_enable_t38_request", False)
        engine = FaxEndpoint(
            setup, on_negotiate=self._negotiated, on_page=self._page_done, on_result=self._result
        )
        endpoint.call.enter_fax(endpoint.end, T38Side(accepts=enabled, requests=wants))
        try:
            if channel.up() and endpoint.call.attach(endpoint.end, engine):
                if not channel.up():  # the hang-up came in between and found no engine to stop
                    endpoint.stop_media()
                engine.wait()
                if endpoint.call.stalls(endpoint.end):
                    channel.hungup.wait()
        finally:
            endpoint.call.detach(endpoint.end)
            if channel.up():
                channel.switch.scheduler.after(_GIVES_UP_WAITING, lambda: endpoint.call.fall_silent(endpoint.end))
            endpoint.call.enter_fax(endpoint.end, None)
            channel.swap_read_codec("PCMA")

    def _document_usable(self) -> bool:
        problem = ""
        if self._transmit and not self._document:
            problem = "Fax TX filename not set"
        elif self._transmit and not os.path.exists(self._document):
            problem = "Cannot send non-existant fax file"
        elif not self._document:
            problem = "Cannot automatically set fax RX destination file"
        if problem:
            self._channel.log(switchlog.ERR, f"{problem} [{self._document}]")
            self._channel.set_variable("current_application_response", problem)
        return not problem

    def _setup(self) -> FaxSetup:
        start = end = None
        if self._transmit:
            start, end = self._pages()
        return FaxSetup(
            calling=self._true("fax_force_caller", self._transmit),
            document=self._document,
            transmit=self._transmit,
            ident=self._decoded("fax_ident", DEFAULT_IDENT),
            header=self._decoded("fax_header", DEFAULT_HEADER),
            ecm=self._true("fax_use_ecm", True),
            v17=not self._true("fax_disable_v17", False),
            start_page=start,
            end_page=end,
            timezone=self._decoded("fax_timezone", "").decode("utf-8", "surrogateescape"),
        )

    def _pages(self) -> tuple[int | None, int | None]:
        """`fax_start_page` and `fax_end_page`, counted from 0, the end included; an end before the start is it."""
        numbers = [
            max(-1, whole_number(text)) if text is not None else -1
            for text in (self._channel.get_variable("fax_start_page"), self._channel.get_variable("fax_end_page"))
        ]
        start, end = numbers
        if end != -1 and end < start:
            end = start
        return (None if start < 0 else start), (None if end < 0 else end)

    def _true(self, name: str, default: bool) -> bool:
        value = self._channel.get_variable(name)
        return default if value is None else is_true(value)

    def _decoded(self, name: str, default: str) -> bytes:
        value = self._channel.get_variable(name)
        return url_decode(default if value is None else value).encode("utf-8", "surrogateescape")

    # What the engine reports, in the thread of the line.

    def _negotiated(self, stats: FaxStats) -> None:
        channel, endpoint = self._channel, self._channel.endpoint
        if endpoint is not None:
            self._t38 = endpoint.call.t38(endpoint.end)
        if self._t38 == "negotiated":
            channel.set_variables(T38_REINVITE)
        common = [
            ("fax_ecm_used", _on(stats.ecm_used)),
            ("fax_t38_status", self._t38),
            ("fax_local_station_id", _text(stats.local_station_id)),
            ("fax_remote_station_id", _text(stats.remote_station_id)),
            ("fax_remote_country", stats.remote_country),
            ("fax_remote_vendor", stats.remote_vendor),
            ("fax_remote_model", stats.remote_model),
        ]
        rate = [("fax_transfer_rate", str(stats.transfer_rate))]
        total = [("fax_document_total_pages", str(stats.document_total_pages))] if self._transmit else []
        channel.set_variables([*rate, *total, *common])
        self._log(f"=== Negotiation Result: {stats.transfer_rate} bit/s, ECM {_on(stats.ecm_used)}, T.38 {self._t38}")
        channel.switch.applications.execute_on(channel, "execute_on_fax_phase_b")
        self._fire("negociateresult", [("uuid", channel.uuid), *rate, *common, *total], ("phase_b_handler", 386))

    def _page_done(self, stats: FaxStats) -> None:
        channel = self._channel
        transferred = ("fax_document_transferred_pages", str(stats.document_transferred_pages))
        total = [("fax_document_total_pages", str(stats.document_total_pages))] if self._transmit else []
        sizes = {
            "fax_image_resolution": stats.image_resolution,
            "fax_file_image_resolution": stats.file_image_resolution,
            "fax_image_pixel_size": stats.image_pixel_size,
            "fax_file_image_pixel_size": stats.file_image_pixel_size,
            "fax_image_size": str(stats.image_size),
            "fax_bad_rows": str(stats.bad_rows),
            "fax_longest_bad_row_run": str(stats.longest_bad_row_run),
            "fax_encoding": str(stats.encoding),
            "fax_encoding_name": stats.encoding_name,
        }
        channel.set_variables([*sizes.items(), transferred, *total])
        self._log(f"==== Page {transferred[1]} {'Sent' if self._transmit else 'Received'}: {stats.bad_rows} bad rows")
        channel.switch.applications.execute_on(channel, "execute_on_fax_phase_d")
        order = (
            "fax_image_resolution fax_file_image_resolution fax_image_size fax_image_pixel_size "
            "fax_file_image_pixel_size fax_bad_rows fax_longest_bad_row_run fax_encoding fax_encoding_name"
        ).split()
        own = [(name, sizes[name]) for name in order]
        self._fire("pageresult", [("uuid", channel.uuid), transferred, *total, *own], ("phase_d_handler", 521))

    def _result(self, stats: FaxStats) -> None:
        channel = self._channel
        if stats.result_code == DROPPED and channel.up() and channel.endpoint is not None:
            channel.endpoint.call.cut()  # the line's own doing: first the hang-up, then the result, as with a BYE
        found = {
            "fax_success": "1" if stats.success else "0",
            "fax_result_code": str(stats.result_code),
            "fax_result_text": stats.result_text,
            "fax_ecm_used": _on(stats.ecm_used),
            "fax_t38_status": self._t38,
            "fax_local_station_id": _text(stats.local_station_id),
            "fax_remote_station_id": _text(stats.remote_station_id),
            "fax_document_transferred_pages": str(stats.document_transferred_pages),
            "fax_document_total_pages": str(stats.document_total_pages),
            "fax_image_resolution": stats.image_resolution,
            "fax_image_size": str(stats.image_size),
            "fax_bad_rows": str(stats.bad_rows),
            "fax_transfer_rate": str(stats.transfer_rate),
        }
        channel.set_variables(found.items())
        self._log(f"Fax {'successfully managed' if stats.success else 'not successful'} - {stats.result_text}")
        order = (
            "fax_success fax_result_code fax_result_text fax_document_transferred_pages fax_document_total_pages "
            "fax_image_resolution fax_image_size fax_bad_rows fax_transfer_rate fax_ecm_used fax_t38_status "
            "fax_local_station_id fax_remote_station_id"
        ).split()
        self._fire("result", [(name, found[name]) for name in order], ("phase_e_handler", 676))
        run = channel.switch.applications.execute_on
        run(channel, "execute_on_fax_result")
        run(channel, "execute_on_fax_success" if stats.success else "execute_on_fax_failure")

    def _fire(self, what: str, headers: list[tuple[str, str]], where: tuple[str, int]) -> None:
        tail = [(name.replace("_", "-"), value) for name, value in headers]
        self._channel.fire(CUSTOM, f"spandsp::{self._way}fax{what}", tail=tail, origin=Origin(_FILE, *where))

    def _log(self, text: str) -> None:
        self._channel.log(switchlog.INFO, text)


def _on(flag: bool) -> str:
    return "on" if flag else "off"


def _text(raw: bytes) -> str:
    """A station identifier; SpanDSP hands on the bytes it got, UTF-8 or not."""
    return raw.decode("utf-8", "surrogateescape")
