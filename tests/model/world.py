"""The world of one sequence: a whole fax server of its own, whose far ends do what an attempt's plan says.

HylaFAX's faxq and hfaxd are Debian's, gofaxsend runs as their SendFaxCmd, the switch is the stand-in or, with FREESWITCH, a
real one.  A retry is ten minutes away, so that an attempt begins when the sequence says so.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from crash.audit import at_rest
from crash.daemons import FaxServer, Victim
from crash.holding import Holding
from crash.receiving import restart
from crash.strace import CHANGES, STRACE
from model.facts import Call, Fax, Model, Paper
from model.hfaxd import Session
from model.steps import Step
from rig import FINISHED, Installed, JobState, PrivateHylaFAX, QFile, RunDir, gofaxyaml, install
from rig.house import House
from rig.pages import NORMAL, make_tiff, read_pages
from rig.ports import Port
from rig.proxy import Proxy
from rig.rundir import FAX_USER, fax_ids
from rig.server import idle, wait
from rig.switch import make_switch

MODEMS = 2
LATER = 600
CALL_MAY_LAST = 86400
MEETS = {"fax": "10", "busy": "20", "noanswer": "21", "nofax": "22", **{f"breaks:{pages}": f"3{pages}" for pages in range(1, 6)}}
"""What an attempt meets, and the digits it is told by.

