"""Checks that the strips of a page's image lie within the file (TIFF revision 6.0, StripOffsets and StripByteCounts).

libtiff reads the strips that it finds, and SpanDSP sends the rows that libtiff has read.  So half a page of a document that was
cut off would be sent, and confirmed, as a whole one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.errors import TiffError

_ONE_STRIP = 0xFFFFFFFF     # the default of RowsPerStrip
_PIECE = 65536              # octets of a table that are read at a time


class Strips:
    """Checks the pages of one open file.

    The tables of all pages together may not be longer than the file.  Otherwise a short file whose thousand pages share one
    table of a million strips would keep this process, and libtiff, busy for minutes.
    """

    def __init__(self, fd: int, path: str, chain: tiff.Chain) -> None:
        self._fd = fd
        self._path = path
        self._chain = chain
        self._room = chain.size

    def check(self, raw: tiff.RawDirectory) -> None:
        """Raises TiffError for a page whose image is not, or not wholly, in the file."""
        entries = {entry.tag: entry for entry in raw.entries}
        offsets, counts = entries.get(tiff.STRIP_OFFSETS), entries.get(tiff.STRIP_BYTE_COUNTS)
        if offsets is None:
            raise self._damaged("does not say where its picture is")
        rows = self._number(entries.get(tiff.IMAGE_LENGTH), 0)
        in_strip = self._number(entries.get(tiff.ROWS_PER_STRIP), _ONE_STRIP)
        if not rows or not in_strip:
            raise self._damaged("has no rows")
        strips = 1 if in_strip == _ONE_STRIP else -(-rows // in_strip)
        if offsets.count < strips or (counts.count < strips if counts else strips > 1):
            raise self._damaged(f"has {strips} strips, but does not say where all of them are")
        if counts is None and any(entry.type not in tiff.SIZES for entry in entries.values()):
            raise self._damaged("does not say how long its picture is, and has tags of an unknown type")    # as libtiff
        lengths = self._values(counts, strips) if counts else iter((1,))    # libtiff works out the length of a single strip
        for offset, length in zip(self._values(offsets, strips), lengths, strict=True):
            if not length or offset + length > self._chain.size:
                raise self._damaged("is not wholly in the file, which seems to be cut off")

    def _number(self, entry: tiff.Entry | None, default: int) -> int:
        return default if entry is None else next(self._values(entry, 1))

    def _values(self, entry: tiff.Entry, most: int) -> Iterator[int]:
        """The first ``most`` values of an entry."""
        size = tiff.SIZES[entry.type]
        form = self._chain.order + {tiff.BYTE: "B", tiff.SHORT: "H", tiff.LONG: "I"}[entry.type]
        length = most * size
        if entry.count * size <= 4:
            yield from (value for value, in struct.iter_unpack(form, entry.value[:length]))
            return
        start = int(struct.unpack(self._chain.order + "I", entry.value)[0])
        self._room -= length
        if start + length > self._chain.size or self._room < 0:
            raise self._damaged("has its table of strips outside of the file, or together with other pages")
        for at in range(start, start + length, _PIECE):
            octets = os.pread(self._fd, min(_PIECE, start + length - at), at)
            yield from (value for value, in struct.iter_unpack(form, octets))

    def _damaged(self, fault: str) -> TiffError:
        return TiffError(f"{self._path}: the TIFF is damaged: a page {fault}")
