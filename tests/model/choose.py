"""A random sequence from a seed: one or two jobs, attempts of which most meet an accident, and what people do between them."""

from __future__ import annotations

import random

from gofaxpy.journal import Step as Mark
from model.accidents import Struck
from model.steps import Step

_MARKS = ("opened", "launched", "connected", "withdrawn", "fax-over")
assert {mark.replace("-", " ") for mark in _MARKS} <= set(Mark)
_CHANGES = {
    "write": 30, "pwrite64": 14, "ftruncate": 14, "fdatasync": 4, "fsync": 2, "linkat": 2, "unlink": 2, "sendto": 12, "mkdir": 2,
    "rename": 2,
}
"""System calls of gofaxsend that change something, and how often it makes them (about; those of :mod:`crash.strace`)."""
_PARTS = 16         # commands and frames of a conversation on the event socket, about
_VICTIMS = (
    *[Struck.GOFAXSEND] * 8, Struck.SWITCH, Struck.SWITCH, Struck.FAXQ, Struck.FAXQ_AT_ONCE, Struck.HFAXD, Struck.LINE,
    Struck.LINE, Struck.JOB, Struck.MACHINE, Struck.MACHINE,
)
_PARAMETERS = (
    ("SCHEDPRI", "100"), ("LASTTIME", "000500"), ("RETRYTIME", "0300"), ("MAXDIALS", "40"), ("JOBINFO", "other"),
    ("NOTIFY", "DONE"), ("VRES", "98"), ("MODEM", "any"), ("REGARDING", "news"), ("COMPANY", "Far"), ("GROUPID", ""),
)
_ALTERATIONS = (("-P", "100"), ("-k", "now+5hours"), ("-t", "40"), ("-D", ""), ("-m", "any"))


def choose(seed: int, steps: int = 7) -> list[Step]:
    """The sequence of a seed: always the same one.  ``steps`` are those after the first job is submitted."""
    chance = random.Random(seed)
    setting = Step.of(
        "world", speed=chance.choice(("", "", "60")), log=chance.choice(("", "", "no")), batch=chance.choice(("", "", "3")),
    )
    sequence, jobs = [setting, _submit(chance)], 1
    if setting.get("batch"):
        sequence, jobs = [*sequence, _submit(chance)], 2
    for _ in range(steps):
        kind = chance.choices(("attempt", "client", "administrator", "submit"), (10, 6, 4, 1 if jobs < 3 else 0))[0]
        if kind == "submit":
            sequence.append(_submit(chance))
            jobs += 1
        else:
            job = chance.randrange(jobs)
            if kind == "attempt":
                sequence.append(_attempt(chance, job, not setting.get("batch")))
            else:
                sequence.append({"client": _client, "administrator": _administrator}[kind](chance, job))
    return sequence


def _submit(chance: random.Random) -> Step:
    pages = [chance.choice((1, 2, 3)) for _ in range(chance.choice((1, 1, 2, 3)))]
    ranges = _ranges(chance, sum(pages)) if chance.random() < 0.15 else ""
    return Step.of("submit", pages=",".join(map(str, pages)), ranges=ranges)


def _ranges(chance: random.Random, pages: int) -> str:
    first = chance.randint(1, pages)
    return f"{first}-{chance.randint(first, pages)}"


def _attempt(chance: random.Random, job: int, single: bool) -> Step:
    meets = chance.choices(
        ("fax", "breaks:1", "breaks:2", "breaks:3", "busy", "noanswer", "nofax"), (12, 6, 4, 2, 2, 1, 1)
    )[0]
    by = chance.choice(("", "restart", "edit"))
    who = str(job) if chance.random() < (0.85 if single else 0.5) else "all"
    if chance.random() < 0.25:
        return Step.of("attempt", job=who, meets=meets, by=by)
    victim = chance.choice(_VICTIMS)
    return Step.of("attempt", job=who, meets=meets, by=by, victim=victim, at=_moment(chance, victim))


def _moment(chance: random.Random, victim: Struck) -> str:
    if victim is Struck.LINE:
        return f"part:{chance.randint(1, _PARTS)}"
    ways = ["mark", "mark", "moment"] + (["change"] * 4 if victim is Struck.GOFAXSEND else [])
    match chance.choice(ways):
        case "change":
            call = chance.choice(list(_CHANGES))
            return f"change:{call}:{chance.randint(1, _CHANGES[call])}"
        case "moment":
            return f"moment:{chance.uniform(0, 0.8):.2f}"
    return f"{chance.choice(('before', 'after'))}:{chance.choice(_MARKS)}"


def _client(chance: random.Random, job: int) -> Step:
    deed = chance.choices(
        ("add", "number", "parameter", "ranges", "suspend", "faxalter", "resubmit", "remove", "delete"),
        (8, 4, 3, 2, 2, 3, 2, 2, 1),
    )[0]
    match deed:
        case "add":
            return Step.of(deed, job=job, pages=chance.choice((1, 2)))
        case "number":
            return Step.of(deed, job=job, what=chance.choice(("both", "back", "dialstring", "external", "faxalter")))
        case "parameter":
            name, value = chance.choice(_PARAMETERS)
            return Step.of(deed, job=job, name=name, value=value)
        case "ranges":
            return Step.of(deed, job=job, value=_ranges(chance, 3))
        case "faxalter":
            option, value = chance.choice(_ALTERATIONS)
            return Step.of(deed, job=job, option=option, value=value)
        case "remove":
            return Step.of(deed, job=job, by=chance.choice(("faxrm", "JKILL", "JDELE")))
        case "delete":
            return Step.of(deed, job=job, document=chance.randrange(2))
    return Step.of(deed, job=job)


def _administrator(chance: random.Random, job: int) -> Step:
    deed = chance.choices(
        ("copy-spool", "restart", "sequence", "xferfaxlog", "remove-logs", "quiet"), (5, 1, 5, 3, 1, 2)
    )[0]
    if deed == "sequence":
        return Step.of(deed, queue=chance.choice(("log", "log", "sendq")), back=chance.randint(1, 3))
    if deed == "xferfaxlog":
        return Step.of(deed, how=chance.choice(("rotate", "remove", "unwritable", "writable")))
    return Step.of(deed)
