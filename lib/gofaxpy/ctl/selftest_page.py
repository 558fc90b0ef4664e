"""The page of selftest: its rows of dots, its TIFF, and the comparison of the sent page with the received one.

libtiff's tiffcp(1) (Debian: libtiff-tools) compresses and decompresses.  A page here is plain rows, one bit a dot, 1 for black.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from gofaxpy.hylafax.tiff import each_directory

WIDTH = 1728                # dots of a row, as every fax machine has them (T.4)
ROWS = 1143                 # an A4 page at 3.85 rows/mm
MARGIN = 72                 # rows that may be missing at the end or be added on top: SpanDSP's header line
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_TAGS = {
    "width": 256, "length": 257, "bits": 258, "compression": 259, "photometric": 262, "fill": 266, "offsets": 273,
    "samples": 277, "rows": 278, "counts": 279, "x": 282, "y": 283, "unit": 296,
}


class PageError(Exception):
    """A page cannot be written or read; the text says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of ``rows`` that were sent, ``same`` have arrived unchanged, moved down by ``shift`` rows."""

    rows: int
    same: int
    shift: int

    @property
    def identical(self) -> bool:
        """Whether all rows have arrived, except those that a header line pushes off the page."""
        return self.same >= self.rows - MARGIN


def test_page() -> list[bytes]:
    """Rows of :data:`WIDTH` dots: a ramp of line widths, a chequerboard, slanted lines, and noise that no encoding shortens."""
    rows = []
    seed = 1
    for number in range(ROWS):
        dots = 0
        if number < MARGIN or number >= ROWS - MARGIN:
            pass
        elif number < 300:
            dots = sum(1 << (WIDTH - 1 - column) for column in range(100, 1600) if (column // (1 + column // 200)) % 2)
        elif number < 500:
            dots = sum(1 << (WIDTH - 1 - column) for column in range(100, 1600) if (column // 40 + number // 20) % 2)
        elif number < 700:
            dots = sum(7 << (WIDTH - 1 - (100 + (number * 3 + line * 150) % 1500)) for line in range(10))
        elif number < 760:
            for column in range(100, 1600):
                seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                dots |= (seed >> 20 & 1) << (WIDTH - 1 - column)
        elif number < 1000:
            dots = sum(1 << (WIDTH - 1 - column) for column in range(100, 100 + (number - 760) * 6))
        rows.append(dots.to_bytes(WIDTH // 8, "big"))
    return rows


def write(path: str, rows: Sequence[bytes]) -> None:
    """One page at 204 x 98 dpi as a TIFF in T.6.  Raises :class:`PageError`, OSError."""
    plain = f"{path}.plain"
    with open(plain, "wb") as file:
        file.write(_tiff(rows))
    try:
        _tiffcp("-c", "g4", plain, path)
    finally:
        os.unlink(plain)


def _tiff(rows: Sequence[bytes]) -> bytes:
    """TIFF 6.0 without compression, in one strip."""
    data = b"".join(rows)
    values = {
        "width": (_LONG, WIDTH), "length": (_LONG, len(rows)), "bits": (_SHORT, 1), "compression": (_SHORT, 1),
        "photometric": (_SHORT, 0), "fill": (_SHORT, 1), "offsets": (_LONG, 8), "samples": (_SHORT, 1),
        "rows": (_LONG, len(rows)), "counts": (_LONG, len(data)), "unit": (_SHORT, 2),
    }
    behind = 8 + len(data) + len(data) % 2
    values["x"], values["y"] = (_RATIONAL, behind), (_RATIONAL, behind + 8)
    resolution = struct.pack("<IIII", 204, 1, 98, 1)
    entries = sorted((_TAGS[name], kind, value) for name, (kind, value) in values.items())
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    directory = struct.pack("<H", len(entries)) + packed
    header = b"II" + struct.pack("<HI", 42, behind + len(resolution))
    return header + data + b"\0" * (len(data) % 2) + resolution + directory + struct.pack("<I", 0)


def read(path: str) -> list[bytes]:
    """The rows of the first page, white dots 0.  Raises :class:`PageError`."""
    from gofaxpy.hylafax.errors import SpoolError

    plain = f"{path}.plain"
    try:
        _tiffcp("-c", "none", "-f", "msb2lsb", "-r", "100000", f"{path},0", plain)
        page = next(each_directory(plain))
        width, length = page.number(_TAGS["width"]), page.number(_TAGS["length"])
        with open(plain, "rb") as file:
            file.seek(page.number(_TAGS["offsets"]))
            data = file.read(page.number(_TAGS["counts"]))
        inverted = page.number(_TAGS["photometric"]) == 1
    except (SpoolError, OSError, StopIteration) as error:
        raise PageError(f"{path}: no picture can be read: {error}") from error
    finally:
        if os.path.exists(plain):
            os.unlink(plain)
    size = (width + 7) // 8
    rows = [data[at * size:(at + 1) * size] for at in range(length)]
    return [bytes(byte ^ 0xFF for byte in row) for row in rows] if inverted else rows


def compare(sent: Sequence[bytes], received: Sequence[bytes]) -> Difference:
    """How many rows of ``sent`` have arrived, at the shift at which most rows are the same."""
    best = max(range(MARGIN + 1), key=lambda shift: (_same(sent, received, shift), -shift))
    return Difference(len(sent), _same(sent, received, best), best)


def _same(sent: Sequence[bytes], received: Sequence[bytes], shift: int) -> int:
    return sum(one == other for one, other in zip(sent, received[shift:], strict=False))


def _tiffcp(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["tiffcp", *arguments], capture_output=True, text=True, errors="replace", check=False, timeout=60,
            stdin=subprocess.DEVNULL, start_new_session=True,   # without the operator's terminal (TIOCSTI, tty_ioctl(4))
        )
    except FileNotFoundError:
        raise PageError("tiffcp is missing: apt install libtiff-tools") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise PageError(f"tiffcp: {error}") from error
    if done.returncode != 0:
        raise PageError(f"tiffcp: {done.stderr.strip()[:200] or done.returncode}")
