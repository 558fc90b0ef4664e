"""A log as logrotate(8) and savelog(8) leave it, packed or not, read within bounds."""

from __future__ import annotations

import errno
import io
import os
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

_BUFFER = 64 << 10
_MOST_XZ = 128 << 20        # octets of memory; what `xz -9` has packed takes 65 MiB (xz(1))


@contextmanager
def unpacked(path: str, packed: IO[bytes], most: int) -> Iterator[IO[bytes]]:
    """The file, uncompressed.  The modules that do that are not loaded before there is something for them to do.

    Raises OSError also for a compressed file that is damaged, and for one that is not compressed and has more than ``most``
    octets.
    """
    damaged: type[Exception] = OSError
    file: Any = packed
    if path.endswith(".gz"):
        import gzip
        from zlib import error as damaged
        file = gzip.GzipFile(fileobj=packed, mode="rb")
    elif path.endswith((".xz", ".lzma")):
        from lzma import LZMAError as damaged
        file = io.BufferedReader(_Xz(packed), _BUFFER)
    elif path.endswith(".bz2"):
        import bz2
        file = bz2.BZ2File(packed, "rb")
    elif os.fstat(packed.fileno()).st_size > most:
        raise OSError(errno.EFBIG, f"holds more than {most >> 30} GiB")
    try:
        yield file
    except OSError:
        raise
    except damaged as error:
        raise OSError(errno.EIO, f"the compressed file is damaged: {error}") from error


class _Xz(io.RawIOBase):
    """What xz(1) has compressed, by :data:`_MOST_XZ` octets of memory: lzma.open takes as many gigabytes as the file says."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._unpacker: Any = None      # none between two streams

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """As RawIOBase's.  Raises EOFError if the file ends within a stream, and lzma.LZMAError."""
        octets = b""
        rest = b""
        while not octets:
            wanted = self._unpacker is None or self._unpacker.needs_input
            more = rest or (self._packed.read(8192) if wanted else b"")
            if wanted and not more:
                if self._unpacker is None:
                    return 0
                raise EOFError
            octets = self._unpacked(more, len(buffer))
            rest = b""
            if self._unpacker is not None and self._unpacker.eof:
                rest, self._unpacker = self._unpacker.unused_data, None
                if rest and octets:
                    self._packed.seek(-len(rest), os.SEEK_CUR)
        buffer[:len(octets)] = octets
        return len(octets)

    def _unpacked(self, more: bytes, most: int) -> bytes:
        from lzma import LZMADecompressor

        if self._unpacker is None:
            more = more.lstrip(b"\0")       # stream padding
            if not more:
                return b""
            self._unpacker = LZMADecompressor(memlimit=_MOST_XZ)
        octets: bytes = self._unpacker.decompress(more, most)
        return octets
