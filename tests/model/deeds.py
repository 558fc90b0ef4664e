"""What each verb of a sequence does to the world, and what becomes true by it: attempts and clients (:mod:`model.upkeep` has
the rest)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable

from model import upkeep
from model.accidents import Accident, Struck
from model.facts import Fax
from model.hfaxd import Forgotten, Refused
from model.steps import Step
from model.world import World, wait_for
from rig import RigError
from rig.driven import patience
from rig.rundir import FAX_USER, wait_ended
from rig.server import wait

MOST_ATTEMPTS = 12
FAR_AWAY = f"SENDTIME {time.strftime('%Y%m%d%H%M', time.gmtime(time.time() + 86400))}"


def do(world: World, step: Step) -> None:
    """One step.  What cannot be done any more (its job is over) is passed over.  Raises what the world does not bear."""
    VERBS[step.verb](world, step)
    world.note(str(step))


def finish(world: World) -> list[str]:
    """All trouble is over, and each job is tried until it is done or failed.  Returns what does not come to its end."""
    world.disarm()
    upkeep.xferfaxlog(world, Step.of("xferfaxlog", how="writable"))
    for _ in range(MOST_ATTEMPTS):
        if not world.open_faxes("all"):
            break
        do(world, Step.of("attempt", job="all"))
    try:
        world.bring_to_rest()
    except (AssertionError, TimeoutError) as error:
        return [str(error)]
    finally:
        world.collect()
    return []


# -- attempts


def _attempt(world: World, step: Step) -> None:
    faxes = world.open_faxes(step.get("job"))
    if not faxes:
        return
    accident, meets = Accident.of(step), step.get("meets", "fax")
    futile = meets in ("busy", "noanswer", "nofax") or accident.victim is not None
    faxes = [world.model.change(
        fax, attempts=fax.attempts + 1, accidents=fax.accidents + (accident.victim is not None), empty=fax.empty + futile,
    ) for fax in faxes]
    before = world.dialled()
    for fax in faxes:
        world.plan(fax, meets)
    accident.arm(world)
    known = len(world.holding.starts())
    _make_due(world, faxes, step.get("by", "client"))
    jobs = {fax.jobid for fax in faxes}

    def senders() -> list[int]:
        return [pid for pid, job in world.holding.starts()[known:] if job in jobs]

    struck = False
    if wait(lambda: senders() or all(map(world.over, faxes)), 15):
        wait(lambda: len(senders()) >= len(faxes), 2)       # faxq may have made a batch of them
        struck = accident.strike(world, faxes, senders())
    if struck and accident.victim in (Struck.FAXQ, Struck.HFAXD):
        for pid in senders():
            assert wait_ended(pid, 60 * patience()), f"gofaxsend {pid} does not end"
    accident.bring_back(world, struck)
    world.hylafax.wait_faxq(60)
    if not wait(lambda: all(map(world.rested, faxes)), 20):
        world.hylafax.tell_faxq("Z")    # faxq may sleep over a job that is submitted in the second of other news (SchedTimeout)
        wait_for("all jobs at rest", lambda: all(map(world.rested, faxes)), 60)
    if accident.victim is not None:
        _note_unplaced(world, faxes, before, known)


def _note_unplaced(world: World, faxes: list[Fax], before: Counter[str], known: int) -> None:
    """Of a sender that met an accident nobody knows whether its order to call came through."""
    after, begun = world.dialled(), world.holding.starts()[known:]
    for fax in faxes:
        calls = after[fax.called()] - before[fax.called()]
        silent = max(sum(jobid == fax.jobid for _, jobid in begun), 1) - calls      # of a batch the last job is noted
        world.model.change(world.model.faxes[fax.index], unplaced=fax.unplaced + max(silent, 0))


def _make_due(world: World, faxes: list[Fax], by: str) -> None:
    restarted = []
    for fax in faxes:
        qfile = world.qfile(fax)
        if by == "client" or qfile is None or qfile["state"] == "1":
            with world.client() as client:
                client.alter(fax.jobid, "SENDTIME NOW")
        else:
            restarted.append(qfile.path)
    if restarted:       # an administrator, with an editor that writes a new file, or into the old one
        world.hylafax.stop_faxq()
        for path in restarted:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                text = re.sub(r"(?m)^tts:.*$", "tts:1000", file.read())
            if by == "edit":
                with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
                shutil.copymode(path, path + ".new")
                shutil.chown(path + ".new", FAX_USER, FAX_USER)
                os.rename(path + ".new", path)
            else:
                with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
                    file.truncate()
        world.hylafax.begin_faxq()      # it may find a qfile locked by the sender that it has itself started


# -- clients


def _submit(world: World, step: Step) -> None:
    papers = tuple(world.paper(int(pages)) for pages in step.get("pages", "1").split(","))
    number, ranges = world.number(), step.get("ranges")
    more = [FAR_AWAY, *([f"PAGERANGE {ranges}"] if ranges else [])]
    for _ in range(3):      # hfaxd may forget what it was told of a new job when a second begins meanwhile
        with contextlib.suppress(Forgotten), world.client() as client:
            jobid = client.submit(number, [paper.file for paper in papers], *more)
            break
    else:
        raise TimeoutError("HylaFAX takes no new job")
    world.forget(jobid)
    world.model.faxes.append(Fax(len(world.model.faxes), jobid, papers, (number,), ranges))


def _altered(deed: Callable[[World, Fax, Step], None]) -> Callable[[World, Step], None]:
    def verb(world: World, step: Step) -> None:
        for fax in world.open_faxes(step.get("job")):
            with contextlib.suppress(Refused, RigError):
                deed(world, fax, step)

    return verb


def _add(world: World, fax: Fax, step: Step) -> None:
    paper = world.paper(step.number("pages", 1))
    with world.client() as client:
        client.alter(fax.jobid, FAR_AWAY, files=(paper.file,))
    world.model.change(fax, papers=(*fax.papers, paper))


def _number(world: World, fax: Fax, step: Step) -> None:
    what = step.get("what", "both")
    number = fax.numbers[-2] if what == "back" and len(fax.numbers) > 1 else world.number(changed=True)
    if what == "faxalter":
        world.hylafax.faxalter(fax.jobid, "-d", number)
    else:
        both = ("DIALSTRING", "EXTERNAL")
        names = {"both": both, "back": both, "dialstring": ("DIALSTRING",), "external": ("EXTERNAL",)}[what]
        with world.client() as client:
            client.alter(fax.jobid, FAR_AWAY, *(f"{name} {number}" for name in names))
    if what != "dialstring":        # outbound.dial is `external`
        world.model.change(fax, numbers=(*fax.numbers, number))


def _parameter(world: World, fax: Fax, step: Step) -> None:
    with world.client() as client:
        client.alter(fax.jobid, FAR_AWAY, f"{step.get('name')} {step.get('value')}")


def _ranges(world: World, fax: Fax, step: Step) -> None:
    if not fax.attempts:
        with world.client() as client:
            client.alter(fax.jobid, FAR_AWAY, f"PAGERANGE {step.get('value')}")
        world.model.change(fax, ranges=step.get("value"))


def _suspend(world: World, fax: Fax, step: Step) -> None:
    with world.client() as client:
        client.alter(fax.jobid, submit=False)


def _faxalter(world: World, fax: Fax, step: Step) -> None:
    world.hylafax.faxalter(fax.jobid, step.get("option"), step.get("value"))


def _resubmit(world: World, fax: Fax, step: Step) -> None:
    """faxalter -r makes a new job of the same documents, all of their pages; this one is for another number, as the model
    tells calls by theirs."""
    number = world.number()
    said = world.hylafax.faxalter(fax.jobid, "-r", "-d", number, "-a", "now + 1 day", check=False)
    found = re.search(r"duplicated as job (\d+)", said)
    if found:
        world.forget(int(found[1]))
        world.model.faxes.append(Fax(len(world.model.faxes), int(found[1]), fax.papers, (number,)))


def _remove(world: World, fax: Fax, step: Step) -> None:
    if step.get("by") == "faxrm":
        world.hylafax.faxrm(fax.jobid)
    else:
        with world.client() as client:
            if step.get("by") == "JDELE":
                client.say(f"JSUSP {fax.jobid}")
                client.say(f"JDELE {fax.jobid}")
            else:
                client.say(f"JKILL {fax.jobid}")
    world.model.change(fax, removed=True)


VERBS: dict[str, Callable[[World, Step], None]] = {
    "attempt": _attempt,
    "submit": _submit, "add": _altered(_add), "delete": _altered(upkeep.delete), "number": _altered(_number),
    "parameter": _altered(_parameter), "ranges": _altered(_ranges), "suspend": _altered(_suspend),
    "faxalter": _altered(_faxalter), "resubmit": _altered(_resubmit), "remove": _altered(_remove),
    "quiet": upkeep.quiet, "copy-spool": upkeep.stopped(upkeep.copy_spool), "restart": upkeep.stopped(upkeep.restart_all),
    "sequence": upkeep.sequence, "xferfaxlog": upkeep.xferfaxlog, "remove-logs": upkeep.remove_logs,
}
