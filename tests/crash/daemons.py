"""A whole fax server, HylaFAX's own faxq and hfaxd included, of which a part is killed while faxes are on their way."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from enum import StrEnum

from crash.audit import Audit, SentJob, at_rest, nothing_left, pages_of
from crash.holding import Holding
from crash.receiving import IncomingFax, interpreter, prepare, restart, runs
from gofaxpy.journal import Step
from rig import Installed, JobState, PrivateHylaFAX, RunDir
from rig.house import House
from rig.rundir import lives, wait_ended
from rig.server import ServerMaker

NUMBER = "1000"
AGED = 60.0     # seconds; HylaFAX takes a dead process's lock for stale when it is older than 30
SOON = {f"retry_{cause}": 1 for cause in ("busy", "no_answer", "no_carrier", "protocol", "other")}
MODEMS = 2
NOT_BEGUN = "Send program terminated abnormally"
"""faxq's word on a sender that died before it had said anything: the job has failed, and its user is told so."""
_STEPS = list(Step)


class Victim(StrEnum):
    """Who is killed with -9."""

    FAXQ = "faxq"                           # and started when the attempt is over
    FAXQ_AT_ONCE = "faxq, back at once"     # as systemd does it
    HFAXD = "hfaxd"
    GOFAXSEND = "gofaxsend"
    SWITCH = "the switch"


def is_outgoing(step: Step) -> bool:
    """Whether an attempt to send sets this mark, or an incoming call."""
    return _STEPS.index(step) < _STEPS.index(Step.ACCEPTED)


@dataclass(slots=True)
class FaxServer:
    """HylaFAX, a switch, what holds its programs at a step, and the document that all its faxes have."""

    house: House
    hylafax: PrivateHylaFAX
    holding: Holding
    paper: str

    # -- faxes

    def submit(self) -> Outgoing:
        """A user submits a job and wants to be told of its end."""
        before = set(self.house.far_received())
        return Outgoing(self, self.hylafax.sendfax([self.paper], NUMBER, "-D"), before)

    def called(self) -> Incoming:
        """Somebody sends us a fax, in a thread of its own."""
        fax = IncomingFax(self.house, self.paper)
        caller = threading.Thread(target=fax.place)
        caller.start()
        self.house.wait("the call", lambda: fax.before_files is not None)
        return Incoming(self, fax, caller)

    # -- accidents

    def kill(self, victim: Victim, job: Outgoing | None = None) -> None:
        """kill -9; of gofaxsend the one that sends ``job``."""
        match victim:
            case Victim.FAXQ | Victim.FAXQ_AT_ONCE:
                self.hylafax.kill_faxq()
                self._age_locks()
                if victim is Victim.FAXQ_AT_ONCE:
                    self.hylafax.begin_faxq()
            case Victim.HFAXD:
                self.hylafax.kill_hfaxd()
            case Victim.GOFAXSEND if job is not None:
                for pid in job.senders():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            case Victim.SWITCH:
                python = interpreter(self.house)
                self.house.switch.kill()
                wait_ended(python)

    def bring_back(self, victim: Victim) -> None:
        """Whoever was killed is started again."""
        match victim:
            case Victim.FAXQ:
                self.hylafax.start_faxq()
            case Victim.FAXQ_AT_ONCE:
                self.hylafax.wait_faxq()
            case Victim.HFAXD:
                self.hylafax.start_hfaxd()
            case Victim.SWITCH:
                restart(self.house)

    def _age_locks(self) -> None:
        """Half a minute goes by: until then HylaFAX itself leaves the lock of its dead faxq alone."""
        for name in os.listdir(self.house.lock_dir):
            path = os.path.join(self.house.lock_dir, name)
            with contextlib.suppress(FileNotFoundError):
                with open(path, encoding="ascii") as file:
                    owner = int(file.read())
                if not lives(owner):
                    os.utime(path, (time.time() - AGED,) * 2)

    # -- afterwards

    def settled(self) -> Audit:
        """Waits until nothing is going on any more: a modem's line may be a second late."""
        found = Audit()
        try:
            self.house.wait("the end of the journal entries", lambda: not self.house.journal())
            self.house.switch.wait_calls_over(20)
            self.house.wait("idle modems", lambda: at_rest(self.house))
        except (AssertionError, TimeoutError) as error:
            found.violations.append(str(error))
        return found

    def drain(self) -> Audit:
        """Waits until nothing is going on, and looks at what is left over."""
        found = self.settled()
        nothing_left(self.house, found)
        queue = [name for name in os.listdir(self.house.path("sendq")) if name != "seqf"]
        found.must(not queue, f"jobs are left in sendq: {queue}")
        return found

    def told(self, jobid: int) -> int:
        """How often the user was told of the job's end."""
        return sum(f"job {jobid} " in " ".join(mail.text.split()).lower() for mail in self.hylafax.mails)


@dataclass(slots=True)
class Outgoing:
    """A job, and what had arrived at far ends before."""

    server: FaxServer
    jobid: int
    before: set[str]

    def senders(self) -> list[int]:
        """The gofaxsend processes that were started for it."""
        return [pid for pid, jobid in self.server.holding.starts() if jobid == self.jobid]

    def attempt_over(self) -> None:
        """Waits until none of its senders lives."""
        for pid in self.senders():
            assert wait_ended(pid), f"gofaxsend {pid} of job {self.jobid} does not end"

    def audit(self, *, torn: bool = False, refused_for: str = "") -> Audit:
        """The job to its end, then (b), (c), (d), and whether its user was told once."""
        server, found = self.server, Audit()
        try:
            qfile = server.hylafax.wait_job(self.jobid)
        except TimeoutError as error:
            found.violations.append(str(error))
            return found
        far = [file for file in server.house.far_received() if file not in self.before]
        # an attempt that was killed has left no answer; the job's own is in the qfile
        returned = ["0"] * (len(self.senders()) - 1) + [qfile["returned"]]
        if qfile.state is JobState.FAILED and refused_for in qfile["status"]:
            returned[-1] = "1"
        job = SentJob(server.house, self.jobid, pages_of([server.paper]), returned, far, refused_for, torn=torn)
        found.violations += job.audit().violations
        refused = refused_for and returned[-1] == "1"
        found.must(qfile.state is JobState.DONE or refused, f"the job is {qfile.state.name}: {qfile['status']}")
        with contextlib.suppress(AssertionError):
            server.house.wait("the mail", lambda: server.told(self.jobid), 10)
        told = server.told(self.jobid)
        found.must(told == 1, f"the user was told {told} times how job {self.jobid} ended")
        return found


