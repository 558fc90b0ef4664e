"""Reads the directories of a TIFF (TIFF revision 6.0), as far as a fax server needs them.

Documents in the spool come from users and from far ends.  libtiff reads again what is checked here: in tiffcp, in faxq's
programs and in FreeSWITCH.  So both must see the same pages.  libtiff (4.5, tif_dirread.c) takes the first of two entries with
one tag, and numbers of any width.  This module refuses what TIFF 6.0 does not allow, so the result does not depend on the
reader.  It checks every offset and count against the file, refuses a chain of directories with a loop or without an end, and
keeps no more in memory than the file's own directories.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping

from gofaxpy.hylafax.encoding import decode
from gofaxpy.hylafax.errors import TiffError, reason
from gofaxpy.values import frozen

MAX_DIRECTORIES = 65535     # pages
MAX_ENTRIES = 1024          # tags of a page; libtiff takes 4096
MAX_TAGS = 32 << 20         # octets of all directories of a file: 40 tags on each of 65535 pages
MAX_TEXT = 4096             # octets of a text that are read
MAX_VALUE = 8               # octets of a number or fraction: the first value of a tag

IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, IMAGE_DESCRIPTION = 256, 257, 258, 259, 262, 270
STRIP_OFFSETS, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, STRIP_BYTE_COUNTS = 273, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, DATE_TIME = 282, 283, 296, 306
PLANAR_CONFIGURATION, TILE_OFFSETS, SAMPLE_FORMAT = 284, 324, 339
FAX_RECV_PARAMS, FAX_SUB_ADDRESS, FAX_RECV_TIME, FAX_DCS = 34908, 34909, 34910, 34911

COMPRESSION_G3, COMPRESSION_G4 = 3, 4
UNIT_INCH, UNIT_CENTIMETRE = 2, 3

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
# Octets of a value, by type; 16 to 18 are types of BigTIFF, which libtiff reads in any TIFF.
SIZES = {
    BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}
_WHOLE = (BYTE, SHORT, LONG)
_ENTRY = 12
# The tags that describe the image: their names, the types they may have, and whether they may have several values.  libtiff
# accepts other types too (SLONG, LONG8 …); no fax program writes them, and readers differ about them.
_PICTURE = {
    IMAGE_WIDTH: ("ImageWidth", _WHOLE, False), IMAGE_LENGTH: ("ImageLength", _WHOLE, False),
    BITS_PER_SAMPLE: ("BitsPerSample", _WHOLE, True), COMPRESSION: ("Compression", _WHOLE, False),
    STRIP_OFFSETS: ("StripOffsets", (SHORT, LONG), True), SAMPLES_PER_PIXEL: ("SamplesPerPixel", _WHOLE, False),
    ROWS_PER_STRIP: ("RowsPerStrip", _WHOLE, False), STRIP_BYTE_COUNTS: ("StripByteCounts", (SHORT, LONG), True),
    X_RESOLUTION: ("XResolution", (RATIONAL,), False), Y_RESOLUTION: ("YResolution", (RATIONAL,), False),
    RESOLUTION_UNIT: ("ResolutionUnit", _WHOLE, False), PHOTOMETRIC: ("PhotometricInterpretation", _WHOLE, False),
    PLANAR_CONFIGURATION: ("PlanarConfiguration", _WHOLE, False), SAMPLE_FORMAT: ("SampleFormat", _WHOLE, False),
}
_VALUES = {RESOLUTION_UNIT: (1, 2, UNIT_CENTIMETRE), PLANAR_CONFIGURATION: (1, 2), SAMPLE_FORMAT: range(1, 7)}
# Tags of images that are no rows of black and white: MinSampleValue to SMaxSampleValue, ColorMap, the tags of tiles,
# ExtraSamples, DataType, ImageDepth.  libtiff gives the page up where they are wrong.
_NO_FAX = frozenset((280, 281, 320, 322, 323, TILE_OFFSETS, 325, 338, 340, 341, 32996, 32997))
# The tags whose values are read; all others are only checked.
_TEXTS = frozenset((IMAGE_DESCRIPTION, DATE_TIME, FAX_SUB_ADDRESS, FAX_DCS))
_NUMBERS = frozenset((*_PICTURE, FAX_RECV_PARAMS, FAX_RECV_TIME))


@frozen
class Entry:
    """An entry of a directory: ``value`` is the value itself if it fits into four octets, else its offset in the file."""

    tag: int
    type: int
    count: int
    value: bytes


@frozen
class RawDirectory:
    """A directory's offset in the file, and its entries in their order, with no tag twice.

    ``octets`` are the entries as they stand in the file: as objects they would take ten times the memory.  ``order`` as in
    :class:`Chain`.
    """

    offset: int
    order: str
    octets: bytes

    @property
    def entries(self) -> Iterator[Entry]:
        return (Entry(*entry) for entry in struct.iter_unpack(self.order + "HHI4s", self.octets))

    @property
    def length(self) -> int:
        """Octets of the directory itself, without the values that lie elsewhere."""
        return 2 + len(self.octets) + 4

    @property
    def value_octets(self) -> int:
        """Octets of the values that lie elsewhere in the file.  Values at the same place count each: libtiff reads each."""
        lengths = (SIZES.get(entry.type, 0) * entry.count for entry in self.entries)
        return sum(length for length in lengths if length > 4)

    @property
    def has_image(self) -> bool:
        """Whether the directory gives the place and the size of an image.  The last directory of a broken reception may not,
        and libtiff then reads no further."""
        tags = {entry.tag for entry in self.entries}
        return {IMAGE_WIDTH, IMAGE_LENGTH} <= tags and not tags.isdisjoint((STRIP_OFFSETS, TILE_OFFSETS))


@frozen
class Chain:
    """All directories of a file.  ``order`` is the octet order as struct writes it, ``<`` or ``>``; ``size`` is in octets."""

    order: str
    size: int
    directories: tuple[RawDirectory, ...]


@frozen
class Directory:
    """A page.  ``width`` and ``length`` in pixels; resolutions in pixels per ``resolution_unit`` (2: inch, 3: cm; 0.0 unknown).

    ``bilevel``: black and white, one sample of one bit for each dot, which are also the defaults of TIFF.  ``tags`` holds the
    first value of the numbers and fractions listed above, and four texts that HylaFAX uses, each up to :data:`MAX_TEXT` octets.
    """

    width: int
    length: int
    x_resolution: float
    y_resolution: float
    resolution_unit: int
    compression: int
    bilevel: bool
    has_image: bool
    tags: Mapping[int, int | float | str]

    def number(self, tag: int, default: int = 0) -> int:
        """The tag as a whole number; ``default`` if it is missing or no whole number."""
        value = self.tags.get(tag)
        return value if isinstance(value, int) else default

    def ascii(self, tag: int, default: str = "") -> str:
        """The tag as a text; ``default`` if it is missing or no text."""
        value = self.tags.get(tag)
        return value if isinstance(value, str) else default


def page_count(path: str) -> int:
    """How many pages libtiff finds: the directories before the first one without an image.

    Raises :class:`TiffError` if the file cannot be read, is no TIFF, is damaged or has no page.
    """
    with opened(path) as file:
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
    return list(each_directory(path))


def each_directory(path: str) -> Iterator[Directory]:
    """The pages as :func:`directories` gives them, one at a time: a document may have 65535."""
    with opened(path) as file:
        chain = read_chain(file.fd, path)
        for raw in chain.directories:
            yield directory_of(file.fd, path, chain, raw)


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
    room = min(size, MAX_TAGS)
    while offset:
        if offset in seen:
            raise TiffError(f"{path}: the TIFF is damaged: page {len(found)} is followed by an earlier one")
        if len(found) == MAX_DIRECTORIES:
            raise TiffError(f"{path}: the TIFF has more than {MAX_DIRECTORIES} pages")
        seen.add(offset)
        directory, offset = read_directory(fd, path, order, size, offset, len(found) + 1)
        room -= directory.length
        if room < 0:    # directories that overlap make millions of tags of a few octets
            fault = "is damaged: its pages' tags overlap each other" if size <= MAX_TAGS else "has too many tags"
            raise TiffError(f"{path}: the TIFF {fault}")
        found.append(directory)
    return Chain(order, size, tuple(found))


def read_directory(fd: int, path: str, order: str, size: int, offset: int, page: int) -> tuple[RawDirectory, int]:
    """The directory at ``offset`` and the offset of the next one, 0 at the end."""
    octets = os.pread(fd, 2 + 30 * _ENTRY + 4, offset)  # most pages have less than 30 tags and need one read
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
    directory = RawDirectory(offset, order, octets[2:length - 4])
    _check_entries(path, directory, page)
    return directory, int(struct.unpack_from(order + "I", octets, length - 4)[0])


def _check_entries(path: str, directory: RawDirectory, page: int) -> None:
    """Raises TiffError for a tag that stands twice or has a wrong type or count: readers differ about such a page."""
    seen: set[int] = set()
    for tag, kind, count, _ in struct.iter_unpack(directory.order + "HHI4s", directory.octets):
        if tag in seen:
            raise TiffError(f"{path}: the TIFF is damaged: page {page} has the tag {_name(tag)} twice")
        seen.add(tag)
        _, types, several = _PICTURE.get(tag, ("", (kind,), True))
        if kind not in types or not (several or count == 1) or (tag in _PICTURE and not count):
            raise TiffError(
                f"{path}: the TIFF is damaged: page {page} has the tag {_name(tag)} with {count} values of the type {kind}"
            )


def _name(tag: int) -> str:
    return f"{_PICTURE[tag][0]} ({tag})" if tag in _PICTURE else str(tag)


def value_octets(fd: int, path: str, chain: Chain, entry: Entry, most: int) -> bytes:
    """The first ``most`` octets of an entry's value; empty for an unknown type.  Raises :class:`TiffError`."""
    length = SIZES.get(entry.type, 0) * entry.count
    if length <= 4:
        return entry.value[:length]
    offset = int(struct.unpack(chain.order + "I", entry.value)[0])
    if offset + length > chain.size:
        raise TiffError(f"{path}: the TIFF is damaged: tag {entry.tag} lies outside of the file")
    return os.pread(fd, min(length, most), offset)


