"""Reading the directories of a TIFF (TIFF revision 6.0), as far as a fax server needs them.

Documents in the spool come from users and from far ends: every offset and count is checked against the file, a chain of
directories that bites its tail or never ends is refused, and no more is read than the directories themselves.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping

from gofaxpy.hylafax.encoding import decode
from gofaxpy.hylafax.errors import TiffError, reason
from gofaxpy.values import frozen

MAX_DIRECTORIES = 65535   # pages; libtiff's own limit
MAX_ENTRIES = 1024        # tags of a page
MAX_TEXT = 65536          # octets of a text that are read

IMAGE_WIDTH, IMAGE_LENGTH, COMPRESSION, IMAGE_DESCRIPTION = 256, 257, 259, 270
STRIP_OFFSETS, STRIP_BYTE_COUNTS, X_RESOLUTION, Y_RESOLUTION = 273, 279, 282, 283
RESOLUTION_UNIT, DATE_TIME, TILE_OFFSETS = 296, 306, 324
FAX_RECV_PARAMS, FAX_SUB_ADDRESS, FAX_RECV_TIME, FAX_DCS = 34908, 34909, 34910, 34911

COMPRESSION_G3, COMPRESSION_G4 = 3, 4
UNIT_INCH, UNIT_CENTIMETRE = 2, 3

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8}
_ENTRY = 12


@frozen
class Entry:
    """A tag as it stands in a directory: ``value`` is the value itself if it fits into four octets, else its offset."""

    tag: int
    type: int
    count: int
    value: bytes


@frozen
class RawDirectory:
    """A directory's place in the file and its entries in their order."""

    offset: int
    entries: tuple[Entry, ...]

    @property
    def length(self) -> int:
        """Octets of the directory itself, without the values that lie elsewhere."""
        return 2 + len(self.entries) * _ENTRY + 4

    @property
    def has_image(self) -> bool:
        """Whether it says where its image is.  The last directory of a broken reception may not."""
        return any(entry.tag in (STRIP_OFFSETS, TILE_OFFSETS) for entry in self.entries)


@frozen
class Chain:
    """All directories of a file.  ``order`` is struct's sign for the octet order, ``<`` or ``>``; ``size`` in octets."""

    order: str
    size: int
    directories: tuple[RawDirectory, ...]


@frozen
class Directory:
    """A page.  ``width`` and ``length`` in pixels; resolutions in pixels per ``resolution_unit`` (2: inch, 3: cm; 0.0 unknown).

    ``tags`` holds the first value of each tag that is a number, a fraction or a text.
    """

    width: int
    length: int
    x_resolution: float
    y_resolution: float
    resolution_unit: int
    compression: int
    has_image: bool
    tags: Mapping[int, int | float | str]

    def number(self, tag: int, default: int = 0) -> int:
        """The tag as a whole number, ``default`` if it is missing or none."""
        value = self.tags.get(tag)
        return value if isinstance(value, int) else default

    def ascii(self, tag: int, default: str = "") -> str:
        """The tag as a text, ``default`` if it is missing or none."""
        value = self.tags.get(tag)
        return value if isinstance(value, str) else default


def page_count(path: str) -> int:
    """How many pages a reader such as libtiff finds: the directories up to the first one without an image.

    Raises :class:`TiffError` if the file cannot be read, is no TIFF, is damaged or has no page.
    """
    with _open(path) as file:
        count = 0
        for directory in read_chain(file.fd, path).directories:
            if not directory.has_image:
                break
            count += 1
    if not count:
        raise TiffError(f"{path}: the TIFF has no page")
    return count


def directories(path: str) -> list[Directory]:
    """The pages with their tags, those without an image included.  Raises :class:`TiffError` as :func:`page_count`."""
    with _open(path) as file:
        chain = read_chain(file.fd, path)
        return [_directory(file.fd, path, chain, raw) for raw in chain.directories]


