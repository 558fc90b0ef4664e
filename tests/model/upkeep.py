"""What administrators do to a spool, most of it while HylaFAX and the switch are stopped in order."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable

from model.facts import Fax
from model.steps import Step
from model.world import World
from rig import RigError


def quiet(world: World, step: Step) -> None:
    """Somebody waits until no call goes on."""
    world.switch.wait_calls_over(30)


def stopped(deed: Callable[[World], None]) -> Callable[[World, Step], None]:
    """Done while HylaFAX and the switch are stopped in order."""
    def verb(world: World, step: Step) -> None:
        world.switch.wait_calls_over(30)
        world.hylafax.kill_hfaxd()
        world.hylafax.stop_faxq()
        with contextlib.suppress(RigError, OSError):
            world.switch.api("fsctl shutdown")
        world.switch.wait_end(60)
        world.switch.kill()
        deed(world)
        world.hylafax.start_faxq()
        world.hylafax.start_hfaxd()
        world.switch.start()

    return verb


def copy_spool(world: World) -> None:
    """To another disk and back: the same files, all of them new ones."""
    spool = world.hylafax.spool
    shutil.rmtree(spool + ".old", ignore_errors=True)
    subprocess.run(["cp", "-a", spool, spool + ".new"], check=True)
    os.rename(spool, spool + ".old")
    os.rename(spool + ".new", spool)


def restart_all(world: World) -> None:
    """Nothing else is done."""


def sequence(world: World, step: Step) -> None:
    """A file of numbers is behind, as after a power failure.  HylaFAX itself bears that for jobs that are over."""
    queue = step.get("queue", "log")
    path = world.hylafax.path(queue, "seqf")
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as file:
        current = int(file.read() or 1)
    back = max(current - step.number("back", 1), 1)
    if queue == "sendq":
        alive = [fax.jobid for fax in world.open_faxes("all")]
        while back in alive or any(back < jobid < current for jobid in alive):
            back += 1
    for jobid in range(back, current) if queue == "sendq" else ():       # faxqclean has been there; else faxq takes no such job
        with contextlib.suppress(FileNotFoundError):
            os.unlink(world.hylafax.path("doneq", f"q{jobid}"))
        world.forget(jobid)
    with open(path, "r+", encoding="ascii") as file:
        file.write(str(back))
        file.truncate()
    world.model.renumbered |= queue == "log" and back < current


def xferfaxlog(world: World, step: Step) -> None:
    """Accounting is moved away (``rotate``), removed, made impossible (``unwritable``) or possible again (``writable``)."""
    path = world.hylafax.path("log", "xferfaxlog")
    how = step.get("how", "rotate")
    if os.path.isdir(path):             # it could not be written
        os.rmdir(path)
        if os.path.exists(path + ".kept"):
            os.rename(path + ".kept", path)
    if how == "rotate" and os.path.exists(path):
        with open(path, "rb") as file, open(path + ".1", "ab") as archive:
            archive.write(file.read())
        os.unlink(path)
    elif how == "remove" and os.path.exists(path):
        os.unlink(path)
        world.model.unlogged = True
    elif how == "unwritable":
        if os.path.exists(path):
            os.rename(path, path + ".kept")
        os.mkdir(path)
        world.model.unlogged = True


def delete(world: World, fax: Fax, step: Step) -> None:
    """An administrator tidies docq up; hfaxd lets no client do that."""
    qfile = world.qfile(fax)
    # one that is prepared for sending; HylaFAX itself cannot read a job any more whose original is gone
    files = [item.split(":")[3] for item in qfile.items if item.startswith("fax:")] if qfile else []
    if files:
        os.unlink(world.hylafax.path(files[step.number("document") % len(files)]))
        world.model.change(fax, robbed=True)


def remove_logs(world: World, step: Step) -> None:
    """All session logs go."""
    for name in os.listdir(world.hylafax.path("log")):
        if re.fullmatch(r"c\d{9}", name):
            os.unlink(world.hylafax.path("log", name))
    world.model.bared = True