def directory_of(fd: int, path: str, chain: Chain, raw: RawDirectory) -> Directory:
    """The page that a directory of the open file ``fd`` describes.  Raises :class:`TiffError`."""
    tags: dict[int, int | float | str] = {}
    bilevel = True
    for entry in raw.entries:
        bilevel &= entry.tag not in _NO_FAX
        if entry.tag in (_TEXTS if entry.type == ASCII else _NUMBERS):
            most = MAX_TEXT if entry.type == ASCII else MAX_VALUE
            value = _value(chain.order, entry, value_octets(fd, path, chain, entry, most))
            if value is not None:
                tags[entry.tag] = value
    for tag, allowed in _VALUES.items():
        if tag in tags and tags[tag] not in allowed:
            raise TiffError(f"{path}: the TIFF is damaged: the tag {_name(tag)} of a page is {tags[tag]}")
    bilevel &= _whole(tags, BITS_PER_SAMPLE, 1) == _whole(tags, SAMPLES_PER_PIXEL, 1) == 1
    bilevel &= _whole(tags, PHOTOMETRIC, 0) in (0, 1)
    return Directory(
        _whole(tags, IMAGE_WIDTH, 0), _whole(tags, IMAGE_LENGTH, 0), _fraction(tags, X_RESOLUTION), _fraction(tags, Y_RESOLUTION),
        _whole(tags, RESOLUTION_UNIT, UNIT_INCH), _whole(tags, COMPRESSION, 1), bilevel, raw.has_image, tags,
    )


