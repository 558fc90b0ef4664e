"""The job description file, sendq/q<jobid> (faxd/FaxRequest.c++ reads and writes it; sendq(5)).

Each line is ``tag:value``.  Blanks after the colon do not belong to the value, and nothing is quoted.  Only ``status`` may
have several lines: a backslash before the newline continues it.  The last lines are the job's documents,
``op:directory:address:file``.  A rewrite keeps unknown lines and the order of all.
"""

from __future__ import annotations

import fcntl
import os
import re

from gofaxpy.hylafax.encoding import decode, encode, one_line
from gofaxpy.hylafax.errors import LockedError, QFileError, reason
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.values import define

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What a document line may start with; "!x" is the original of the "fax" line below it.
ITEM_OPS = frozenset({
    "fax", "tiff", "!tiff", "pdf", "!pdf", "postscript", "!postscript", "pcl", "!pcl", "data", "!data",
    "poll", "page", "!page", "uucp",
})
# The order in which HylaFAX writes the tags.
TAGS = tuple((
    "tts killtime retrytime state npages totpages nskip skippages ncover coverpages ntries ndials totdials maxdials "
    "tottries maxtries pagewidth resolution pagelength priority schedpri minbr desiredbr desiredst desiredec "
    "desireddf desiredtl useccover usexvres external number mailaddr sender jobid jobtag pagehandling modem faxnumber "
    "tsi receiver company location voice fromcompany fromlocation fromvoice regarding comments cover client owner "
    "groupid signalrate dataformat jobtype tagline subaddr passwd doneop commid csi nsf pagerange status statuscode "
    "returned notify pagechop chopthreshold"
).split())
_PLACE = {tag: place for place, tag in enumerate(TAGS)}
_MAX_SIZE = 4 * 1024 * 1024
MAX_LINES = 20_000      # a job has some seventy tags, and one or two lines for each document
_NUMBER = re.compile(r"[ \t\v\f\r\n]*([+-]?[0-9]{1,18})")


@define
class Item:
    """A document of the job.

    ``dirnum`` is the first TIFF directory to be sent.  ``address`` is a subaddress (T.30 SUB) or, for ``poll``, the selective
    polling address.  ``file`` is relative to the spool.
    """

    op: str
    dirnum: int
    address: str
    file: str


class _Field:
    """A line that is no document, as it stands in the file; ``tag`` is empty where the line has no colon."""

    __slots__ = ("raw", "tag")

    def __init__(self, tag: str, raw: str) -> None:     # written out, for speed: a job has seventy
        self.tag = tag
        self.raw = raw


@define
class _Slot:
    """The place of a document line.  ``raw`` is written again as long as ``item`` has not changed since it was read."""

    item: Item
    raw: str
    as_read: tuple[str, int, str, str]


