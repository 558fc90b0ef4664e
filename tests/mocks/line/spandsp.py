"""Debian's libspandsp2 (SpanDSP 0.0.6) by ctypes: what two fax machines on a line need of it.

Prototypes, constants and the layout of the statistics are those of libspandsp-dev's headers (fax.h, t30.h, t30_api.h,
t4_rx.h, vector_int.h).  The library is loaded with `ctypes.CDLL`, so Python's lock is released in every call and
many lines run beside everything else.  No engine may be used by two threads at once.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int16, c_uint8, c_void_p

SAMPLE_RATE = 8000
SAMPLES = 160
"""Samples in one step of a line, which is 20 ms."""
STEP_BYTES = SAMPLES * 2

Samples = c_int16 * SAMPLES
"""The buffer for one step."""
Sound = ctypes.Array[c_int16]
"""What `Samples()` makes, for annotations."""

PhaseHandler = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
"""`t30_phase_b_handler_t` and `t30_phase_d_handler_t`: engine, user data, the T.30 frame in question; returns 0."""
EndHandler = CFUNCTYPE(None, c_void_p, c_void_p, c_int)
"""`t30_phase_e_handler_t`: engine, user data, completion code."""
FrameHandler = CFUNCTYPE(None, c_void_p, c_void_p, c_int, POINTER(c_uint8), c_int)
"""`t30_real_time_frame_handler_t`: engine, user data, true if incoming, the HDLC frame, its length."""

# t30.h: T30_SUPPORT_…
V27TER, V29, V17 = 0x01, 0x02, 0x04
T4_1D, T4_2D, T6 = 0x02, 0x04, 0x08
STANDARD, FINE, SUPERFINE, R8, R16 = 0x01, 0x02, 0x04, 0x20000, 0x40000
WIDTH_215MM, WIDTH_255MM, WIDTH_303MM = 0x01, 0x02, 0x04
LENGTH_UNLIMITED, LENGTH_US_LETTER, LENGTH_US_LEGAL = 0x10000, 0x80000, 0x100000

FILE_T4_2D = 2
"""t4_rx.h, T4_COMPRESSION_ITU_T4_2D: how received pages are written."""

# ITU-T T.30 facsimile control field, as t30_fcf.h has it (the X bit taken off)
FCF_CFR = 0x84


class Statistics(Structure):
    """`t30_stats_t` of t30.h: sizes in pixels and bytes, resolutions in pixels per metre, rate in bit/s."""

    _fields_ = [
        ("bit_rate", c_int),
        ("error_correcting_mode", c_int),
        ("pages_tx", c_int),
        ("pages_rx", c_int),
        ("pages_in_file", c_int),
        ("x_resolution", c_int),
        ("y_resolution", c_int),
        ("width", c_int),
        ("length", c_int),
        ("image_size", c_int),
        ("encoding", c_int),
        ("bad_rows", c_int),
        ("longest_bad_row_run", c_int),
        ("error_correcting_mode_retries", c_int),
        ("current_status", c_int),
    ]

    bit_rate: int
    error_correcting_mode: int
    pages_tx: int
    pages_rx: int
    pages_in_file: int
    x_resolution: int
    y_resolution: int
    width: int
    length: int
    image_size: int
    encoding: int
    bad_rows: int
    longest_bad_row_run: int
    error_correcting_mode_retries: int
    current_status: int


_PROTOTYPES: dict[str, tuple[object, list[object]]] = {
    "fax_init": (c_void_p, [c_void_p, c_int]),
    "fax_release": (c_int, [c_void_p]),
    "fax_free": (c_int, [c_void_p]),
    # int16_t amp[]: the address, which spares ctypes the conversion of an array 100 times a second per engine
    "fax_rx": (c_int, [c_void_p, c_void_p, c_int]),
    "fax_tx": (c_int, [c_void_p, c_void_p, c_int]),
    "fax_set_transmit_on_idle": (None, [c_void_p, c_int]),
    "fax_get_t30_state": (c_void_p, [c_void_p]),
    "t30_set_tx_ident": (c_int, [c_void_p, c_char_p]),
    "t30_get_tx_ident": (c_char_p, [c_void_p]),
    "t30_get_rx_ident": (c_char_p, [c_void_p]),
    "t30_set_tx_page_header_info": (c_int, [c_void_p, c_char_p]),
    "t30_set_tx_page_header_tz": (c_int, [c_void_p, c_char_p]),
    "t30_get_rx_country": (c_char_p, [c_void_p]),
    "t30_get_rx_vendor": (c_char_p, [c_void_p]),
    "t30_get_rx_model": (c_char_p, [c_void_p]),
    "t30_set_rx_file": (None, [c_void_p, c_char_p, c_int]),
    "t30_set_tx_file": (None, [c_void_p, c_char_p, c_int, c_int]),
    "t30_set_ecm_capability": (c_int, [c_void_p, c_int]),
    "t30_set_rx_encoding": (c_int, [c_void_p, c_int]),
    "t30_set_supported_modems": (c_int, [c_void_p, c_int]),
    "t30_set_supported_compressions": (c_int, [c_void_p, c_int]),
    "t30_set_supported_resolutions": (c_int, [c_void_p, c_int]),
    "t30_set_supported_image_sizes": (c_int, [c_void_p, c_int]),
    "t30_set_phase_b_handler": (None, [c_void_p, PhaseHandler, c_void_p]),
    "t30_set_phase_d_handler": (None, [c_void_p, PhaseHandler, c_void_p]),
    "t30_set_phase_e_handler": (None, [c_void_p, EndHandler, c_void_p]),
    "t30_set_real_time_frame_handler": (None, [c_void_p, FrameHandler, c_void_p]),
    "t30_get_transfer_statistics": (None, [c_void_p, POINTER(Statistics)]),
    "t30_terminate": (None, [c_void_p]),
    "t30_completion_code_to_str": (c_char_p, [c_int]),
    "vec_lmsi16": (None, [c_void_p, c_void_p, c_int, c_int16]),
}


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libspandsp.so.2")
    except OSError as error:
        raise RuntimeError(f"the fax modem of the stand-in is missing ({error}): apt-get install libspandsp2") from error
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _load()


def statistics(t30: int) -> Statistics:
    """The statistics of a T.30 engine at this moment."""
    found = Statistics()
    LIBRARY.t30_get_transfer_statistics(t30, ctypes.byref(found))
    return found


def completion_text(code: int) -> str:
    """The text of a completion code; ``???`` for a number that SpanDSP does not know."""
    text: bytes = LIBRARY.t30_completion_code_to_str(code)
    return text.decode("ascii", "replace")


def add_scaled(noise: int, sound: int, factor: float) -> None:
    """Add ``factor`` (0 to 1) times the 160 samples at address ``noise`` to those at address ``sound``.

    SpanDSP has no function of that name; the update step of its LMS filters is the same sum.  It does not saturate.
    """
    LIBRARY.vec_lmsi16(noise, sound, SAMPLES, min(round(factor * 32768), 32767))


def silence(sound: int, first: int = 0, count: int = SAMPLES) -> None:
    """Overwrite ``count`` samples from ``first`` on in the buffer at address ``sound`` with zeros."""
    ctypes.memset(sound + first * 2, 0, count * 2)
