"""Runs faxrcvd for a received fax, apart from FreeSWITCH.

faxrcvd converts and mails; that may take minutes, and FreeSWITCH waits for no handler when it shuts down.  So a small
process of its own session runs it.  The process inherits the journal entry's lock and marks the end, from which the
recovery can tell a faxrcvd that still runs from one that never ran: nobody is mailed the same fax twice.

A faxrcvd that runs and fails has had its turn, as with faxgetty; syslog says so.  One that cannot be executed has not:
the entry stays, and the next start of FreeSWITCH tries again.

This module is also that process: ``python3 -I announce.py SPOOL ENTRY FD TIMEOUT FACILITY FAXRCVD ARGUMENT...``
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gofaxpy import hooks
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.journal import DIRECTORY, Entry, JournalError, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

    from gofaxpy.setting import Setting

PYTHON = "/usr/bin/python3"
MAX_OUTPUT = 16384
MAX_LINES = 200
NOT_STARTED = 127


def start(
    setting: Setting, entry: Entry, faxrcvd: str, arguments: list[str], environment: dict[str, str], log: SessionLog
) -> None:
    """Starts the process and returns at once.  ``arguments`` and ``environment`` are faxrcvd's, as GOfax.IP gives them.

    Raises OSError if it cannot be started; the entry then stays for the recovery.
    """
    import subprocess

    program = os.path.join(setting.spool.root, faxrcvd)
    quoted = " ".join(f'"{argument}"' for argument in arguments)
    log.line(f"RECV FAX: {faxrcvd} {quoted}")
    fd = entry.fileno()
    command = [
        PYTHON, "-I", os.path.abspath(__file__), setting.spool.root, entry.name, str(fd),
        str(setting.config.inbound.faxrcvd_timeout), setting.config.log.syslog_facility, program, *arguments,
    ]
    subprocess.Popen(
        [hooks.argument(word) for word in command], cwd=setting.spool.root, env=hooks.environment(environment), pass_fds=(fd,),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )


def main(argv: list[str]) -> int:
    """The process itself.  Its parent has given it the entry's descriptor, and with that the lock."""
    import resource
    import syslog

    root, name, fd, timeout, facility, program, *arguments = argv
    syslog.openlog("gofax", syslog.LOG_PID, getattr(syslog, f"LOG_{facility.upper()}"))
    # FreeSWITCH's threads have stacks of 240 KiB and hand that limit down; ghostscript and others need more
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = 8 << 20
    resource.setrlimit(resource.RLIMIT_STACK, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    entry = Entry(os.path.join(root, *DIRECTORY), name, int(fd))
    os.set_inheritable(int(fd), False)
    status, output, problem = _run([program, *arguments], float(timeout))
    if status != NOT_STARTED:
        with suppress(JournalError):    # a full disk: the entry goes all the same
            entry.mark(Step.ANNOUNCED, status=status)
    if output or problem:
        _log(root, arguments[2] if len(arguments) > 2 else "", output, problem)
    if problem:
        text = f"{arguments[0] if arguments else name}: {program} {problem}"
        syslog.syslog(syslog.LOG_ERR, text.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"))
    if status != NOT_STARTED:
        entry.remove()
    return 0


def _run(command: list[str], timeout: float) -> tuple[int, bytes, str]:
    """Exit status (negative: the signal), the beginning of what it printed, and what is wrong in words."""
    import signal
    import subprocess

    try:
        process = subprocess.Popen(
            [os.fsencode(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
    except OSError as error:
        return NOT_STARTED, b"", f"could not be started: {error.strerror}; it is tried again when FreeSWITCH starts"
    assert process.stdout is not None
    output, in_time = _output(process, process.stdout.fileno(), timeout)
    if not in_time:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return -signal.SIGKILL, output, f"was ended after {timeout:g} s (inbound.faxrcvd_timeout)"
    status = process.wait()
    status = 1 if status == NOT_STARTED else status     # a shell's word for a command it has not found: it did run
    return status, output, f"ended with status {status}" if status != 0 else ""


def _output(process: subprocess.Popen[bytes], fd: int, timeout: float) -> tuple[bytes, bool]:
    """What the process prints until it ends, cut at 16 KiB, and whether it ended in time.  What it leaves in the
    background may go on printing; nobody waits for that."""
    import select
    import time

    deadline = time.monotonic() + timeout
    output = b""
    open_yet = True
    while True:
        ended = process.poll() is not None
        if open_yet and select.select([fd], [], [], 0 if ended else 0.1)[0]:
            chunk = os.read(fd, 8192)
            open_yet = bool(chunk)
            output = (output + chunk)[:MAX_OUTPUT]
            if time.monotonic() < deadline:
                continue
        if ended:
            return output, True
        if time.monotonic() >= deadline:
            return output, False
        if not open_yet:
            time.sleep(0.1)


def _log(root: str, commid: str, output: bytes, problem: str) -> None:
    from gofaxpy.hylafax.spool import Spool

    log = SessionLog.reopen(Spool(root), commid)
    for line in output.decode("utf-8", "surrogateescape").splitlines()[:MAX_LINES]:
        log.line(f"RECV FAX: faxrcvd: {line}")
    if problem:
        log.line(f"RECV FAX: faxrcvd {problem}")
    log.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
