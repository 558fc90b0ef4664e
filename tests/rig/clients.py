"""HylaFAX's own clients and scripts, run against a private spool."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Sequence

from rig.faxwatch import FaxWatch
from rig.guard import hylafax_program, program
from rig.rundir import RigError, RunDir

USER = "root"
# Linux 6.13 and later note the time of a change finer than time(2) tells it (multigrain timestamps).  In the last
# milliseconds of a second hfaxd's note of when it wrote a new job's file is therefore older than the file.  It takes the
# file for changed by somebody else and reads it before each command (hfaxd/Jobs.c++, checkJobState): all that the client
# has told it is gone, and the first thing missing is the number.  The job is not submitted, and users say it again, too.
_FORGOTTEN = "null or missing DIALSTRING parameter"
_TRIES = 10


class Clients:
    """What users and operators run: sendfax, faxstat, faxrm, faxalter, faxwatch, statistics.

    Each runs to its end (at most two minutes) with a plain environment, as user ``root`` of hfaxd.
    Raises RigError where a command fails, unless told not to.
    """

    run_dir: RunDir
    spool: str
    port: int

    def sendfax(
        self,
        files: Iterable[str],
        number: str,
        *flags: str,
        sender: str = "Test <root@localhost>",
        modem: str | None = None,
        cover: bool = False,
        user: str = USER,
    ) -> int:
        """Submit one job with sendfax(1) and return its number.  ``flags`` are sendfax's own, ``user`` is who hfaxd takes it
        from."""
        host = f"{modem}@{self._host}" if modem else self._host
        paths = [os.path.abspath(file) for file in files]
        cover_flag = () if cover else ("-n",)
        command = ("/usr/bin/sendfax", *cover_flag, *flags, "-f", sender, "-d", number, *paths)
        for _ in range(_TRIES):
            text = self._client(*command, host=host, user=user, check=False)
            if found := re.search(r"request id is (\d+) ", text):
                return int(found[1])
            if _FORGOTTEN not in text:
                break
            time.sleep(0.2)     # till the second is over
        raise RigError(f"sendfax gave no job number: {text.strip()}")

    def faxstat(self, *flags: str) -> str:
        """What faxstat(1) prints."""
        return self._client("/usr/bin/faxstat", *flags)

    def faxrm(self, job: int, *, check: bool = True, user: str = USER) -> str:
        """Remove or abort a job with faxrm(1).  With ``check`` a refusal raises RigError."""
        return self._client("/usr/bin/faxrm", str(job), check=check, user=user)

    def faxalter(self, job: int, *flags: str, check: bool = True) -> str:
        """Change a waiting job with faxalter(1).

        hfaxd tells a changed queue file by its time in whole seconds, so within a second of the last
        change it takes the job for not suspended; then the command is repeated.
        """
        for _ in range(4):
            text = self._client("/usr/bin/faxalter", *flags, str(job), check=False)
            if "503 Suspend the job" not in text:
                break
            time.sleep(0.5)
        if check and f"Job {job}: done." not in text:
            raise RigError(f"faxalter failed: {text.strip()}")
        return text

    def faxwatch(self, events: str = "J*S*R*M*") -> FaxWatch:
        """Start to collect the events that hfaxd's clients see."""
        command = [hylafax_program("faxwatch"), "-h", self._host, events]
        return FaxWatch(command, self.run_dir.environ)

    def script(self, name: str, *arguments: str) -> str:
        """What one of HylaFAX's own shell scripts prints, such as ``xferfaxstats``, run on this spool.

        They have the machine's spool built in, so a copy with this one in its place is run.
        """
        path = os.path.join(self.run_dir.sub("bin"), name)
        with open(hylafax_program(name), encoding="utf-8") as file:
            text = file.read().replace("/var/spool/hylafax", self.spool)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return self._run([path, *arguments], check=True)

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _client(self, program: str, *arguments: str, host: str | None = None, check: bool = True, user: str = USER) -> str:
        return self._run([program, "-h", host or self._host, *arguments], check=check, user=user)

    def _run(self, command: Sequence[str], *, check: bool, user: str = USER) -> str:
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            env={**self.run_dir.environ, "FAXUSER": user},
            cwd=self.spool,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            name = os.path.basename(command[0])
            raise RigError(f"{name} failed with status {done.returncode}: {done.stdout.strip()}")
        return done.stdout