def read_chain(fd: int, path: str) -> Chain:
    """Reads all directories of the open file ``fd``; ``path`` is for the texts of :class:`TiffError`."""
    size = os.fstat(fd).st_size
    if size == 0:
        raise TiffError(f"{path}: the file is empty")
    header = os.pread(fd, 8, 0)
    orders = {b"II": "<", b"MM": ">"}
    order = orders.get(header[:2], "")
    if len(header) < 8 or not order:
        raise TiffError(f"{path}: the file is no TIFF")
    version, offset = struct.unpack(order + "HI", header[2:])
    if version != 42:
        raise TiffError(f"{path}: the file is no TIFF of a kind that can be faxed (version {version}, not 42)")
    if offset == 0:
        raise TiffError(f"{path}: the TIFF has no page")
    found: list[RawDirectory] = []
    seen: set[int] = set()
    room = size
    while offset:
        if offset in seen:
            raise TiffError(f"{path}: the TIFF is damaged: page {len(found)} is followed by an earlier one")
        if len(found) == MAX_DIRECTORIES:
            raise TiffError(f"{path}: the TIFF has more than {MAX_DIRECTORIES} pages")
        seen.add(offset)
        directory, offset = read_directory(fd, path, order, size, offset, len(found) + 1)
        room -= directory.length
        if room < 0:    # a file of few octets may say it has millions of tags
            raise TiffError(f"{path}: the TIFF is damaged: its pages' tags overlap each other")
        found.append(directory)
    return Chain(order, size, tuple(found))


def read_directory(fd: int, path: str, order: str, size: int, offset: int, page: int) -> tuple[RawDirectory, int]:
    """The directory at ``offset`` and the offset of the next one, 0 at the end."""
    octets = os.pread(fd, 2 + 30 * _ENTRY + 4, offset)  # most pages have less than 30 tags: one read
    if len(octets) < 2:
        raise TiffError(f"{path}: the TIFF is damaged or cut off: page {page} should be at {offset} of {size} bytes")
    count = int(struct.unpack_from(order + "H", octets)[0])
    if not 0 < count <= MAX_ENTRIES:
        raise TiffError(f"{path}: the TIFF is damaged: page {page} has {count} tags")
    length = 2 + count * _ENTRY + 4
    if len(octets) < length:
        octets = os.pread(fd, length, offset)
    if len(octets) < length:
        raise TiffError(f"{path}: the TIFF is cut off within the tags of page {page}")
    entries = tuple(Entry(*entry) for entry in struct.iter_unpack(order + "HHI4s", octets[2:length - 4]))
    return RawDirectory(offset, entries), int(struct.unpack_from(order + "I", octets, length - 4)[0])


def value_octets(fd: int, path: str, chain: Chain, entry: Entry, most: int) -> bytes:
    """The octets of an entry's value, at most ``most``; empty for a type that is none of ours."""
    length = SIZES.get(entry.type, 0) * entry.count
    if length <= 4:
        return entry.value[:length]
    offset = int(struct.unpack(chain.order + "I", entry.value)[0])
    if offset + length > chain.size:
        raise TiffError(f"{path}: the TIFF is damaged: tag {entry.tag} lies outside of the file")
    return os.pread(fd, min(length, most), offset)


def _directory(fd: int, path: str, chain: Chain, raw: RawDirectory) -> Directory:
    tags: dict[int, int | float | str] = {}
    for entry in raw.entries:
        value = _value(chain.order, entry, value_octets(fd, path, chain, entry, MAX_TEXT))
        if value is not None:
            tags[entry.tag] = value

    def whole(tag: int, default: int = 0) -> int:
        value = tags.get(tag)
        return value if isinstance(value, int) else default

    def fraction(tag: int) -> float:
        value = tags.get(tag)
        return float(value) if isinstance(value, (int, float)) else 0.0

    return Directory(
        whole(IMAGE_WIDTH), whole(IMAGE_LENGTH), fraction(X_RESOLUTION), fraction(Y_RESOLUTION),
        whole(RESOLUTION_UNIT, UNIT_INCH), whole(COMPRESSION, 1), raw.has_image, tags,
    )


def _value(order: str, entry: Entry, octets: bytes) -> int | float | str | None:
    """The first value; None for types that are none of ours and for tags without any."""
    if entry.type == ASCII:
        return decode(octets.partition(b"\0")[0])
    size = SIZES.get(entry.type, 0)
    if not size or len(octets) < size:
        return None
    if entry.type == RATIONAL:
        numerator, denominator = struct.unpack(order + "II", octets[:8])
        return numerator / denominator if denominator else 0.0
    return int.from_bytes(octets[:size], "little" if order == "<" else "big")


class _open:
    """A file open for reading, whose errors are :class:`TiffError`."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            # no link: what it leads to is somebody else's, and need not be a fax that this job may send
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise TiffError(f"{path}: cannot open the document: {reason(error)}") from error

    def __enter__(self) -> _open:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        os.close(self.fd)
        if isinstance(error, OSError):
            raise TiffError(f"{self._path}: cannot read the document: {reason(error)}") from error
