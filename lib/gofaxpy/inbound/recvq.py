"""The file of a fax in recvq: its making and each page's way to the disk; once its call is over the pages that can be read,
HylaFAX's tags on them, and files without any."""

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

BAD = "bad"                     # in recvq: hfaxd shows no directories
TIFF_HEADER = 8                 # octets; a file of no more holds nothing


class PostponedError(Exception):
    """The disk is full or does not answer; what is left to be done with a fax is done when that has passed."""


def check_room(error: SpoolError | OSError) -> None:
    """Raises PostponedError if ``error`` says that the disk is full, or of something else that passes."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if is_of_the_machine(error) or (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)):
        raise PostponedError(str(error)) from error



def spool_problem(setting: Setting) -> str:
    """Why no fax could be kept at the moment, or ``""``.  SpanDSP would notice only after the call is answered."""
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
    """RecvFileMode: octal digits; 0600, HylaFAX's default, for anything else.

    The owner may read and write, whatever they say: SpanDSP opens the file by its name, and the tags are added by name.
    """
    try:
        return int(octal, 8) & 0o777 | 0o600
    except ValueError:
        return 0o600


def create_recv_file(setting: Setting, mode: int = 0o600) -> tuple[str, int]:
    """A new file in recvq, named relative to the spool, and the descriptor that holds HylaFAX's lock on it.

    rxfax then writes into this very file.  It has its mode from the start, as with faxgetty: clients that may see the
    fax see it coming in, marked ``*``.  Raises SpoolError, OSError.
    """
    while True:
        file = recv_name(setting.spool)
        try:
            fd = os.open(setting.spool.inside(file), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue    # seqf was set back, or another program numbers on its own
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(fd, mode)     # whatever the umask, which belongs to the whole process
        except OSError:     # a file server without locks (ENOLCK), say
            os.close(fd)
            os.unlink(setting.spool.inside(file))
            raise
        return file, fd


def flush(path: str) -> None:
    """A page that is about to be confirmed to its sender goes to the disk: SpanDSP itself never asks for that."""
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
    """The pages of a fax that is over.  Where a crash has broken off the end of the file, the whole ones are saved.

    Raises OSError where the file cannot be looked into at the moment (no descriptors left, an I/O error): that is no
    reason to take it for empty.
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
    """How many pages can be read from the file, 0 where it is none; None where that cannot be told, because it cannot be looked
    into at the moment (no descriptors left, an I/O error)."""
    try:
        return page_count(path)
    except (TiffError, OSError) as error:
        return None if is_of_the_machine(error) else 0


def _raise_if_of_the_machine(error: TiffError) -> None:
    """What passes says nothing about the file: it is looked at again.  Raises OSError then."""
    if is_of_the_machine(error) and isinstance(error.__cause__, OSError):
        raise error.__cause__


@dataclass(frozen=True, slots=True)
class Told:
    """What SpanDSP, or we, have written into the file about its sender: for a fax whose result nobody could note."""

    station: str = ""
    params: FaxParams = field(default_factory=FaxParams)


def told_by(path: str) -> Told:
    """What the first page's tags say.  Raises OSError where the file cannot be looked into at the moment."""
    try:
        first = next(each_directory(path))
        station = first.ascii(IMAGE_DESCRIPTION).partition("\n")[0]
        dcs = first.ascii(FAX_DCS)
        return Told("" if station == UNSPECIFIED else station, FaxParams.from_dcs(dcs) if dcs else FaxParams())
    except TiffError as error:
        _raise_if_of_the_machine(error)
        return Told()
    except (SpoolError, ValueError, StopIteration):
        return Told()


def tag(path: str, told: Told, call_ids: Sequence[str], page_seconds: Sequence[float], log: CallLog) -> None:
    """HylaFAX's tags on every page.  A file that cannot be tagged is still a fax: faxinfo just knows less of it.

    Raises PostponedError on a full disk.
    """
    text = description(told.station, call_ids)
    try:
        tags = [
            PageTags(
                told.params.encode(), page_seconds[number] if number < len(page_seconds) else 0,
                page.ascii(FAX_DCS) or told.params.dcs(), text, tiff_date(page.ascii(DATE_TIME)),
            )
            for number, page in enumerate(each_directory(path))
        ]
        write_receive_tags(path, tags)
    except (SpoolError, OSError) as error:
        check_room(error)
        log.tell(f"RECV FAX: the fax is complete, but its tags could not be written: {error}", "err")


def put_away(setting: Setting, path: str, log: CallLog) -> None:
    """A file without a readable page: an empty one goes, anything else is set aside for the operator to look at."""
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
        while os.path.lexists(kept):    # numbers come again when recvq/seqf is lost
            number += 1
            kept = f"{name}.{number}"
        os.rename(path, kept)
    except FileNotFoundError:
        return      # SpanDSP removes what has no page by itself
    except OSError as error:
        log.tell(f"RECV FAX: {path} holds no page and could not be set aside: {error.strerror}", "err")
        return
    log.tell(f"RECV FAX: no page can be read; what there is has been set aside as {kept}", "err")
