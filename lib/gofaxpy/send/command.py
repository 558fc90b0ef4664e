"""``gofaxsend``: the whole command, so built that faxq always gets an answer it understands.

faxq takes any exit status it does not know for "sent" (faxd/faxQueueApp.c++).  So this ends with 0 (try again),
1 (failed) or 2 (done) and nothing else, and the qfile says the same in ``returned``, which wins over the status.
"""

from __future__ import annotations

import gc
import os
import sys
import syslog
import time

from gofaxpy import __version__
from gofaxpy.config.keys import Config, config_path
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.send import syslogged
from gofaxpy.send.abort import AbortFlag
from gofaxpy.send.process import CommandLine, UsageError, give_up_root, is_orphan, parse, reopen_standard_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.hylafax.spool import Spool
    from gofaxpy.setting import Setting

LATER = 300     # seconds until the next try after trouble of our own


def main(argv: list[str]) -> int:
    """Runs the command.  ``argv`` is ``sys.argv``; the return value is the exit status."""
    aborted = AbortFlag()
    try:
        give_up_root()
        reopen_standard_descriptors()
        aborted.open()
        command = parse(argv[1:])
        if command.version:
            print(f"gofaxsend {__version__}", flush=True)
            return 0
    except UsageError as error:
        return _refuse(str(error))
    except (OSError, KeyError) as error:
        return _refuse(f"cannot give up root or get a descriptor: {error}")
    returned = Returned.RETRY
    for number, path in enumerate(command.qfiles):
        returned = _one(command, path, aborted, announced=number > 0)
        # an abort of a job that was just done was not meant for the next job; what is left is another faxq's
        if returned is not Returned.DONE or aborted() or is_orphan():
            break
        if number + 1 < len(command.qfiles):
            _announce_next(command.qfiles[number + 1])
    return int(returned)


def _one(command: CommandLine, path: str, aborted: AbortFlag, announced: bool) -> Returned:
    """One job, whatever happens: trouble of our own ends as a retry with the reason where users and operators look."""
    try:
        with QFileHandle.open(path, tell=syslogged.error) as handle:
            try:
                return _send(command, handle, aborted, announced)
            except Exception as error:  # an answer for faxq comes before everything; the traceback goes to syslog
                text = str(error) or type(error).__name__
                syslogged.error_with_trace(f"{path}: {text}", error)
                handle.qfile.set("returned", Returned.RETRY.value)
                handle.qfile.set("status", f"gofaxsend: {text}"[:200])
                handle.qfile.set("statuscode", 999)
                handle.qfile.set("tts", int(time.time()) + LATER)
                handle.rewrite()
    except (SpoolError, OSError) as error:
        syslogged.error(f"{path}: {error}")
    return Returned.RETRY


def _send(command: CommandLine, handle: QFileHandle, aborted: AbortFlag, announced: bool) -> Returned:
    from gofaxpy.commids import new_commid
    from gofaxpy.hylafax.spool import Spool
    from gofaxpy.send.connection import Connection

    handle.qfile.set("returned", Returned.RETRY.value)
    handle.rewrite()
    config = _configuration(config_path(command.config))
    _open_log(config)
    for tag, value in command.overrides:
        handle.qfile.override(tag, value)
    spool = Spool(config.hylafax.spooldir, config.hylafax.lock_dir)
    _same_spool(spool)
    number = new_commid(spool)
    connection = Connection(config.freeswitch, int(number), aborted)
    try:
        connection.connect()
        from gofaxpy.send.attempt import Attempt  # slow to load
        from gofaxpy.send.job import send_job
        from gofaxpy.setting import Setting

        gc.freeze()     # what is loaded is not looked through from here on, either; see bin/gofaxsend
        gc.enable()
        setting = Setting.of(config)
        attempt = Attempt(setting, handle, number, command.device, connection)
        attempt.announced = announced
        returned = send_job(attempt)
    finally:
        connection.close()
    if config.log.metrics_file:
        _count(setting)
    return returned


def _same_spool(spool: Spool) -> None:
    """Raises SpoolError where ``hylafax.spooldir`` is not the spool of the faxq that runs this job.

    faxq starts its send command in its spool, and the qfile was opened there; documents, journal and records would be those of
    the other one, in which documents of the same names belong to other users.
    """
    try:
        if os.path.samestat(os.stat(spool.root), os.stat(".")):
            return
        why = f"hylafax.spooldir is {spool.root}"
    except OSError as error:
        why = f"hylafax.spooldir: {spool.root}: {error.strerror}"
    raise SpoolError(
        f"this job's HylaFAX has its spool in {os.getcwd()}, but {why}: nothing is sent."
        " Correct hylafax.spooldir, or start this HylaFAX with a configuration of its own (GOFAX_CONFIG)"
    )


def _count(setting: Setting) -> None:
    """Brings log.metrics_file up to date.  The fax is settled; nothing that goes wrong here may say otherwise."""
    try:
        from gofaxpy.metrics.textfile import after_fax

        after_fax(setting, syslogged.error)
    except Exception as error:
        syslogged.trouble(error)


def _configuration(path: str) -> Config:
    """The file, or while it is broken the last good state that FreeSWITCH keeps in the spool.  Raises ConfigError: never
    a mixture with defaults, which might dial another number."""
    from gofaxpy.config.file import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        from gofaxpy.config.live import last_good

        config = last_good(os.getcwd())
        if config is None:
            raise
        for problem in error.problems:
            syslogged.error(problem)
        syslogged.error(f"{path}: its last good state holds instead")
        return config


def _announce_next(path: str) -> None:
    """Tells faxq that the next job of the batch begins; it then takes the one before as ended (and locks its qfile)."""
    from gofaxpy.hylafax import events, fifo

    fifo.send("FIFO", events.job_call_placed(os.path.basename(path).removeprefix("q")))


def _refuse(text: str) -> int:
    """Without a usable qfile there is only the exit status to answer with, and syslog for the reason."""
    syslogged.error(text)
    try:
        print(f"gofaxsend: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        syslogged.error("standard error is not usable either")
    return int(Returned.RETRY)


def _open_log(config: Config) -> None:
    facility = getattr(syslog, f"LOG_{config.log.syslog_facility.upper()}")
    syslog.openlog("gofaxsend", syslog.LOG_PID, facility)
    syslog.setlogmask(syslog.LOG_UPTO(getattr(syslog, f"LOG_{config.log.level.upper()}")))
