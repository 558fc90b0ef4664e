"""Checks of the spool: whether it is one, whose it is, whether FreeSWITCH means the same, and how much room is left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from gofaxpy.ctl.doctor.finding import Finding, note, ok, problem, warning
from gofaxpy.ctl.doctor.subject import Subject

QUEUES = ("recvq", "sendq", "docq", "doneq", "log", "status", "tmp")


def spool(subject: Subject) -> Iterator[Finding]:
    """``hylafax.spooldir`` is a spool of HylaFAX, and belongs to ``hylafax.user``."""
    import pwd

    check, user = "spool", subject.config.hylafax.user
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError:
        yield problem("user", f"there is no user {user} on this machine", "correct hylafax.user; Debian's HylaFAX runs as uucp")
        return
    missing = [name for name in QUEUES if not os.path.isdir(subject.spooled(name))]
    if missing:
        yield problem(check, f"{subject.spool} is no HylaFAX spool: {', '.join(missing)} missing",
                      "correct hylafax.spooldir, or install hylafax-server")
        return
    foreign = [name for name in QUEUES if os.lstat(subject.spooled(name)).st_uid != uid]
    if foreign:
        paths = " ".join(subject.spooled(name) for name in foreign)
        yield problem(check, f"{', '.join(foreign)} in {subject.spool} do not belong to {user}",
                      f"chown -h {user}:{user} {paths}")
        return
    for name in ("recvq/seqf", "log/seqf", "log/xferfaxlog"):
        path = subject.spooled(name)
        if not os.path.lexists(path):
            continue
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            yield problem(check, f"{path} is no regular file: nothing is written there", f"see who has put it there; rm {path}")
        elif found.st_uid != uid:
            yield problem(check, f"{path} does not belong to {user}: nothing can be written there",
                          f"chown -h {user}:{user} {path}")
    yield ok(check, f"{subject.spool} belongs to {user}")


def same_spool(subject: Subject) -> Iterator[Finding]:
    """FreeSWITCH and this configuration must name the same spool: gofaxsend journals a job where FreeSWITCH must find it.

    A file with mistakes names no spool for certain; ``configuration`` reports it.
    """
    if not subject.inside or subject.inside.get("config_problems") or subject.problems:
        return
    theirs = str(subject.inside.get("spool", ""))
    if subject.shares_spool():
        yield ok("spool", f"FreeSWITCH uses {theirs} as well")
        return
    path = str(subject.inside.get("config", ""))
    if os.path.realpath(path) == os.path.realpath(subject.config_path):
        remedy = "restart FreeSWITCH; if it stays, its unit shows it another file of this name (BindPaths=, RootDirectory=)"
    else:
        remedy = f"make hylafax.spooldir in {path} the same as in {subject.config_path}, or examine it: gofaxctl -C {path} doctor"
    yield problem("spool", f"FreeSWITCH works in the spool {theirs}, gofaxsend in {subject.spool}: jobs do not find their calls,"
                  " and HylaFAX does not see received faxes", remedy)


def disk(subject: Subject) -> Iterator[Finding]:
    """Received faxes need room, and files without a readable page (recvq/bad) need an operator."""
    check = "disk"
    try:
        disk = os.statvfs(subject.spooled("recvq"))
    except OSError as error:
        yield note(check, f"{subject.spooled('recvq')}: {error.strerror}")
        return
    free, least = disk.f_bavail * disk.f_frsize >> 20, subject.config.inbound.min_free
    if free < least:
        yield problem(check, f"{free} MiB are free in {subject.spool}; calls are refused below {least}",
                      "make room, or lower inbound.min_free")
    elif free < 10 * least:
        yield warning(check, f"{free} MiB are free in {subject.spool}; calls are refused below {least}", "make room")
    elif disk.f_files and disk.f_favail < 1000:
        yield warning(check, f"only {disk.f_favail} more files fit into {subject.spool}", "remove old files: faxcron(8)")
    else:
        yield ok(check, f"{free} MiB are free in {subject.spool}")
    bad = subject.spooled("recvq", "bad")
    if os.path.isdir(bad) and os.listdir(bad):
        yield warning("leftovers", f"{bad} has received files without a readable page", "look at them, then remove them")
