"""A whole house for scenarios: a spool, a switch with scripted far ends, and gofaxsend run as faxq runs it.

HylaFAX's daemons are not in it (:mod:`rig.hylafax` has them): a scenario writes the qfile itself and reads what became
of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rig.driven import Switch
from rig.install import Installed
from rig.pages import make_tiff
from rig.rundir import FAX_USER, RunDir
from rig.spool import QFile, parse_qfile

OWN_NUMBER = "4711"
FAR_ENDS: Sequence[Mapping[str, object]] = (
    {"number": "47..", "does": "loop"},
    {"number": "1000", "does": "fax", "ident": "+49 30 FAR"},
    {"number": "1001", "does": "fax", "ident": "+49 30 FAR", "hangup_after_pages": 1},
    {"number": "1002", "does": "fax", "ident": "+49 30 FAR", "t38": "stall"},
    {"number": "2000", "does": "busy"},
    {"number": "2001", "does": "no_answer"},
    {"number": "2002", "does": "reject", "status": 404},
    {"number": "2003", "does": "reject", "status": 503},
    {"number": "2004", "does": "voice"},
)
GATEWAYS: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "dead": {"far_end": "dead"},
    "closed": {"far_end": "closed"},
}
_QFILE = """\
tts:{now}
killtime:{killtime}
retrytime:0
state:6
npages:0
totpages:{pages}
nskip:0
skippages:0
ncover:0
coverpages:0
ntries:0
ndials:0
totdials:0
maxdials:12
tottries:0
maxtries:3
pagewidth:209
resolution:98
pagelength:296
priority:127
schedpri:127
minbr:0
desiredbr:13
desiredst:0
desiredec:2
desireddf:3
desiredtl:0
useccover:1
usexvres:0
external:{number}
number:{number}
mailaddr:root@localhost
sender:Test
jobid:{jobid}
jobtag:my tag
pagehandling:{pagehandling}
modem:any
faxnumber:
tsi:
client:localhost
owner:root
groupid:{jobid}
signalrate:
dataformat:
jobtype:facsimile
tagline:
doneop:default
commid:
csi:
nsf:
pagerange:
status:
statuscode:0
returned:7
notify:none
pagechop:default
chopthreshold:3
"""


@dataclass
class House:
    """One spool and one switch, and what a scenario does with them."""

    run_dir: RunDir
    installed: Installed
    spool: str
    lock_dir: str
    config: str
    switch: Switch
    jobs: int = 0
    sent: dict[int, list[str]] = field(default_factory=dict)

    def job(self, number: str, pages: Sequence[int] = (3,), **fields: str) -> int:
        """Writes the qfile of a job with one document for each entry of ``pages``, as faxq leaves it for its sender."""
        self.jobs += 1
        jobid = self.jobs
        total = sum(pages)
        handling = "e1S" * (total - 1) + "e1P"
        text = _QFILE.format(
            now=int(time.time()),
            killtime=int(time.time()) + 10800,
            pages=total,
            number=number,
            jobid=jobid,
            pagehandling=handling,
        )
        self.sent[jobid] = []
        for index, count in enumerate(pages):
            name = f"docq/doc{jobid}{index}.tif"
            image = os.path.join(self.spool, f"{name};e1")
            make_tiff(image, count, title=f"job {jobid} document {index}")
            shutil.copyfile(image, os.path.join(self.spool, f"{name}.{jobid}"))
            self.sent[jobid].append(image)
            text += f"!tiff:0::{name}.{jobid}\nfax:0::{name};e1\n"
        for tag, value in fields.items():
            lines = [f"{tag}:{value}" if line.startswith(f"{tag}:") else line for line in text.splitlines()]
            text = "\n".join(lines) + "\n"
        path = self.path("sendq", f"q{jobid}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        for image in self.sent[jobid]:
            os.chmod(image, 0o600)
        _give_to_uucp(self.path("sendq"), self.path("docq"))
        return jobid

    def start_gofaxsend(
        self, jobid: int, *more: str, under: Sequence[str] = (), modem: str = "freeswitch0"
    ) -> subprocess.Popen[str]:
        """gofaxsend as faxq starts it, but with standard error where the scenario can read it; ``under`` is a command that
        runs it."""
        return subprocess.Popen(
            [*under, self.installed.gofaxsend, "-C", self.config, *more, "-m", modem, f"sendq/q{jobid}"],
            cwd=self.spool,
            env=self.run_dir.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=FAX_USER,
            group=FAX_USER,
            extra_groups=(),
        )

    def gofaxsend(self, jobid: int, *more: str, timeout: float = 60) -> int:
        """Runs gofaxsend to its end and returns its exit status."""
        process = self.start_gofaxsend(jobid, *more)
        output, _ = process.communicate(timeout=timeout * self.switch.patience)
        assert output == "", output
        return process.returncode

    def config_through(self, port: int) -> str:
        """A copy of the configuration whose event socket is at another ``port``: that of a proxy."""
        path = os.path.join(self.run_dir.path, f"gofax-{port}.yaml")
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(f"port: {self.switch.esl_port}\n", f"port: {port}\n"))
        os.chmod(path, 0o644)
        return path

    def script(self, name: str, text: str) -> str:
        """Puts a shell script into the spool's etc; returns its path in the spool, as a configuration names it."""
        path = self.path("etc", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return f"etc/{name}"

    def qfile(self, jobid: int) -> QFile:
        """The job's qfile as it is now; where there is a faxq, it takes jobs that are over to doneq."""
        path = self.path("sendq", f"q{jobid}")
        if not os.path.exists(path):
            path = self.path("doneq", f"q{jobid}")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return parse_qfile(path, file.read())

    def path(self, *parts: str) -> str:
        """A path in the spool."""
        return os.path.join(self.spool, *parts)

    def spool_has(self, *parts: str) -> bool:
        """Is there such a file in the spool?"""
        return os.path.exists(self.path(*parts))

    def records(self) -> list[list[str]]:
        """The accounting records, field by field, without the quotes around fields."""
        try:
            with open(self.path("log", "xferfaxlog"), encoding="utf-8", errors="surrogateescape") as file:
                return [[field.strip('"') for field in line.rstrip("\n").split("\t")] for line in file]
        except FileNotFoundError:
            return []

    def received(self) -> list[str]:
        """The received faxes, in order."""
        names = sorted(name for name in os.listdir(self.path("recvq")) if name.startswith("fax"))
        return [self.path("recvq", name) for name in names]

    def far_received(self) -> list[str]:
        """What the far ends have received, in order of time."""
        if not os.path.isdir(self.switch.far):
            return []       # nothing has got as far as a far end
        found = [os.path.join(self.switch.far, name) for name in os.listdir(self.switch.far) if name.endswith(".tif")]
        return sorted(found, key=os.path.getmtime)

    def journal(self) -> list[str]:
        """The names of the journal entries that are still open."""
        try:
            return sorted(os.listdir(self.path("gofax", "journal")))
        except FileNotFoundError:
            return []

    def session_log(self, commid: str) -> str:
        """The text of a session log."""
        with open(self.path("log", f"c{commid}"), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def wait(self, what: str, condition: Callable[[], object], timeout: float = 30) -> None:
        """Waits until ``condition`` holds; fails with ``what`` otherwise."""
        began = time.monotonic()
        while not condition():
            late = time.monotonic() - began
            assert late < timeout * self.switch.patience, f"{what}: not after {late:.1f} s; see {self.switch.log}"
            time.sleep(0.02)


def _give_to_uucp(*directories: str) -> None:
    for directory in directories:
        for name in os.listdir(directory):
            shutil.chown(os.path.join(directory, name), FAX_USER, FAX_USER)


HouseMaker = Callable[..., House]
"""Makes a house: sections of gofax.yaml, then options of the switch."""
