"""Debian's HylaFAX on a spool of its own, beside whatever fax server the machine may have.

``faxq -q DIR`` and ``hfaxd -q DIR -i PORT`` need nothing outside DIR; see faxq(8) and hfaxd(8).
Both must be started by root; they work as uucp.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType

from rig.clients import Clients
from rig.driven import burden, patience
from rig.guard import program
from rig.ports import Port
from rig.rundir import FAX_USER, RigError, RunDir, fax_ids
from rig.spool import JobState, QFile, make_spool, parse_qfile
from rig.syslog import SyslogSink

FAXQ = "/usr/sbin/faxq"
HFAXD = "/usr/sbin/hfaxd"
MODEM_PREFIX = "freeswitch"
POKE_AFTER = 3.0
FINISHED = frozenset((JobState.DONE, JobState.FAILED))

# Writes each mail to a file of its own, arguments first.
_SENDMAIL = """\
#!/bin/sh
new=$(mktemp "{mails}/new.XXXXXX") || exit 75
{{ printf '%s\\n' "$*"; cat; }} >"$new"
mv "$new" "{mails}/$(date +%s%N).mail"
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail handed to sendmail: its arguments in one line, and the message."""

    arguments: str
    text: str


class PrivateHylaFAX(Clients):
    """faxq and hfaxd on a private spool.  A context manager: ``stop`` runs at the end of the block.

    Takes a RunDir to live in, or makes its own and removes it at ``stop``.
    """

    def __init__(self, run_dir: RunDir | None = None) -> None:
        self._own_run_dir = None if run_dir else RunDir()
        self.run_dir = run_dir or self._own_run_dir or RunDir()
        self.spool = os.path.join(self.run_dir.path, "spool")
        self.lock_dir = os.path.join(self.run_dir.path, "lock")
        self.log_dir = self.run_dir.sub("log")
        self.closed = False     # whether the spool is, see make_spool
        self.modems: tuple[str, ...] = ()
        self._mails = self.run_dir.sub("mails", owner=FAX_USER)
        self._port = Port()
        self.port = self._port.number
        self.syslog = SyslogSink(self.run_dir.path)
        self._faxq: subprocess.Popen[bytes] | None = None
        self._hfaxd: subprocess.Popen[bytes] | None = None
        self._fifos: list[int] = []
        self._poke_at = 0.0
        self._environ: dict[str, str] = {}

    def __enter__(self) -> PrivateHylaFAX:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # -- life ---------------------------------------------------------------------------------

    def start(
        self,
        sendfaxcmd: str,
        modems: int = 2,
        *,
        env: Mapping[str, str] | None = None,
        config_extra: str = "",
        trace: bool = False,
    ) -> None:
        """Make the spool and start faxq and hfaxd; returns when both answer.

        ``env`` is added to faxq's environment, which SendFaxCmd inherits; ``config_extra`` is added
        to etc/config; ``trace`` has faxq log everything it does.  Raises RigError.
        """
        if os.geteuid() != 0:
            raise RigError("faxq and hfaxd must be started by root: run this as root or with sudo")
        self.modems = tuple(f"{MODEM_PREFIX}{index}" for index in range(modems))
        self._environ = {**self.run_dir.environ, **(env or {})}
        make_spool(
            self.spool,
            self.lock_dir,
            sendfaxcmd=sendfaxcmd,
            sendmail=self._sendmail(),
            modems=self.modems,
            tracing="0xFFFFF" if trace else "1",
            config_extra=config_extra,
            closed=self.closed,
        )
        try:
            self.syslog.start()
            self.start_faxq()
            self.start_hfaxd()
        except BaseException:
            self.stop()
            raise

    def start_faxq(self) -> None:
        """Start the scheduler (again, after ``stop_faxq``); returns when it reads its FIFO."""
        self.begin_faxq()
        self.wait_faxq()

    def begin_faxq(self) -> None:
        """Start the scheduler and return at once: as long as a sender holds a qfile, it is kept from reading its FIFO."""
        self._faxq = self._daemon(FAXQ, "-q", self.spool, "-D")

    def wait_faxq(self, timeout: float = 20) -> None:
        """Wait until the scheduler reads its FIFO.  Raises RigError."""
        assert self._faxq is not None, "begin_faxq comes first"
        self._wait(self._faxq, "faxq", self._faxq_reads, timeout)

    def kill_faxq(self) -> None:
        """kill -9 of the scheduler; the senders that it has started live on."""
        if self._faxq is not None:
            self._faxq.kill()
            self._faxq.wait()
            self._faxq = None

    def stop_faxq(self, *, wait_for_jobs: bool = False) -> None:
        """End the scheduler at once (SIGTERM), or when the running jobs have ended (message ``Q``)."""
        if self._faxq is None:
            return
        if wait_for_jobs:
            self.tell_faxq("Q")
        else:
            self._faxq.terminate()
        _ended(self._faxq, 300 if wait_for_jobs else 5)
        self._faxq = None

    def kill_hfaxd(self) -> None:
        """kill -9 of hfaxd and of its processes for the clients that are connected."""
        if self._hfaxd is not None:
            os.killpg(self._hfaxd.pid, signal.SIGKILL)
            self._hfaxd.wait()
            self._hfaxd = None

    @property
    def faxq_pid(self) -> int:
        """Process id of the scheduler.  Raises RigError if it was not started."""
        if self._faxq is None:
            raise RigError("faxq was not started")
        return self._faxq.pid

    def wait_faxq_ended(self, timeout: float = 60) -> None:
        """Wait until the scheduler, asked to end by somebody else, has ended.  Raises subprocess.TimeoutExpired."""
        if self._faxq is not None:
            self._faxq.wait(timeout)
            self._faxq = None

    def stop(self) -> None:
        """End the daemons, their jobs and everything else of the run.  May be called at any time."""
        for daemon in (self._hfaxd, self._faxq):
            if daemon is not None:
                daemon.terminate()
        for daemon in (self._hfaxd, self._faxq):
            if daemon is not None:
                _ended(daemon, 5)
        self._hfaxd = self._faxq = None
        for fifo in self._fifos:
            os.close(fifo)
        self._fifos = []
        if self._own_run_dir is not None:
            self._own_run_dir.end_processes()
        self.syslog.stop()
        self._port.release()
        if self._own_run_dir is not None:
            self._own_run_dir.close()

    def tell_faxq(self, message: str) -> None:
        """Write one message to faxq's FIFO.  Raises RigError if faxq does not run."""
        try:
            fifo = os.open(os.path.join(self.spool, "FIFO"), os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            raise RigError(f"faxq does not read {self.spool}/FIFO ({error.strerror})") from None
        with os.fdopen(fifo, "wb", buffering=0) as file:
            file.write(message.encode("utf-8", "surrogateescape") + b"\0")

    def announce_modems(self) -> None:
        """Announce all modems as idle, for tests without a switch (whose supervisor does it otherwise)."""
        for modem in self.modems:
            fifo = os.path.join(self.spool, f"FIFO.{modem}")
            status = os.path.join(self.spool, "status", modem)
            os.mkfifo(fifo, 0o600)
            with open(status, "w", encoding="utf-8") as file:
                file.write("Running and idle\n")
            for path in (fifo, status):
                os.chown(path, *fax_ids())
            self._fifos.append(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))
            self.tell_faxq(f"+{modem}:N")
            self.tell_faxq(f"+{modem}:Rpcbffff01")
        self._poke_at = time.monotonic() + POKE_AFTER

    def _poke(self) -> None:
        """What the switch's supervisor does after the end of a job, where there is none: faxq 6.0.7 may sleep over a job that
        is submitted a second after other news, and a poke wakes it."""
        if self._fifos and self._faxq is not None and time.monotonic() > self._poke_at:
            self._poke_at = time.monotonic() + POKE_AFTER
            self.tell_faxq("Z")

    # -- what is in the spool -----------------------------------------------------------------

    def path(self, *parts: str) -> str:
        """A path within the spool."""
        return os.path.join(self.spool, *parts)

    def job(self, jobid: int) -> QFile:
        """The job's queue file, from sendq or doneq.  Raises FileNotFoundError."""
        while True:
            for queue in ("sendq", "doneq", "sendq"):  # it may move while we look
                with contextlib.suppress(FileNotFoundError):
                    path = self.path(queue, f"q{jobid}")
                    with open(path, encoding="utf-8", errors="surrogateescape") as file:
                        qfile = parse_qfile(path, file.read())
                    if qfile["state"] and qfile["returned"]:
                        return qfile
                    break  # rewritten in place at this moment
            else:
                raise FileNotFoundError(f"no job {jobid} in {self.spool}")
            time.sleep(0.01)

    def wait_job(self, jobid: int, states: Collection[JobState] = FINISHED, timeout: float = 60) -> QFile:
        """Wait until the job is in one of ``states``.  Raises TimeoutError that says where it stands."""
        began = time.monotonic()
        over = set(states) <= FINISHED  # the sender marks a job finished before faxq moves it to doneq
        while (qfile := self.job(jobid)).state not in states or (over and "/sendq/" in qfile.path):
            self._poke()
            if time.monotonic() - began > timeout * patience():
                raise TimeoutError(
                    f"job {jobid} is {qfile.state.name} after {time.monotonic() - began:.1f} s, status {qfile['status']!r}, "
                    f"{qfile['npages']} of {qfile['totpages']} pages sent; syslog: {self.syslog.where}"
                )
            time.sleep(0.05)
        return qfile

    def xferfaxlog(self) -> list[list[str]]:
        """The records of log/xferfaxlog, split at tabs."""
        try:
            with open(self.path("log", "xferfaxlog"), encoding="utf-8", errors="surrogateescape") as file:
                return [line.rstrip("\n").split("\t") for line in file]
        except FileNotFoundError:
            return []

    def received(self) -> list[str]:
        """Paths of the received faxes, oldest first."""
        names = [name for name in os.listdir(self.path("recvq")) if name.startswith("fax")]
        return [self.path("recvq", name) for name in sorted(names)]

    @property
    def mails(self) -> list[Mail]:
        """The mails sent so far, in order."""
        mails = []
        for name in sorted(os.listdir(self._mails)):
            if name.endswith(".mail"):
                with open(os.path.join(self._mails, name), encoding="utf-8", errors="surrogateescape") as file:
                    arguments, _, text = file.read().partition("\n")
                mails.append(Mail(arguments, text))
        return mails

    def wait_mails(self, count: int, timeout: float = 20) -> list[Mail]:
        """Wait for ``count`` mails: notify and faxrcvd run on their own."""
        began = time.monotonic()
        while len(mails := self.mails) < count:
            if time.monotonic() - began > timeout * patience():
                raise TimeoutError(f"{len(mails)} mails after {time.monotonic() - began:.1f} s instead of {count}")
            time.sleep(0.05)
        return mails

    # -- inside -------------------------------------------------------------------------------

    def _sendmail(self) -> str:
        path = os.path.join(self.run_dir.sub("bin"), "sendmail")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_SENDMAIL.format(mails=self._mails))
        os.chmod(path, 0o755)
        return path

    def _daemon(self, *command: str) -> subprocess.Popen[bytes]:
        log = os.path.join(self.log_dir, os.path.basename(command[0]) + ".log")
        with open(log, "ab") as output:
            # A process group of its own: Ctrl-C at the terminal is for the caller, who then ends us in order.
            return subprocess.Popen(
                [program(command[0]), *command[1:]], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                env=self._environ, process_group=0, umask=0o022,
            )  # fmt: skip

    def start_hfaxd(self) -> None:
        """Start the server of the clients (again); returns when it answers."""
        self._hfaxd = self._daemon(HFAXD, "-d", "-q", self.spool, "-l", "127.0.0.1", "-i", str(self.port))
        self._wait(self._hfaxd, "hfaxd", self._hfaxd_answers)

    def _faxq_reads(self) -> bool:
        fifo = self.path("FIFO")
        try:
            if not stat.S_ISFIFO(os.stat(fifo).st_mode):
                return False
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def _hfaxd_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                return probe.recv(4) in (b"220 ", b"130 ")
        except OSError:
            return False

    def _wait(self, daemon: subprocess.Popen[bytes], name: str, ready: object, timeout: float = 20) -> None:
        assert callable(ready)
        began = time.monotonic()
        while daemon.poll() is None and time.monotonic() - began < timeout * burden():
            if ready():
                return
            time.sleep(0.05)
        what = "does not answer" if daemon.poll() is None else f"ended with status {daemon.returncode}"
        raise RigError(f"{name} {what}; see {self.log_dir}/{name}.log and {self.syslog.where}")


def _ended(daemon: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        daemon.wait(seconds)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