class QFile:
    """The contents of a qfile.  ``items`` may be changed, reordered, shortened and added to."""

    __slots__ = ("_entries", "_fields", "_overrides", "_slots", "items")

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._overrides: dict[str, str] = {}
        self._entries: list[_Field | _Slot] = []    # all lines in their order
        self._fields: dict[str, _Field] = {}        # the lines that count: the last one of each tag
        self._slots: list[_Slot] = []

    @classmethod
    def parse(cls, text: str) -> QFile:
        """Reads a qfile.  Lines that native would skip are kept unchanged.

        Raises :class:`QFileError` for a file of less than two octets, which is corrupt to native too, and for one of more than
        :data:`MAX_LINES`.
        """
        if len(text) < 2:
            raise QFileError("the job description is empty")
        if text.count("\n") > MAX_LINES:
            raise QFileError(f"{text.count(chr(10))} lines are no job description")
        qfile = cls()
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        at = 0
        while at < len(lines):
            raw = lines[at]
            at += 1
            tag, colon, value = raw.partition(":")
            if colon and tag in ITEM_OPS:
                item = _item(tag, value.lstrip(" "))
                slot = _Slot(item, raw, _key(item))
                qfile.items.append(item)
                qfile._slots.append(slot)
                qfile._entries.append(slot)
                continue
            if colon and tag == "status":
                while raw.endswith("\\") and at < len(lines):
                    raw += "\n" + lines[at]
                    at += 1
            field = _Field(tag if colon else "", raw)
            qfile._fields[field.tag] = field
            qfile._entries.append(field)
        return qfile

    def render(self) -> str:
        """The text of the file.  Unchanged lines are as they were read; every line ends in a newline."""
        same = len(self._slots) == len(self.items) and all(
            slot.item is item for slot, item in zip(self._slots, self.items, strict=True)
        )
        raws = {id(slot.item): slot for slot in self._slots}
        if same:    # the usual case, and faster: a job is written seven times
            lines = [entry.raw if isinstance(entry, _Field) else _line(entry.item, raws) for entry in self._entries]
            return "\n".join(lines) + "\n"
        lines = []
        written = False
        for entry in self._entries:
            if isinstance(entry, _Field):
                lines.append(entry.raw)
            elif not written:
                lines.extend(_line(item, raws) for item in self.items)
                written = True
        if not written:
            lines.extend(_line(item, raws) for item in self.items)
        return "\n".join(lines) + "\n"

    def get(self, tag: str, default: str = "") -> str:
        """The value of ``tag`` (the last one, if there are several, as native); ``default`` where the file has none.

        Newlines in ``status`` come without their backslash.
        """
        if tag in self._overrides:
            return self._overrides[tag]
        if tag not in self._fields:
            return default
        value = self.written(tag)
        return value.replace("\\\n", "\n") if tag == "status" else value

    def written(self, tag: str) -> str:
        """The value of ``tag`` as the file has it, without regard to :meth:`override`; ``""`` where the file has none."""
        field = self._fields.get(tag)
        return "" if field is None else field.raw[len(tag) + 1:].lstrip(" ")

    def number(self, tag: str, default: int = 0) -> int:
        """The value as C's ``atoi`` reads it: the number at its start, or 0.

        ``default`` where the tag is missing or empty.
        """
        value = self.get(tag)
        return _atoi(value) if value else default

    def set(self, tag: str, value: str | int) -> None:
        """Sets the value of ``tag``.  A new tag is inserted where HylaFAX would write it.

        Control characters become blanks, so that a value cannot make a line of its own; ``status`` keeps its newlines.
        Raises :class:`QFileError` if ``tag`` cannot be a tag.
        """
        if not tag or tag in ITEM_OPS or ":" in tag or one_line(tag) != tag:
            raise QFileError(f"{tag!r} cannot be a tag of a job description")
        text = str(value)
        if tag == "status":
            text = "\\\n".join(one_line(line) for line in text.split("\n"))
            if text.endswith("\\"):
                text += " "  # or the next tag would become part of the status
        else:
            text = one_line(text)
        self._overrides.pop(tag, None)
        field = self._fields.get(tag)
        if field is not None:
            field.raw = f"{tag}:{text}"
        else:
            field = self._fields[tag] = _Field(tag, f"{tag}:{text}")
            self._entries.insert(self._place(tag), field)

    def override(self, tag: str, value: str | int) -> None:
        """Makes :meth:`get` return ``value`` for ``tag``, and leaves the file unchanged.

        Settings of JobControl (``-c`` of faxq) hold for this attempt only; they must not become the job's own.  :meth:`set`
        ends the override.
        """
        self._overrides[tag] = str(value)

    def _place(self, tag: str) -> int:
        """The place of a new tag: after the nearest tag that HylaFAX writes before it.  An unknown tag goes before the
        documents."""
        before: int | None = None
        documents = len(self._entries)
        nearest = -1
        rank = _PLACE.get(tag, len(TAGS))
        for at, entry in enumerate(self._entries):
            if isinstance(entry, _Slot):
                documents = min(documents, at)
            elif nearest <= _PLACE.get(entry.tag, -2) < rank:
                nearest, before = _PLACE[entry.tag], at
        if rank == len(TAGS):
            return documents
        return 0 if before is None else before + 1


def _atoi(text: str) -> int:
    found = _NUMBER.match(text)
    return int(found[1]) if found else 0