@dataclass(slots=True)
class Incoming:
    """A fax that comes in."""

    server: FaxServer
    fax: IncomingFax
    caller: threading.Thread

    def audit(self, announced_before: bool = False) -> Audit:
        """The call to its end, then (a)."""
        self.caller.join(90)
        found = self.server.settled()
        found.violations += self.fax.audit(announced_before).violations
        return found

    def announced(self) -> bool:
        """Whether faxrcvd has begun."""
        return len(runs(self.server.house)) > self.fax.before_runs


def make_fax_server(make_server: ServerMaker, run_dir: RunDir, installed: Installed, paper: str, **options: object) -> FaxServer:
    """With the seam of :mod:`crash.holding` in all that writes a journal."""
    holding = Holding(run_dir, installed)
    hylafax, switch = make_server(
        {"outbound": SOON}, modems=MODEMS, config_extra=f"SendFaxCmd: {holding.sendfaxcmd}\nJobReqOther: 1\n",
        env={"PYTHONPATH": holding.python_path}, **options,
    )
    config = os.path.join(run_dir.path, "gofax.yaml")
    house = House(run_dir, installed, hylafax.spool, hylafax.lock_dir, config, switch)
    prepare(house)
    return FaxServer(house, hylafax, holding, paper)


def cases() -> list[tuple[Step, str, Victim]]:
    """Every step, before and after its mark, with everybody who has a part in it."""
    return [
        (step, when, victim)
        for step in Step for when in ("before", "after") for victim in Victim
        if victim is not Victim.GOFAXSEND or is_outgoing(step)
    ]


def killed_at(server: FaxServer, step: Step, when: str, victim: Victim) -> Audit:
    """A fax comes to this step, is held there while ``victim`` dies, and goes on to its end."""
    return (_sending if is_outgoing(step) else _receiving)(server, step, when, victim)


def _sending(server: FaxServer, step: Step, when: str, victim: Victim) -> Audit:
    if step is Step.WITHDRAWN:      # a next attempt withdraws the call of a sender that died on the way to it
        server.holding.at(Step.LAUNCHED, "after")
        job = server.submit()
        _wait_held(server, Step.LAUNCHED)
        os.kill(server.holding.held(), signal.SIGKILL)
        server.holding.release()
        server.holding.at(step, when)
    else:
        server.holding.at(step, when)
        job = server.submit()
    _wait_held(server, step)
    server.kill(victim, job)
    server.holding.release()
    if victim in (Victim.FAXQ, Victim.HFAXD):
        job.attempt_over()
    server.bring_back(victim)
    found = job.audit(torn=victim is Victim.SWITCH)
    found.violations += server.drain().violations
    return found


def _receiving(server: FaxServer, step: Step, when: str, victim: Victim) -> Audit:
    faxrcvd = server.house.path("bin", "faxrcvd")
    if step is Step.UNANNOUNCED:
        os.chmod(faxrcvd, 0o644)
    server.holding.at(step, when)
    fax = server.called()
    _wait_held(server, step)
    server.kill(victim)
    announced = victim is Victim.SWITCH and fax.announced()
    server.holding.release()
    fax.caller.join(60)
    server.bring_back(victim)
    if step is Step.UNANNOUNCED:    # tried again every five minutes, and when FreeSWITCH is started
        server.house.switch.wait_calls_over(20)
        os.chmod(faxrcvd, 0o755)
        restart(server.house)
    found = fax.audit(announced)
    found.violations += server.drain().violations
    return found


def _wait_held(server: FaxServer, step: Step) -> None:
    server.house.wait(f"the step `{step}`: nobody comes to it", server.holding.held)


def killed_while_a_sender_is_loaded(server: FaxServer, victim: Victim) -> Audit:
    """gofaxsend has been started, and who has started it dies before it can look."""
    server.holding.loading()
    job = server.submit()
    server.house.wait("gofaxsend to be started", job.senders)
    server.kill(victim, job)
    if victim is Victim.FAXQ_AT_ONCE:
        server.hylafax.wait_faxq()
    server.holding.release()
    job.attempt_over()
    server.bring_back(victim)
    found = job.audit()
    found.violations += server.drain().violations
    return found


def killed_at_a_moment(server: FaxServer, victim: Victim, moment: float) -> Audit:
    """A job is sent and a fax comes in at once; so many seconds later ``victim`` dies."""
    job, fax = server.submit(), server.called()
    time.sleep(moment)
    announced = victim is Victim.SWITCH and fax.announced()
    server.kill(victim, job)
    announced = announced or (victim is Victim.SWITCH and fax.announced())
    if victim in (Victim.FAXQ, Victim.HFAXD):
        job.attempt_over()
    server.bring_back(victim)
    found = job.audit(torn=victim is Victim.SWITCH, refused_for=NOT_BEGUN if victim is Victim.GOFAXSEND else "")
    found.violations += fax.audit(announced).violations
    found.violations += server.drain().violations
    return found
