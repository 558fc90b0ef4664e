"""The file of a fax in recvq.

During the call: the file is created, and each page is flushed to the disk.  After the call: pages that can be read are
counted, and get HylaFAX's tags; a file without pages is set aside.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from gofaxpy.hylafax.errors import SpoolError, TiffError, is_of_the_machine
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.recvtags import UNSPECIFIED, PageTags, description, tiff_date, write_receive_tags
from gofaxpy.hylafax.sequence import recv_name
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.hylafax.tiff import DATE_TIME, FAX_DCS, IMAGE_DESCRIPTION, each_directory, page_count
from gofaxpy.hylafax.tiffrepair import cut_damage
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.setting import Setting, wrong_user
from gofaxpy.switch.boundary import log

BAD = "bad"                     # a directory in recvq, where hfaxd does not show it
TIFF_HEADER = 8                 # octets; a file of no more holds no page


class PostponedError(Exception):
    """The disk is full or fails for the moment; the next steps of the fax are done when that has passed."""


def check_room(error: SpoolError | OSError) -> None:
    """Raises PostponedError if ``error`` says that the disk is full, or means another condition that passes."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if is_of_the_machine(error) or (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)):
        raise PostponedError(str(error)) from error


def spool_problem(setting: Setting) -> str:
    """Why no fax can be received into the spool at present, or ``""``.

    SpanDSP would notice only after the call is answered.
    """
    problem = wrong_user(setting.config.hylafax.user)
    if problem:
        return problem
    recvq = setting.spool.path("recvq")
    user = setting.config.hylafax.user
    if not os.access(recvq, os.W_OK | os.X_OK):
        return f"{recvq} is not writable for the user FreeSWITCH runs as: run it as {user}"
    try:
        room = os.statvfs(recvq)
    except OSError as error:
        return f"{recvq}: {error.strerror}"
    least = setting.config.inbound.min_free
    if room.f_bavail * room.f_frsize < least << 20:
        return f"{recvq}: less than {least} MiB (inbound.min_free) are free on its file system"
    return ""


def file_mode(octal: str) -> int:
    """The mode of a RecvFileMode in octal digits; 0600, HylaFAX's default, if it is not octal.

    It always lets the owner read and write: SpanDSP and the tagging open the file by its name.
    """
    try:
        return int(octal, 8) & 0o777 | 0o600
    except ValueError:
        return 0o600


def create_recv_file(setting: Setting, mode: int = 0o600) -> tuple[str, int]:
    """Creates a file in recvq.  Its name relative to the spool, and the descriptor that holds HylaFAX's lock on it.

    rxfax then writes into this very file.  The file has its mode from the start, as with faxgetty: clients that may see
    the fax see it while it comes in, marked ``*``.  Raises SpoolError, OSError.
    """
    while True:
        file = recv_name(setting.spool)
        try:
            fd = os.open(setting.spool.inside(file), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue    # seqf was set back, or another program makes such names without it
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(fd, mode)     # not by open(2): the umask is the whole process's
        except OSError:     # for example ENOLCK, on a file server without locks
            os.close(fd)
            os.unlink(setting.spool.inside(file))
            raise
        return file, fd


def flush(path: str) -> None:
    """Flushes the file to the disk before a page is confirmed to its sender.  SpanDSP itself never calls fsync(2)."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return
    except OSError as error:
        log("err", f"{path}: cannot be opened for fsync ({error.strerror}); the page may not survive a power failure")
        return
    try:
        os.fsync(fd)
    except OSError:
        log("err", f"{path}: fsync failed; the page may not survive a power failure")
    finally:
        os.close(fd)


def pages_saved(path: str) -> int:
    """The number of pages of a finished fax.  If a crash has cut the file off, its complete pages are saved.

    Raises OSError if the file cannot be read at the moment (no descriptors left, an I/O error): it must not be taken for
    empty then.
    """
    try:
        if os.stat(path).st_size <= TIFF_HEADER:
            return 0
    except FileNotFoundError:
        return 0
    try:
        return page_count(path)
    except TiffError as error:
        _raise_if_of_the_machine(error)
    try:
        return cut_damage(path)
    except TiffError as error:
        _raise_if_of_the_machine(error)
        return 0


def pages_on_disk(path: str) -> int | None:
    """The number of pages that can be read from the file, 0 if it is missing or no TIFF file.

    None if the file cannot be read at the moment (no descriptors left, an I/O error).
    """
    try:
        return page_count(path)
    except (TiffError, OSError) as error:
        return None if is_of_the_machine(error) else 0


def _raise_if_of_the_machine(error: TiffError) -> None:
    """Raises OSError for a condition of the machine that passes: it says nothing about the file, which is read again later."""
    if is_of_the_machine(error) and isinstance(error.__cause__, OSError):
        raise error.__cause__


@dataclass(frozen=True, slots=True)
class Sender:
    """The sending station of a fax, and the transfer parameters used."""

    station: str = ""       # its TSI, "" for none
    params: FaxParams = field(default_factory=FaxParams)


def sender_of_file(path: str) -> Sender:
    """The sender, from the tags of the first page, which SpanDSP or :func:`tag` has written.

    For a fax whose result was not noted.  Raises OSError if the file cannot be read at the moment.
    """
    try:
        first = next(each_directory(path))
        station = first.ascii(IMAGE_DESCRIPTION).partition("\n")[0]
        dcs = first.ascii(FAX_DCS)
        return Sender("" if station == UNSPECIFIED else station, FaxParams.from_dcs(dcs) if dcs else FaxParams())
    except TiffError as error:
        _raise_if_of_the_machine(error)
        return Sender()
    except (SpoolError, ValueError, StopIteration):
        return Sender()


def tag(path: str, sender: Sender, call_ids: Sequence[str], page_seconds: Sequence[float], log: CallLog) -> None:
    """Writes HylaFAX's tags into every page.  A file that cannot be tagged stays a fax: faxinfo(8) shows less of it.

    Raises PostponedError if the disk is full.
    """
    text = description(sender.station, call_ids)
    try:
        tags = [
            PageTags(
                sender.params.encode(), page_seconds[number] if number < len(page_seconds) else 0,
                page.ascii(FAX_DCS) or sender.params.dcs(), text, tiff_date(page.ascii(DATE_TIME)),
            )
            for number, page in enumerate(each_directory(path))
        ]
        write_receive_tags(path, tags)
    except (SpoolError, OSError) as error:
        check_room(error)
        log.message("err", f"RECV FAX: the fax is complete, but its tags could not be written: {error}")


def put_away(setting: Setting, path: str, log: CallLog) -> None:
    """Removes an empty file; moves any other file without a readable page to ``recvq/bad``, for the operator."""
    try:
        if os.path.getsize(path) <= TIFF_HEADER:
            os.unlink(path)
            return
        directory = setting.spool.path("recvq", BAD)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if os.path.islink(directory):
            raise OSError(errno.ELOOP, f"{directory} is a link")
        name = kept = os.path.join(directory, os.path.basename(path))
        number = 0
        while os.path.lexists(kept):    # numbers are used again if recvq/seqf was lost
            number += 1
            kept = f"{name}.{number}"
        os.rename(path, kept)
    except FileNotFoundError:
        return      # SpanDSP removes a file without pages itself
    except OSError as error:
        log.message("err", f"RECV FAX: {path} holds no page and could not be set aside: {error.strerror}")
        return
    log.message("err", f"RECV FAX: no page can be read; what there is has been set aside as {kept}")