def _item(op: str, value: str) -> Item:
    """A document line, as FaxRequest::addItem reads it: directory, colon, address, colon, and the rest is the file."""
    first, colon, rest = value.partition(":")
    if not colon:
        return Item(op, 0, "", value)
    address, colon, file = rest.partition(":")
    if not colon:
        return Item(op, _atoi(first), "", rest)
    return Item(op, _atoi(first), address, file)


def _key(item: Item) -> tuple[str, int, str, str]:
    return item.op, item.dirnum, item.address, item.file


def _line(item: Item, raws: dict[int, _Slot]) -> str:
    if (slot := raws.get(id(item))) is not None and slot.as_read == _key(item):
        return slot.raw
    return f"{item.op}:{item.dirnum}:{one_line(item.address)}:{one_line(item.file)}"


def _nobody(text: str) -> None:
    """The default of ``tell``: no message."""


class QFileHandle:
    """An open qfile, locked with flock LOCK_EX, as faxd/faxSendApp.c++ holds it for the whole job.

    When faxq starts it waits for this lock, so it must not be held longer than the attempt.  :meth:`close` gives it up.
    """

    __slots__ = ("_fd", "path", "qfile")

    def __init__(self, path: str, fd: int, qfile: QFile) -> None:
        self.path = path
        self.qfile = qfile
        self._fd = fd

    @classmethod
    def open(cls, path: str, blocking: bool = True, tell: Callable[[str], None] = _nobody) -> QFileHandle:
        """Opens, locks and reads ``path``.  If the wait for the lock gets long, ``tell`` is called with a text that names the
        process that holds it.

        Raises :class:`LockedError` if ``blocking`` is false and another process holds the lock, :class:`QFileError` for any
        other reason why the job cannot be read.
        """
        try:
            fd = open_regular(path, os.O_RDWR)
        except OSError as error:
            raise QFileError(f"{path}: cannot open the job description: {reason(error)}") from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not blocking:
                    raise
                from gofaxpy.hylafax.waiting import wait_for_lock

                wait_for_lock(fd, path, tell)
            status = os.fstat(fd)
            if status.st_nlink == 0:
                raise QFileError(f"{path}: the job was removed while we waited for its lock")
            if status.st_size > _MAX_SIZE:
                raise QFileError(f"{path}: {status.st_size} bytes are no job description")
            return cls(path, fd, QFile.parse(decode(os.pread(fd, _MAX_SIZE, 0))))
        except BlockingIOError as error:
            os.close(fd)
            raise LockedError(f"{path}: the job is being worked on by another process") from error
        except OSError as error:
            os.close(fd)
            raise QFileError(f"{path}: cannot read the job description: {reason(error)}") from error
        except QFileError as error:
            os.close(fd)
            raise QFileError(str(error) if str(error).startswith(path) else f"{path}: {error}") from error

    def rewrite(self, durable: bool = False) -> None:
        """Writes the qfile in place, with one write and under the same inode, as FaxRequest::writeQFile does: hfaxd reads the
        file without a lock, and faxq relies on its inode.  ``durable`` waits for the disk.  Raises :class:`QFileError`.

        Room for a longer text is reserved before anything is overwritten, so that a full disk leaves the old contents.  A shorter
        text is followed by empty lines until the file is truncated.  Otherwise a process that reads in between, or after a
        crash in between, would find the end of the old contents, which may be a document that has just been sent.
        """
        octets = encode(self.qfile.render())
        try:
            size = os.fstat(self._fd).st_size
            if len(octets) > size:
                try:
                    os.posix_fallocate(self._fd, size, len(octets) - size)
                except OSError:
                    os.ftruncate(self._fd, size)
                    raise
            covering = octets.ljust(size, b"\n")
            done = os.pwrite(self._fd, covering, 0)
            while done < len(covering):
                done += os.pwrite(self._fd, covering[done:], done)
            os.ftruncate(self._fd, len(octets))
            if durable:
                os.fsync(self._fd)
        except OSError as error:
            raise QFileError(f"{self.path}: cannot rewrite the job description: {reason(error)}") from error

    def close(self) -> None:
        """Closes the file and gives up the lock.  A second call does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __enter__(self) -> QFileHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
