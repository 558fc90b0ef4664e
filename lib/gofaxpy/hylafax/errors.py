"""Errors of the spool.  Every text names the file and, where that is known, says what to do."""

from __future__ import annotations

import errno


class SpoolError(Exception):
    """A file of the spool cannot be used as HylaFAX uses it."""


class QFileError(SpoolError):
    """A job description file (sendq/q…) cannot be read, understood or rewritten."""


class TiffError(SpoolError):
    """A document is not a TIFF that can be sent or tagged."""


class FifoError(SpoolError):
    """A FIFO cannot be made or opened, or a message does not fit through it."""


class LockedError(SpoolError):
    """Another process holds the lock."""


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error comes from the machine and not from the file: no descriptors or memory left, a disk or file server that
    does not answer (errno(3)).  With the same file, a later try may succeed."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE


_OF_THE_MACHINE = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT))


def reason(error: OSError) -> str:
    """The system's own words for an :class:`OSError`, without the path that our texts name anyway."""
    return error.strerror or str(error)
