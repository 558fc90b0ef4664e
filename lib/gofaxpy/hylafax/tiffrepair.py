"""Repairs a received TIFF whose last page was broken off by a crash, so that the whole pages before it are kept.

SpanDSP (through libtiff) appends a page's data and its directory, and then changes the link that leads there.  After a power
failure that link may lead to a directory that never reached the disk.  Readers reject such a file; if its chain is ended at the
last whole directory, they accept it.
"""

from __future__ import annotations

import os
import struct

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.errors import TiffError, reason
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.hylafax.tiffstrips import Strips


def cut_damage(path: str) -> int:
    """Ends the chain of directories after the last whole page; returns the number of pages then.

    Four octets are changed in place and brought to the disk.  Raises :class:`TiffError` if not even the first page can be read,
    and OSError if the file cannot be opened or changed; the pages may be whole then.
    """
    fd = open_regular(path, os.O_RDWR)
    try:
        whole = _whole_directories(fd, path)
        last = whole[-1]
        link = last.offset + last.length - 4
        order = "<" if os.pread(fd, 2, 0) == b"II" else ">"
        os.pwrite(fd, struct.pack(order + "I", 0), link)
        os.fsync(fd)
    finally:
        os.close(fd)
    return len(whole)


def _whole_directories(fd: int, path: str) -> list[tiff.RawDirectory]:
    size = os.fstat(fd).st_size
    header = os.pread(fd, 8, 0)
    order = {b"II": "<", b"MM": ">"}.get(header[:2], "")
    if len(header) < 8 or not order or struct.unpack(order + "H", header[2:4])[0] != 42:
        raise TiffError(f"{path}: the file is no TIFF")
    offset = int(struct.unpack(order + "I", header[4:])[0])
    chain = tiff.Chain(order, size, ())
    strips = Strips(fd, path, chain)
    found: list[tiff.RawDirectory] = []
    seen: set[int] = set()
    room = min(size, tiff.MAX_TAGS)
    try:
        while offset and offset not in seen and len(found) < tiff.MAX_DIRECTORIES:
            seen.add(offset)
            directory, offset = tiff.read_directory(fd, path, order, size, offset, len(found) + 1)
            room -= directory.length
            if room < 0 or not directory.has_image or not _all_inside(chain, directory):
                break
            strips.check(directory)
            found.append(directory)
    except TiffError as error:
        if not found:
            raise TiffError(f"{error}; no page can be saved") from error
    except OSError as error:
        raise OSError(error.errno, f"{path}: {reason(error)}") from error
    if not found:
        raise TiffError(f"{path}: the TIFF has no page")
    return found


def _all_inside(chain: tiff.Chain, directory: tiff.RawDirectory) -> bool:
    """Whether the values of all tags lie within the file."""
    for entry in directory.entries:
        length = tiff.SIZES.get(entry.type, 0) * entry.count
        if length > 4 and struct.unpack(chain.order + "I", entry.value)[0] + length > chain.size:
            return False
    return True