They are dialled first, then come two that tell the job, and its number (DynamicConfigOutgoing's CallPrefix): so jobs for one
number, of which faxq makes batches, can be told at the far end, too."""
_FAR_ENDS: tuple[dict[str, object], ...] = (
    {"number": "20......", "does": "busy"}, {"number": "21......", "does": "no_answer"}, {"number": "22......", "does": "voice"},
    *({"number": f"3{pages}......", "does": "fax", "ident": "+49 30 FAR", "hangup_after_pages": pages} for pages in range(1, 6)),
    {"number": "........", "does": "fax", "ident": "+49 30 FAR"},
)
_HYLAFAX = "SendFaxCmd: {}\nMaxTries: 50\nMaxDials: 50\n" + "".join(
    f"JobReq{cause}: {LATER}\n" for cause in ("Other", "Busy", "NoAnswer", "NoCarrier", "Proto", "DataConn", "NoFCon")
)
_PLAN = 'exec 2>/dev/null; read -r digits < "etc/plan.$4" && echo "CallPrefix: $digits"; exit 0'
_SENDER = """\
#!/bin/sh
# Under strace, which kills it at a system call, if there is an order to do so; strace becomes its grandchild.
if mv "{order}" "{order}.taken" 2>/dev/null; then
    read -r call nth < "{order}.taken"
    exec {strace} -D -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$nth" {sender} "$@"
fi
exec {sender} "$@"
"""
_CHANNEL = re.compile(r"([0-9a-f]{8}-[0-9a-f-]{27}) .* sofia/[\w/]+?/\d\d(\d\d\d{4})\b")
_FAR_FILE = re.compile(r"\d\d(\d\d\d{4})[-_@].*?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class World:
    """A context manager.  ``setting`` is the sequence's first step, ``world``, with ``speed`` (max, or a factor), ``log=no`` for
    a server without accounting, ``batch=N`` for jobs of one number that faxq hands over so many at a time."""

    def __init__(self, setting: Step) -> None:
        self._setting = setting
        self._stack = contextlib.ExitStack()
        self.model = Model()
        self.torn: set[str] = set()         # calls that went on when the switch was killed
        self.trail: list[str] = []          # what was done, and how the jobs stood then
        self.without_log = setting.get("log") == "no"

    def __enter__(self) -> World:
        with contextlib.ExitStack() as stack:
            self.run_dir = stack.enter_context(RunDir())
            self.installed: Installed = install(self.run_dir)
            self.hylafax = stack.enter_context(PrivateHylaFAX(self.run_dir))
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        hylafax, port = self.hylafax, Port()
        self.proxy = stack.enter_context(Proxy(port.number))
        outbound: dict[str, object] = {
            f"retry_{cause}": LATER for cause in ("busy", "no_answer", "no_carrier", "protocol", "other")
        }
        sections: dict[str, dict[str, object]] = {
            "outbound": {**outbound, "dynamic_config": "etc/DynamicConfigOutgoing", "no_carrier_retries": 50},
            "hylafax": {"spooldir": hylafax.spool, "lock_dir": hylafax.lock_dir, "modems": MODEMS},
        }
        if self.without_log:
            sections["hylafax"]["xferfaxlog"] = ""
        config = gofaxyaml(
            os.path.join(self.run_dir.path, "gofax.yaml"), spool=hylafax.spool, lock_dir=hylafax.lock_dir,
            esl_port=self.proxy.port, modems=MODEMS, overrides=sections,
        )
        holding = Holding(self.run_dir, self.installed)
        hylafax.start(
            self.installed.gofaxsend, MODEMS, env={"GOFAX_CONFIG": config, "PYTHONPATH": holding.python_path},
            config_extra=_HYLAFAX.format(self._sender(holding)) + f"MaxBatchJobs: {self._setting.get('batch', '1')}\n",
        )
        speed = self._setting.get("speed", "max")
        switch = make_switch(
            self.run_dir, self.installed, gofaxyaml=config, port=port, far_ends=_FAR_ENDS, gateways={"default": {}},
            speed=speed if speed == "max" else float(speed), env={"PYTHONPATH": holding.python_path},
        )
        stack.callback(switch.close)
        self.house = House(self.run_dir, self.installed, hylafax.spool, hylafax.lock_dir, config, switch)
        self.house.script("DynamicConfigOutgoing", _PLAN)
        self.server = FaxServer(self.house, hylafax, holding, "")
        self.switch, self.holding = switch, holding
        switch.start()
        assert wait(lambda: idle(hylafax) == MODEMS, 60), hylafax.faxstat("-s")

    def _sender(self, holding: Holding) -> str:
        path = os.path.join(self.run_dir.sub("holding"), "sender")
        self._killing = os.path.join(self.run_dir.sub("order", owner=FAX_USER), "strace")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_SENDER.format(order=self._killing, strace=STRACE, sender=holding.sendfaxcmd))
        os.chmod(path, 0o755)
        return path

    # -- for the deeds

    def paper(self, pages: int) -> Paper:
        """A new document."""
        key = len(self.model.papers)
        file = os.path.join(self.run_dir.path, f"paper{key}.tif")
        make_tiff(file, pages, dpi=NORMAL, title=f"paper {key}")
        paper = Paper(key, file, tuple(read_pages(file)))
        self.model.papers.append(paper)
        return paper

    def number(self, changed: bool = False) -> str:
        """A number that is nobody else's; in batches all jobs begin with the same one."""
        if self._setting.get("batch") and not changed:
            return "1001"
        return str(1001 + sum(len(fax.numbers) for fax in self.model.faxes))

    def client(self) -> Session:
        """A new session with hfaxd."""
        return Session(self.hylafax.port)

    def open_faxes(self, which: str) -> list[Fax]:
        """The faxes a step speaks of (``job=0``, ``job=all``) that are not over yet."""
        wanted = self.model.faxes if which == "all" else self.model.faxes[int(which or 0):][:1]
        return [fax for fax in wanted if not (fax.removed or fax.replaced or self.over(fax))]

    def over(self, fax: Fax) -> bool:
        """Whether faxq has done with its job."""
        qfile = self.qfile(fax)
        return qfile is None or (qfile.state in FINISHED and "/doneq/" in qfile.path)

    def qfile(self, fax: Fax) -> QFile | None:
        """The job's queue file, None if it is gone."""
        with contextlib.suppress(FileNotFoundError):
            return self.hylafax.job(fax.jobid)
        return None

    def forget(self, jobid: int) -> None:
        """Job numbers come again where ``sendq/seqf`` was set back: an earlier job of this number, which is over, is out of
        sight then."""
        for fax in self.model.faxes:
            if fax.jobid == jobid:
                self.model.change(fax, replaced=True)

    def plan(self, fax: Fax, meets: str) -> None:
        """What the job's calls will meet from now on."""
        with open(self.hylafax.path("etc", f"plan.{fax.jobid}"), "w", encoding="ascii") as file:
            file.write(f"{MEETS[meets]}{fax.index:02d}\n")

    def kill_at(self, call: str, nth: int) -> None:
        """The next gofaxsend dies before its ``nth`` system call of that name."""
        assert call in CHANGES
        with open(self._killing, "w", encoding="ascii") as file:
            file.write(f"{call} {nth}\n")
        os.chown(self._killing, *fax_ids())

    def disarm(self) -> None:
        """What has not befallen anybody yet does not any more."""
        self.holding.release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._killing)

    def rested(self, fax: Fax) -> bool:
        """Whether nothing will happen to the job for a while."""
        qfile = self.qfile(fax)
        if qfile is None or self.over(fax) or qfile.state is JobState.SUSPENDED:
            return True
        return qfile.state in (JobState.PENDING, JobState.SLEEPING) and qfile.number("tts") > time.time() + 30

    def kill_switch(self) -> None:
        """kill -9; the calls that go on are torn."""
        self.torn.update(self.switch.calls())
        if self.switch.live:
            self.switch.kill()
        else:
            self.server.kill(Victim.SWITCH)

    def start_switch(self) -> None:
        """As systemd does it, also where it still runs."""
        if self.switch.live:
            self.switch.kill()
            self.switch.start()
        else:
            restart(self.house)

    # -- at the end

    def bring_to_rest(self) -> None:
        """Until no call, no entry and no modem is in work.  The entry of a job that is gone waits for as long as its call may
        last, which goes by here; then a switch that is started anew clears it away.  Raises AssertionError, TimeoutError."""
        self.switch.wait_calls_over(30)
        if not wait(lambda: not self.house.journal(), 2):
            for name in self.house.journal():
                with contextlib.suppress(FileNotFoundError):
                    os.utime(self.house.path("gofax", "journal", name), (time.time() - CALL_MAY_LAST,) * 2)
            self.start_switch()
            self.house.wait("the end of the journal entries", lambda: not self.house.journal(), 20)
        self.house.wait("idle modems", lambda: at_rest(self.house), 20)

    def collect(self) -> None:
        """Looks at what far ends have received, and at how often which number was called."""
        for file in self.house.far_received():
            found = _FAR_FILE.match(os.path.basename(file))
            assert found is not None, file
            broken_off = found[0].startswith("3")
            torn = found[2] in self.torn or (self.switch.live and broken_off)
            self.model.calls.append(Call(found[1], found[2], self.model.identify(_pages(file)), torn))
        self.model.dialled = self.dialled()

    def dialled(self) -> Counter[str]:
        """How often each number was called so far, answered or not, by the switch's log."""
        with open(self.switch.log, encoding="utf-8", errors="replace") as log:
            channels = {(found[1], found[2]) for line in log if (found := _CHANNEL.match(line))}
        return Counter(number for _, number in channels)

    def note(self, text: str) -> None:
        """A line of the trail, with the state of all jobs."""
        jobs = []
        for fax in self.model.faxes:
            qfile = self.qfile(fax)
            jobs.append(f"{fax.jobid}: gone" if qfile is None else (
                f"{fax.jobid}: {qfile.state.name} {qfile['npages']}/{qfile['totpages']} dials {qfile['totdials']}"
                f" {qfile['status'][:60]!r}"
            ))
        self.trail.append(f"{text}  [{'; '.join(jobs)}] journal {self.house.journal()}")


def wait_for(what: str, condition: Callable[[], object], seconds: float = 30) -> None:
    """Raises TimeoutError that names what does not come."""
    if not wait(condition, seconds):
        raise TimeoutError(f"{what}: not after {seconds:g} s")


def _pages(file: str) -> list:  # type: ignore[type-arg]
    """The pages of a received file; a call cut in its first page leaves none."""
    try:
        return read_pages(file)
    except OSError:
        return []
