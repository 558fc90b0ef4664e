"""The accident of one attempt: who is struck, and when."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from crash.daemons import Victim
from gofaxpy.journal import Step as Mark
from model.facts import Fax
from model.hfaxd import Refused
from model.steps import Step
from model.world import World
from rig.driven import patience
from rig.proxy import CUT, Part, untouched
from rig.proxy import Step as ProxyStep
from rig.rundir import lives

LIVE = 60       # how many times as long as with the stand-in's lines a moment is on a real one


class Struck(StrEnum):
    """Who may be struck, in the words of a step."""

    GOFAXSEND = "gofaxsend"
    SWITCH = "switch"
    FAXQ = "faxq"
    FAXQ_AT_ONCE = "faxq-at-once"
    HFAXD = "hfaxd"
    LINE = "line"           # the event socket's connection
    JOB = "job"             # its user removes it
    MACHINE = "machine"     # all of them but the disk, which has everything


_VICTIMS = {
    Struck.SWITCH: (Victim.SWITCH,), Struck.FAXQ: (Victim.FAXQ,), Struck.FAXQ_AT_ONCE: (Victim.FAXQ_AT_ONCE,),
    Struck.HFAXD: (Victim.HFAXD,), Struck.MACHINE: (Victim.FAXQ, Victim.HFAXD, Victim.SWITCH),
}


class CutOnce:
    """The proxy's meddler that cuts the connection at the ``nth`` part of either side (from 1), once."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def __call__(self, part: Part) -> Iterable[ProxyStep]:
        self._left -= 1
        return [CUT] if self._left == 0 else [part.data]


@dataclass(frozen=True, slots=True)
class Accident:
    """``at`` is ``before:MARK`` or ``after:MARK`` of the journal (``fax-over``), ``change:CALL:N`` (gofaxsend only: before its
    Nth system call of that name), ``moment:SECONDS`` after gofaxsend has been started, ``part:N`` (the line only)."""

    victim: Struck | None
    at: str

    @classmethod
    def of(cls, step: Step) -> Accident:
        """The accident that a step names, if it does."""
        return cls(Struck(step.get("victim")) if step.get("victim") else None, step.get("at"))

    def arm(self, world: World) -> None:
        """Prepares it, before gofaxsend is started."""
        kind, _, rest = self.at.partition(":")
        if self.victim is None:
            return
        if self.victim is Struck.LINE:
            world.proxy.meddler = CutOnce(int(rest))
        elif kind in ("before", "after"):
            world.holding.at(Mark(rest.replace("-", " ")), kind)
        elif kind == "change":
            call, _, nth = rest.partition(":")
            world.kill_at(call, int(nth))

    def strike(self, world: World, faxes: list[Fax], senders: list[int]) -> bool:
        """Waits for the moment, which may never come, and strikes; whether it has."""
        kind, _, rest = self.at.partition(":")
        if self.victim is None or self.victim is Struck.LINE or kind == "change":
            return False
        if kind == "moment":
            time.sleep(float(rest) * (LIVE if world.switch.live else 1))
        elif not _held(world, senders):
            return False
        self._strike(world, faxes, senders)
        world.holding.release()
        return True

    def _strike(self, world: World, faxes: list[Fax], senders: list[int]) -> None:
        if self.victim is Struck.JOB:
            world.holding.release()     # faxq waits for its sender before it answers
            for fax in faxes:
                with contextlib.suppress(Refused), world.client() as client:
                    client.say(f"JKILL {fax.jobid}")
                    world.model.change(fax, removed=True, interrupted=fax.interrupted + 1)
        if self.victim in (Struck.GOFAXSEND, Struck.MACHINE):
            for pid in senders:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for victim in _VICTIMS.get(self.victim, ()) if self.victim is not None else ():
            if victim is Victim.SWITCH:
                world.kill_switch()
            else:
                world.server.kill(victim)

    def bring_back(self, world: World, struck: bool) -> None:
        """Whoever was killed is started again; what did not happen will not."""
        world.disarm()
        world.proxy.meddler = untouched
        for victim in reversed(_VICTIMS.get(self.victim, ())) if struck and self.victim is not None else ():
            if victim is Victim.SWITCH:
                world.start_switch()
            else:
                world.server.bring_back(victim)


def _held(world: World, senders: list[int]) -> bool:
    """Waits until somebody has come to the step; not so if the attempt is over first."""
    deadline = time.monotonic() + 10 * patience()
    over = 0.0
    while time.monotonic() < deadline:
        if world.holding.held():
            return True
        if not any(lives(pid) for pid in senders):      # the handler in the switch may still come to it
            over = over or time.monotonic() + 0.5
            if time.monotonic() > over:
                return False
        time.sleep(0.01)
    return False
