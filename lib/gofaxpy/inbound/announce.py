"""Has faxrcvd run for a received fax, in a process apart from FreeSWITCH.

faxrcvd converts and mails; that may take minutes, and FreeSWITCH waits for no handler when it shuts down.  So a small
process in its own session runs it (:mod:`gofaxpy.faxrcvd`, the *runner*).  The runner inherits the lock of the journal
entry and marks the end of faxrcvd.  By lock and mark the recovery tells a faxrcvd that still runs from one that never
ran, so that no fax is mailed twice.

A faxrcvd that ran and failed is not run again, as with faxgetty; syslog has the failure.  If faxrcvd cannot be executed
(while a package is being upgraded, say), the entry stays and faxrcvd is tried again every five minutes.
"""

from __future__ import annotations

import os

from gofaxpy import faxrcvd as runner
from gofaxpy import hooks
from gofaxpy.journal import Entry
from gofaxpy.setting import Setting

PYTHON = ("/usr/bin/python3", "-I", "-S")
PROGRAM = os.path.abspath(runner.__file__)


def start(setting: Setting, entry: Entry, faxrcvd: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Starts the runner and returns at once.  ``arguments`` and ``environment`` are faxrcvd's, as GOfax.IP gives them.

    ``faxrcvd`` is a path, relative to the spool unless absolute.  Raises OSError if the runner cannot be started; the
    entry then stays for the recovery.
    """
    import subprocess

    root, log, fd = setting.spool.root, setting.config.log, entry.fileno()
    command = [
        *PYTHON, PROGRAM, root, entry.name, str(fd), str(setting.config.inbound.faxrcvd_timeout),
        log.syslog_facility, log.level, os.path.join(root, faxrcvd), *arguments,
    ]
    subprocess.Popen(
        [hooks.argument(word) for word in command], cwd=root, env=hooks.environment(environment), pass_fds=(fd,),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        umask=hooks.UMASK,
    )
