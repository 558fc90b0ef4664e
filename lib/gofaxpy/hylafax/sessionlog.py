"""The log of one call, log/c<commid> (faxd/FaxMachineLog.c++, ModemServer::beginSession).

Each line is ``Nov 23 22:49:16.76: [28316]: text``: local time with centiseconds, and the pid.  A log that cannot be written must
not harm the fax.  So nothing here raises; :attr:`SessionLog.error` says what is wrong.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.encoding import cut, encode, one_line
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.fmttime import log_stamp
from gofaxpy.hylafax.spool import Spool

_LINE_OCTETS = 4000
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK     # open(2) must not wait at a FIFO


class SessionLog:
    """An open session log; made by :meth:`create` and :meth:`reopen`.

    ``error`` is empty as long as every line was written; otherwise it is the first error.  ``clock`` gives seconds since the
    epoch.
    """

    def __init__(self, path: str, commid: str, number: str, clock: Callable[[], float], pid: int) -> None:
        self.path = path
        self.commid = commid
        self.error = ""
        self._number = number
        self._clock = clock
        self._pid = pid
        self._fd = -1
        self._torn = False

    @classmethod
    def create(
        cls, spool: Spool, commid: str, number: str = "", clock: Callable[[], float] = time.time,
        mode: int = 0o600, pid: int | None = None,
    ) -> SessionLog:
        """Creates the log (O_EXCL: a commid is used once).  ``number`` goes, reduced to its digits, into ``SESSION BEGIN``.

        ``mode`` is HylaFAX's LogFileMode; only the owner gets write permission.  ``pid`` is the number in the lines, by default
        that of this process.
        """
        return cls._open(spool, commid, number, clock, pid, os.O_CREAT | os.O_EXCL, mode & ~0o022)

    @classmethod
    def reopen(
        cls, spool: Spool, commid: str, clock: Callable[[], float] = time.time, pid: int | None = None,
    ) -> SessionLog:
        """Opens an existing log to add to it."""
        return cls._open(spool, commid, "", clock, pid, 0, 0)

    @classmethod
    def _open(
        cls, spool: Spool, commid: str, number: str, clock: Callable[[], float], pid: int | None, flags: int, mode: int,
    ) -> SessionLog:
        try:
            path, error = spool.session_log(commid), ""
        except SpoolError as trouble:
            path, error = "", str(trouble)
        log = cls(path, commid, number, clock, os.getpid() if pid is None else pid)
        log.error = error
        if error:
            return log
        try:
            log._fd = os.open(path, _FLAGS | flags, mode)
            if flags:
                os.fchmod(log._fd, mode)  # the umask belongs to the whole process and cannot be set for this file
        except FileExistsError:
            log.error = f"{path}: there is a session log of this name already; correct the number in log/seqf"
        except OSError as trouble:
            log.error = f"{path}: cannot open the session log: {reason(trouble)}"
        return log

    def begin(self, version: str = "") -> None:
        """Writes ``SESSION BEGIN 000000005 4930900123``, and ``version`` as the next line, where native has HylaFAX's."""
        self.line(f"SESSION BEGIN {self.commid} {digits(self._number)}")
        if version:
            self.line(version)

    def line(self, text: str) -> None:
        """Writes one line, with one write(2).  Control characters become blanks; ``text`` is cut at 4000 octets."""
        if self._fd < 0:
            return
        line = f"{log_stamp(self._clock())}: [{self._pid:5d}]: {one_line(cut(text, _LINE_OCTETS))}\n"
        octets = b"\n" * self._torn + encode(line)
        try:
            self._torn = os.write(self._fd, octets) != len(octets)
            if self._torn and not self.error:
                self.error = f"{self.path}: the disk is full, the session log has gaps"
        except OSError as trouble:
            if not self.error:
                self.error = f"{self.path}: cannot write the session log: {reason(trouble)}"

    def lines(self, text: str) -> None:
        """Writes several lines, such as the output of a script.  Empty lines are left out."""
        for line in text.split("\n"):
            if line.strip():
                self.line(line.rstrip())

    def end(self) -> None:
        """Writes ``SESSION END`` and closes the log."""
        self.line("SESSION END")
        self.close()

    def close(self) -> None:
        """Closes the log without ``SESSION END``: another process continues the session.  A second call does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
