"""A client that speaks hfaxd's protocol by itself: more can be done to a job than faxalter has options for (hfaxd(8))."""

from __future__ import annotations

import contextlib
import ftplib
import re
import socket
import time
from types import TracebackType

_DEFAULTS = (
    "LASTTIME 000259", "MAXDIALS 50", "MAXTRIES 50", "SCHEDPRI 127", "NOTIFYADDR root@localhost", "JOBINFO tag", "VRES 98",
    "PAGEWIDTH 209", "PAGELENGTH 296", "NOTIFY NONE", "PAGECHOP DEFAULT", "CHOPTHRESHOLD 3", "FROMUSER Test",
)


class Refused(Exception):
    """hfaxd does not do what it was asked for; the text is its reply."""


class Forgotten(Refused):
    """hfaxd knows no more what it has been told of a job that is not submitted yet, or faxq does not take it: its number is
    that of a job which faxq remembers."""


class Session:
    """One connection.  A context manager.

    Each deed wants a session of its own: hfaxd remembers a job that it has read, and what it then writes is what it
    remembers, unless the file's time, in whole seconds, has become another one.
    """

    def __init__(self, port: int) -> None:
        self._ftp = ftplib.FTP(timeout=60)
        self._ftp.connect("127.0.0.1", port)
        self.say("USER root")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(Exception):
            self._ftp.quit()
        self._ftp.close()

    def say(self, command: str) -> str:
        """One request; returns the reply.  Raises Refused."""
        try:
            return self._ftp.sendcmd(command)
        except (ftplib.Error, EOFError, OSError) as error:
            raise Refused(f"{command}: {error}") from None

    def upload(self, file: str) -> str:
        """Stores a TIFF for a job; returns hfaxd's name for it."""
        self.say("TYPE I")
        self.say("FORM TIFF")
        host, port = ftplib.parse227(self.say("PASV"))
        with socket.create_connection((host, port)) as data:
            found = re.search(r"FILE: (\S+)", self.say("STOT"))
            with open(file, "rb") as document:
                data.sendall(document.read())
        self._ftp.voidresp()
        assert found is not None
        return found[1]

    def submit(self, number: str, files: list[str], *parameters: str) -> int:
        """A new job for ``number``; returns its number in turn.  Raises Forgotten, Refused."""
        names = [self.upload(file) for file in files]
        found = re.search(r"jobid: (\d+)", self.say("JNEW"))
        assert found is not None
        for parameter in (*_DEFAULTS, f"DIALSTRING {number}", f"EXTERNAL {number}", *parameters):
            self.say(f"JPARM {parameter}")
        for name in names:
            self.say(f"JPARM DOCUMENT {name}")
        try:
            self.say("JSUBM")
        except Refused as refused:
            if "null or missing" in str(refused) or "NAK'd" in str(refused):
                raise Forgotten(str(refused)) from None
            raise
        return int(found[1])

    def alter(self, jobid: int, *parameters: str, files: tuple[str, ...] = (), submit: bool = True) -> None:
        """Suspends a job, changes it, and hands it over to faxq again.  Raises Refused."""
        names = [self.upload(file) for file in files]
        self.say(f"JSUSP {jobid}")
        self.say(f"JOB {jobid}")
        for parameter in (*parameters, *(f"DOCUMENT {name}" for name in names)):
            self._suspended(f"JPARM {parameter}", jobid)
        if submit:
            self.say("JSUBM")

    def _suspended(self, command: str, jobid: int) -> None:
        """faxq has written the job as suspended; within the second in which hfaxd has read it that is not seen."""
        for _ in range(4):
            try:
                self.say(command)
                return
            except Refused as refused:
                if "503" not in str(refused):
                    raise
            time.sleep(0.5)
            self.say(f"JSUSP {jobid}")
        self.say(command)
