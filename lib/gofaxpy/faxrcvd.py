"""The runner of faxrcvd: ``python3 -I -S faxrcvd.py SPOOL ENTRY FD TIMEOUT FACILITY LEVEL FAXRCVD ARGUMENT...``

It inherits the journal entry's descriptor ``FD``, and with that the entry's lock (see :mod:`gofaxpy.inbound.announce`).
It starts faxrcvd before it loads any other module, because a user is waiting for the fax.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time

MAX_OUTPUT = 16384  # octets of faxrcvd's output that are kept
MAX_LINES = 200     # lines of it in the session log
AGAIN = 300         # seconds until a faxrcvd that could not be started is tried again (gofaxpy.inbound.recovery)
STACK = 8 << 20     # octets
LOOK = 0.2          # seconds between checks whether faxrcvd has ended, on a kernel without pidfd_open(2)


class _Faxrcvd:
    """A running faxrcvd, in a session of its own, with its output in a pipe."""

    def __init__(self, command: list[str], lock: int) -> None:
        """Starts it; it does not inherit the descriptor ``lock``.  Raises OSError."""
        # FreeSWITCH's threads have stacks of 240 KiB, and child processes inherit that limit; ghostscript and others need more
        _, hard = resource.getrlimit(resource.RLIMIT_STACK)
        wanted = STACK if hard == resource.RLIM_INFINITY else min(STACK, hard)
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
        os.set_inheritable(lock, False)
        self._pipe, end = os.pipe()
        try:
            self.pid = os.posix_spawn(
                command[0], [os.fsencode(word) for word in command], os.environb, setsid=True,
                setsigdef=(signal.SIGPIPE,),     # ignored by FreeSWITCH
                file_actions=[(os.POSIX_SPAWN_DUP2, end, 1), (os.POSIX_SPAWN_DUP2, end, 2)],
            )
        finally:
            os.close(end)

    def wait(self, timeout: float) -> tuple[int, bytes, str]:
        """Waits for its end.  The exit status (negative: the signal), the beginning of its output, what is wrong in words.

        faxrcvd is killed after ``timeout`` seconds.  Processes that it leaves in the background are not waited for.
        """
        deadline = time.monotonic() + timeout
        ended = _end_of(self.pid)
        watched, output, over = [self._pipe, *ended], b"", False
        while not over and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select(watched, [], [], left if ended else min(left, LOOK))
            if self._pipe in readable:
                chunk = os.read(self._pipe, 65536)
                output = (output + chunk)[:MAX_OUTPUT]
                if not chunk:
                    watched.remove(self._pipe)
            else:
                over = bool(readable) if ended else os.waitid(os.P_PID, self.pid, _LOOK_ONLY) is not None
        if not over:
            os.killpg(self.pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if not over:
            return status, output, f"was ended after {timeout:g} s (inbound.faxrcvd_timeout)"
        return status, output, f"ended with status {status}" if status else ""


_LOOK_ONLY = os.WEXITED | os.WNOHANG | os.WNOWAIT


def _end_of(pid: int) -> list[int]:
    """A descriptor that can be read when the process has ended (pidfd_open(2)).

    None before Linux 5.3, or under a filter of system calls (seccomp(2)) that refuses it.
    """
    try:
        return [os.pidfd_open(pid)]
    except OSError:
        return []


def main(argv: list[str]) -> int:
    """Runs faxrcvd and logs and marks its end.  If faxrcvd cannot be started, the entry stays and the recovery tries again."""
    root, name, fd, timeout, facility, level, program, *arguments = argv
    try:  # noqa: SIM105 - contextlib is not loaded before faxrcvd runs
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))     # FreeSWITCH may have real-time priority, for its timers
    except OSError:
        pass        # refused by a filter of system calls; faxrcvd then runs with FreeSWITCH's priority
    status, output = None, b""
    try:
        faxrcvd = _Faxrcvd([program, *arguments], int(fd))
    except OSError as error:
        problem = f"could not be started: {error.strerror}; it is tried again every {AGAIN // 60} minutes"
    else:
        status, output, problem = faxrcvd.wait(float(timeout))
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from contextlib import suppress

    from gofaxpy.commids import JOURNAL
    from gofaxpy.journal import Entry, JournalError, Step

    if output or problem:
        _session_log(root, arguments, output, problem)
    if problem:
        _syslog(facility, level, f"RECV FAX: {arguments[0] if arguments else name}: {program} {problem}")
    entry = Entry(os.path.join(root, *JOURNAL), name, int(fd))
    with suppress(JournalError):    # the disk is full: the entry is removed all the same
        entry.mark(Step.UNANNOUNCED if status is None else Step.ANNOUNCED, status=status)
    if status is not None:
        entry.remove()
    return 0


def _session_log(root: str, arguments: list[str], output: bytes, problem: str) -> None:
    """Writes faxrcvd's output, and what is wrong, into the session log.  ``arguments`` are faxrcvd's."""
    from gofaxpy.hylafax.sessionlog import SessionLog
    from gofaxpy.hylafax.spool import Spool

    log = SessionLog.reopen(Spool(root), arguments[2] if len(arguments) > 2 else "")
    for line in output.decode("utf-8", "surrogateescape").splitlines()[:MAX_LINES]:
        log.line(f"RECV FAX: faxrcvd: {line}")
    if problem:
        log.line(f"RECV FAX: faxrcvd {problem}")
    log.close()


def _syslog(facility: str, level: str, text: str) -> None:
    """Writes an error to syslog, as ``log.syslog_facility`` and ``log.level`` say."""
    import syslog

    syslog.openlog("gofax", syslog.LOG_PID, getattr(syslog, f"LOG_{facility.upper()}"))
    syslog.setlogmask(syslog.LOG_UPTO(getattr(syslog, f"LOG_{level.upper()}")))
    syslog.syslog(syslog.LOG_ERR, text.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
