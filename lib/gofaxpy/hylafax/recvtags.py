"""The TIFF tags of a received fax: faxinfo, hfaxd and faxrcvd read them on every page.

Native faxgetty writes them while it receives (faxd/CopyQuality.c++: recvSetupTIFF, recvEndPage).  SpanDSP does not write
them, so they are added once the fax is complete:

========================== ===== =================================================================
ImageDescription             270 sender's TSI and the caller ids, one a line (:func:`description`)
FaxRecvParams              34908 :meth:`gofaxpy.hylafax.params.FaxParams.encode`
FaxRecvTime                34910 seconds the page took
FaxDcs                     34911 the DCS frame in hexadecimal
DateTime                     306 when the page came, in the form that HylaFAX reads (:func:`tiff_date`)
========================== ===== =================================================================
"""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gofaxpy.hylafax import tiff
from gofaxpy.hylafax.encoding import encode, one_line
from gofaxpy.hylafax.errors import TiffError, reason
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.hylafax.tiff import ASCII, LONG, Chain, Entry

UNSPECIFIED = "<UNSPECIFIED>"
_MAX_OFFSET = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class PageTags:
    """The values of the tags of one page.

    ``params`` as ``FaxParams.encode`` gives them, ``seconds`` the page took, ``dcs`` in hexadecimal, and the text of
    :func:`description`.  ``date`` is ``YYYY:MM:DD HH:MM:SS`` (TIFF 6.0, section 8); empty, the file's own stays.
    """

    params: int
    seconds: float
    dcs: str
    description: str
    date: str = ""


def tiff_date(text: str) -> str:
    """A DateTime in TIFF's form.  SpanDSP writes ``2026/11/24 03:12:42``; hfaxd does not understand that, and shows no date."""
    day, blank, clock = text.partition(" ")
    return f"{day.replace('/', ':')}{blank}{clock}"


def description(tsi: str, callid: Sequence[str] = ()) -> str:
    """The text of ImageDescription: the TSI (``<UNSPECIFIED>`` if there is none) and the caller ids, each on its line.

    Readers identify the values by their line, so control characters in them become blanks.
    """
    return "\n".join(one_line(text) for text in (tsi or UNSPECIFIED, *callid))


def write_receive_tags(path: str, pages: Sequence[PageTags]) -> None:
    """Sets the tags on every page of the TIFF ``path``.

    ``pages`` belong to the directories in order.  Further directories (a page that was broken off) get the values of the last
    one with 0 seconds; further values are not used.

    Nothing in the file is overwritten.  **One** new chain of directories, with all tags that the pages had, is appended and
    brought to the disk (fsync).  Only then the header's four octets that give the first directory are set to it, and brought to
    the disk.  After a crash before that, the old chain is in force, with some unused octets behind it; after a crash later, the
    new one: the four octets lie in one sector.  The file keeps its inode, its mode and any flock on it.  A second call with the
    same values changes nothing.

    Raises :class:`TiffError`; the file is then unchanged.
    """
    if not pages:
        raise TiffError(f"{path}: no pages to describe")
    try:
        fd = open_regular(path, os.O_RDWR)
        try:
            _write(fd, path, pages)
        finally:
            os.close(fd)
    except OSError as error:
        raise TiffError(f"{path}: cannot add HylaFAX's tags: {reason(error)}") from error


def _write(fd: int, path: str, pages: Sequence[PageTags]) -> None:
    chain = tiff.read_chain(fd, path)
    wanted = [
        _values(pages[at] if at < len(pages) else pages[-1], at < len(pages)) for at in range(len(chain.directories))
    ]
    if all(_has(fd, path, chain, at, values) for at, values in enumerate(wanted)):
        return
    start = chain.size + chain.size % 2  # directories begin at even offsets
    octets, first = _appendix(chain, wanted, start)
    if start + len(octets) > _MAX_OFFSET:
        raise TiffError(f"{path}: the TIFF is too large for HylaFAX's tags")
    try:
        done = 0
        while done < len(octets):
            done += os.pwrite(fd, octets[done:], start + done)
        os.fsync(fd)
    except OSError:
        os.ftruncate(fd, chain.size)
        raise
    os.pwrite(fd, struct.pack(chain.order + "I", first), 4)
    os.fsync(fd)


def _values(page: PageTags, counted: bool) -> dict[int, tuple[int, bytes | int]]:
    """The tags to be set: for each its type, and the number or the octets of the text with its NUL."""
    seconds = min(max(round(page.seconds), 0), _MAX_OFFSET) if counted else 0
    date = {tiff.DATE_TIME: (ASCII, _text(page.date))} if page.date else {}
    return date | {
        tiff.IMAGE_DESCRIPTION: (ASCII, _text(page.description)),
        tiff.FAX_RECV_PARAMS: (LONG, page.params & _MAX_OFFSET),
        tiff.FAX_RECV_TIME: (LONG, seconds),
        tiff.FAX_DCS: (ASCII, _text(page.dcs)),
    }


def _text(text: str) -> bytes:
    return encode(text.replace("\0", " ")) + b"\0"


def _has(fd: int, path: str, chain: Chain, at: int, values: dict[int, tuple[int, bytes | int]]) -> bool:
    """Whether the directory ``at`` already has these values."""
    entries = {entry.tag: entry for entry in chain.directories[at].entries}
    for tag, (kind, value) in values.items():
        entry = entries.get(tag)
        if entry is None or entry.type != kind:
            return False
        octets = value if isinstance(value, bytes) else struct.pack(chain.order + "I", value)
        if tiff.value_octets(fd, path, chain, entry, len(octets) + 1) != octets:
            return False
    return True


def _appendix(chain: Chain, wanted: Sequence[dict[int, tuple[int, bytes | int]]], start: int) -> tuple[bytes, int]:
    """The octets to be appended at ``start``, and the offset of the first directory among them."""
    order = chain.order
    out = bytearray()
    links: list[tuple[int, int]] = []  # where each directory starts and where its link to the next one is, in out
    for raw, values in zip(chain.directories, wanted, strict=True):
        entries = {entry.tag: entry for entry in raw.entries}
        for tag, (kind, value) in values.items():
            if isinstance(value, int):
                entries[tag] = Entry(tag, kind, 1, struct.pack(order + "I", value))
                continue
            if len(value) > 4:
                where = struct.pack(order + "I", min(start + len(out), _MAX_OFFSET))
                out += value + b"\0" * (len(value) % 2)
            else:
                where = value.ljust(4, b"\0")
            entries[tag] = Entry(tag, kind, len(value), where)
        begin = len(out)
        out += struct.pack(order + "H", len(entries))
        for tag in sorted(entries):
            entry = entries[tag]
            out += struct.pack(order + "HHI4s", entry.tag, entry.type, entry.count, entry.value)
        links.append((begin, len(out)))
        out += b"\0\0\0\0"
    for (_, link), (begin, _) in itertools.pairwise(links):
        struct.pack_into(order + "I", out, link, min(start + begin, _MAX_OFFSET))
    return bytes(out), start + links[0][0]