def _whole(tags: Mapping[int, int | float | str], tag: int, default: int) -> int:
    value = tags.get(tag)
    return value if isinstance(value, int) else default


def _fraction(tags: Mapping[int, int | float | str], tag: int) -> float:
    value = tags.get(tag)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _value(order: str, entry: Entry, octets: bytes) -> int | float | str | None:
    """The first value of an entry; None for other types and for an entry without values."""
    if entry.type == ASCII:
        return decode(octets.partition(b"\0")[0])
    size = SIZES.get(entry.type, 0)
    if entry.type not in (*_WHOLE, RATIONAL) or len(octets) < size:
        return None
    if entry.type == RATIONAL:
        numerator, denominator = struct.unpack(order + "II", octets[:8])
        return numerator / denominator if denominator else 0.0
    return int.from_bytes(octets[:size], "little" if order == "<" else "big")


class opened:
    """Opens a file for reading.  A context manager that turns OSError into :class:`TiffError`."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            # a link is not followed: it may lead to another user's file, which this job must not send
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise TiffError(f"{path}: cannot open the document: {reason(error)}") from error

    def __enter__(self) -> opened:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        os.close(self.fd)
        if isinstance(error, OSError):
            raise TiffError(f"{self._path}: cannot read the document: {reason(error)}") from error
