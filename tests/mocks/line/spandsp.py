"""Debian's libspandsp2 (SpanDSP 0.0.6) by ctypes: just what two fax machines on a line need.

The prototypes and the layout of the statistics are those of libspandsp-dev's fax.h, t30.h and t30_api.h.  The library
is called with the interpreter's lock released, so that many lines run beside everything else.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int16, c_void_p

SAMPLES = 160
"""One step of a line: 20 ms at 8000 samples a second."""

Samples = c_int16 * SAMPLES
Sound = ctypes.Array[c_int16]
"""What `Samples()` makes, for annotations."""

PhaseHandler = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
EndHandler = CFUNCTYPE(None, c_void_p, c_void_p, c_int)

V27TER, V29, V17 = 0x01, 0x02, 0x04
T4_1D, T4_2D, T6 = 0x02, 0x04, 0x08
#: normal, fine, superfine; R8, R16; 300, 400 dpi … as mod_spandsp offers them
RESOLUTIONS = 0x01 | 0x02 | 0x04 | 0x20000 | 0x40000
#: 215, 255 and 303 mm wide; unlimited, letter and legal length
IMAGE_SIZES = 0x01 | 0x02 | 0x04 | 0x10000 | 0x80000 | 0x100000
RECEIVE_AS_T4_2D = 2


class Statistics(Structure):
    """`t30_stats_t`: resolutions in pixels per metre, sizes in pixels and bytes."""

    _fields_ = [
        ("bit_rate", c_int), ("error_correcting_mode", c_int), ("pages_tx", c_int), ("pages_rx", c_int),
        ("pages_in_file", c_int), ("x_resolution", c_int), ("y_resolution", c_int), ("width", c_int),
        ("length", c_int), ("image_size", c_int), ("encoding", c_int), ("bad_rows", c_int),
        ("longest_bad_row_run", c_int), ("error_correcting_mode_retries", c_int), ("current_status", c_int),
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


_PROTOTYPES: dict[str, tuple[object, list[object]]] = {
    "fax_init": (c_void_p, [c_void_p, c_int]),
    "fax_release": (c_int, [c_void_p]),
    "fax_free": (c_int, [c_void_p]),
    "fax_rx": (c_int, [c_void_p, POINTER(c_int16), c_int]),
    "fax_tx": (c_int, [c_void_p, POINTER(c_int16), c_int]),
    "fax_set_transmit_on_idle": (None, [c_void_p, c_int]),
    "fax_get_t30_state": (c_void_p, [c_void_p]),
    "t30_set_tx_ident": (c_int, [c_void_p, c_char_p]),
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
    "t30_get_transfer_statistics": (None, [c_void_p, POINTER(Statistics)]),
    "t30_terminate": (None, [c_void_p]),
    "t30_completion_code_to_str": (c_char_p, [c_int]),
}


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libspandsp.so.2")
    except OSError as error:
        raise RuntimeError(f"SpanDSP cannot be loaded: {error}; install libspandsp2") from error
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _load()
