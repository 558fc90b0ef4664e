"""What a T.30 engine tells of its fax, in the terms of the SpanDSP that mod_spandsp is built with.

Completion codes and their texts (`T30_ERR_…` in t30.h, `t30_completion_code_to_str`) are the same 62 in SpanDSP 0.0.6
and in the newer one, so they are taken as they come.  When a code comes is another matter, see `endpoint.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mocks.line.spandsp import Statistics
from mocks.line.tiffpages import TiffPage

OK = 0
T1_EXPIRED = 3
"""Timed out waiting for the first message."""
RETRIES_EXHAUSTED = 48
"""Disconnected after permitted retries."""
CALL_DROPPED = 49
"""The call dropped prematurely."""

ENCODINGS = {1: (2, "T.4 1-D"), 2: (4, "T.4 2-D"), 3: (8, "T.6")}
"""Compression in SpanDSP 0.0.6 (an enumeration) -> number (one bit each) and name in the newer one (t4_rx.c)."""

NO_ENCODING = (0, "???")
"""Before the first page."""

X_RESOLUTIONS = {4016: 4020, 8031: 8040, 16063: 16080}
"""Pixels per metre across the page: 0.0.6 reckons 204 dpi, the newer one T.4's 8.04 per millimetre."""


@dataclass(frozen=True, slots=True)
class FaxStats:
    """A fax at one moment.  The fields are mod_spandsp's channel variables without their ``fax_``.

    Station identifiers are the octets from the line (or for it), UTF-8 or not.  Rates are bit/s, resolutions
    ``across x down`` in pixels per metre, sizes in pixels, ``image_size`` in bytes on the line.  ``success``,
    ``result_code`` and ``result_text`` say something only in the result.
    """

    success: bool = False
    result_code: int = -1
    result_text: str = ""
    ecm_used: bool = False
    transfer_rate: int = 0
    local_station_id: bytes = b""
    remote_station_id: bytes = b""
    document_transferred_pages: int = 0
    document_total_pages: int = 0
    image_resolution: str = "0x0"
    file_image_resolution: str = "0x0"
    image_size: int = 0
    image_pixel_size: str = "0x0"
    file_image_pixel_size: str = "0x0"
    bad_rows: int = 0
    longest_bad_row_run: int = 0
    encoding: int = NO_ENCODING[0]
    encoding_name: str = NO_ENCODING[1]
    v17_disabled: bool = False
    ecm_requested: bool = True
    remote_country: str = ""
    remote_vendor: str = ""
    remote_model: str = ""


def page_fields(raw: Statistics, document: Sequence[TiffPage], first_page: int) -> dict[str, str | int]:
    """The fields of :class:`FaxStats` that tell of the current page.

    ``document`` is what a sender's file holds (empty for a receiver: it writes what comes, so file and line agree)
    and ``first_page`` the first one sent, counted from 0.
    """
    encoding, encoding_name = ENCODINGS.get(raw.encoding, NO_ENCODING)
    resolution = f"{X_RESOLUTIONS.get(raw.x_resolution, raw.x_resolution)}x{raw.y_resolution}"
    pixels = f"{raw.width}x{raw.length}"
    current = first_page + max(raw.pages_tx - 1, 0)
    in_file = document[current] if current < len(document) and raw.x_resolution else None
    return {
        "image_resolution": resolution,
        "file_image_resolution": f"{in_file.x_resolution}x{in_file.y_resolution}" if in_file else resolution,
        "image_size": raw.image_size,
        "image_pixel_size": pixels,
        "file_image_pixel_size": f"{in_file.width}x{in_file.length}" if in_file else pixels,
        "bad_rows": raw.bad_rows,
        "longest_bad_row_run": raw.longest_bad_row_run,
        "encoding": encoding,
        "encoding_name": encoding_name,
    }
