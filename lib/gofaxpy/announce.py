"""Runs faxrcvd for a received fax, apart from FreeSWITCH.

faxrcvd converts and mails; that may take minutes, and FreeSWITCH waits for no handler when it shuts down.  So a small
process of its own session runs it.  The process inherits the journal entry's lock and marks the end, from which the
recovery can tell a faxrcvd that still runs from one that never ran: nobody is mailed the same fax twice.

This module is also that process: ``python3 -I announce.py SPOOL ENTRY FD TIMEOUT FAXRCVD ARGUMENT...``
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gofaxpy import hooks
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.journal import DIRECTORY, Entry, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.setting import Setting

PYTHON = "/usr/bin/python3"
MAX_OUTPUT = 16384


def start(setting: Setting, entry: Entry, arguments: list[str], environment: dict[str, str], log: SessionLog) -> None:
    """Starts the process and returns at once.  ``arguments`` and ``environment`` are faxrcvd's, as GOfax.IP gives them.

    Raises OSError if it cannot be started; the entry then stays for the recovery.
    """
    import subprocess

    inbound = setting.config.inbound
    program = setting.spool.path(inbound.faxrcvd) if not inbound.faxrcvd.startswith("/") else inbound.faxrcvd
    quoted = " ".join(f'"{argument}"' for argument in arguments)
    log.line(f"RECV FAX: {inbound.faxrcvd} {quoted}")
    fd = entry.fileno()
    command = [
        PYTHON, "-I", os.path.abspath(__file__), setting.spool.root, entry.name, str(fd), str(inbound.faxrcvd_timeout),
        program, *arguments,
    ]
    subprocess.Popen(
        [hooks.argument(word) for word in command], cwd=setting.spool.root, env=hooks.environment(environment), pass_fds=(fd,),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )


def main(argv: list[str]) -> int:
    """The process itself.  Its parent has given it the entry's descriptor, and with that the lock."""
    import resource

    root, name, fd, timeout, program, *arguments = argv
    # FreeSWITCH's threads have stacks of 240 KiB and hand that limit down; ghostscript and others need more
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = 8 << 20
    resource.setrlimit(resource.RLIMIT_STACK, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    entry = Entry(os.path.join(root, *DIRECTORY), name, int(fd))
    os.set_inheritable(int(fd), False)
    status, output = _run([program, *arguments], float(timeout))
    entry.mark(Step.ANNOUNCED, status=status)
    if output or status != 0:
        commid = arguments[2] if len(arguments) > 2 else ""
        _log(root, commid, status, output)
    entry.remove()
    return 0


def _run(command: list[str], timeout: float) -> tuple[int, bytes]:
    """Exit status (negative: the signal; 127: could not be started) and what it printed."""
    import subprocess

    try:
        ended = subprocess.run(
            [os.fsencode(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=timeout, check=False,
        )
    except subprocess.TimeoutExpired as error:
        return -9, (error.stdout or b"")[:MAX_OUTPUT] + b"\nended after %d s" % int(timeout)
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}".encode()
    return ended.returncode, ended.stdout[:MAX_OUTPUT]


def _log(root: str, commid: str, status: int, output: bytes) -> None:
    from gofaxpy.hylafax.spool import Spool

    log = SessionLog.reopen(Spool(root), commid)
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        log.line(f"RECV FAX: faxrcvd: {line}")
    if status != 0:
        log.line(f"RECV FAX: faxrcvd ended with status {status}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
