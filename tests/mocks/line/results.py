"""What a T.30 engine tells of a fax, in the words of the SpanDSP that FreeSWITCH's mod_spandsp has.

Debian's libspandsp2 is SpanDSP 0.0.6; mod_spandsp is built with SpanDSP 3.  Completion codes have the same numbers in
both (`T30_ERR_…` of t30.h), their texts are nearly the same.  What differs:

- SpanDSP 3 offers and takes T.85 (JBIG), 0.0.6 does not: where two FreeSWITCHes negotiate `T.85(L0)` two of these
  engines negotiate `T.6` with error correction, `T.4 2-D` without.
- Compressions have other numbers: SpanDSP 3 numbers them by bits.
- The size of the image in the file is that on the line; 0.0.6 does not scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from mocks.line.spandsp import Statistics

T1_EXPIRED, RETRY_DCN, CALL_DROPPED = 3, 48, 49

#: SpanDSP 0.0.6's compression → number and name in SpanDSP 3 (`T4_COMPRESSION_…`, t4_encoding_to_str).
ENCODINGS = {0: (1, "None"), 1: (2, "T.4 1-D"), 2: (4, "T.4 2-D"), 3: (8, "T.6"), 4: (16, "T.85"), 5: (32, "T.85(L0)")}

#: Pixels per metre of R4, R8 and R16: SpanDSP 3 goes by T.4's millimetres, 0.0.6 by 204 dpi.
X_RESOLUTIONS = {4016: 4020, 8031: 8040, 16063: 16080}

#: Texts where SpanDSP 3 says it differently, or 0.0.6 leaves off.
TEXTS = {
    0: "OK",
    2: "Timed out waiting for initial communication",
    3: "Timed out waiting for the first message",
    41: "TIFF/F file cannot be opened",
    CALL_DROPPED: "The call dropped prematurely",
}


@dataclass(frozen=True, slots=True)
class FaxStats:
    """A fax at one moment; the fields are mod_spandsp's variables without their `fax_`.

    `result_code` and `result_text` mean something only in the result.
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
    encoding: int = 1
    encoding_name: str = "None"
    v17_disabled: bool = False
    ecm_requested: bool = True
    remote_country: str = ""
    remote_vendor: str = ""
    remote_model: str = ""


def sizes(raw: Statistics) -> dict[str, str | int]:
    """The fields of :class:`FaxStats` that tell of the current page."""
    on_line = f"{X_RESOLUTIONS.get(raw.x_resolution, raw.x_resolution)}x{raw.y_resolution}"
    in_file, pixels = f"{raw.x_resolution}x{raw.y_resolution}", f"{raw.width}x{raw.length}"
    number, name = ENCODINGS.get(raw.encoding, (0, "???"))
    return {
        "image_resolution": on_line, "file_image_resolution": in_file, "image_size": raw.image_size,
        "image_pixel_size": pixels, "file_image_pixel_size": pixels, "bad_rows": raw.bad_rows,
        "longest_bad_row_run": raw.longest_bad_row_run, "encoding": number, "encoding_name": name,
    }
