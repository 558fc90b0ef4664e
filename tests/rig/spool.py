"""A HylaFAX spool of its own: made from Debian's files, and its queue files read.

The layout is what Debian's hylafax-server ships in /var/spool/hylafax; the queue file's grammar is
that of HylaFAX's faxd/FaxRequest.c++ and sendq(5).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from rig.guard import PROGRAMS, own, program
from rig.rundir import RigError, fax_ids

_BIN = "/var/spool/hylafax/bin"
_ETC = "/etc/hylafax"
# What a spool's etc/ needs of /etc/hylafax.  Not the machine's config*, hosts.hfaxd, FaxDispatch and
# the like: a run must not depend on them, and they may hold passwords.
_ETC_FILES = (
    "cover.templ", "dialrules", "dialrules.europe", "dialrules.sf-ba", "faxcover.ps", "faxmail.ps",
    "lutRS18.pcf", "pagesizes", "setup.cache", "setup.modem", "templates", "typerules",
)  # fmt: skip
_ETC_OPTIONAL = {"dialrules.sf-ba", "faxmail.ps", "setup.modem"}
_DIRECTORIES = ("archive", "client", "dev", "docq", "doneq", "info", "log", "pollq", "recvq", "sendq", "status")

FAX_NUMBER = "+49.30.1234{}"
"""FAXNumber of modem N; the digits dial the machine's own number in the examples."""

_CONFIG = """\
LogFacility:            daemon
CountryCode:            49
AreaCode:               30
LongDistancePrefix:     0
InternationalPrefix:    00
DialStringRules:        etc/dialrules
ServerTracing:          {tracing}
SendFaxCmd:             {sendfaxcmd}
MaxBatchJobs:           1
MaxConcurrentCalls:     100
UUCPLockDir:            {lock_dir}
JobReqOther:            6
PollLockWait:           5
"""
_MODEM_CONFIG = """\
FAXNumber:              {number}
RecvFileMode:           0644
"""
# Anybody from this machine, without a password.  hfaxd refuses the file unless it has mode 600.
_HOSTS = "^.*@127\\.0\\.0\\.1$:21::\n"


class JobState(IntEnum):
    """``state`` of a queue file (HylaFAX faxd/FaxRequest.h)."""

    SUSPENDED = 1
    PENDING = 2
    SLEEPING = 3
    BLOCKED = 4
    READY = 5
    ACTIVE = 6
    DONE = 7
    FAILED = 8


@dataclass(frozen=True, slots=True)
class QFile:
    """One queue file as it is on disk: ``q["npages"]`` is a field's text, ``""`` if it is missing."""

    path: str
    fields: dict[str, str]
    items: tuple[str, ...]
    """``fax:0::docq/doc1.ps;c0`` and the like, in order."""

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def state(self) -> JobState:
        """The job's state.  Raises ValueError while the file is being written."""
        return JobState(int(self["state"]))

    def number(self, name: str) -> int:
        """A numeric field, 0 if empty."""
        return int(self[name] or 0)


_ITEM_TAGS = frozenset(("fax", "tiff", "pdf", "postscript", "pcl", "data", "poll", "page", "uucp"))


def parse_qfile(path: str, text: str) -> QFile:
    """Read the text of a queue file.  ``status`` may span lines that end in a backslash."""
    fields: dict[str, str] = {}
    items: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        tag, colon, value = line.partition(":")
        if not colon:
            continue
        if tag.lstrip("!") in _ITEM_TAGS:
            items.append(line)
            continue
        while tag == "status" and value.endswith("\\"):
            value = value[:-1] + "\n" + next(lines, "")
        fields[tag] = value.lstrip(" ")
    return QFile(path, fields, tuple(items))


def make_spool(
    spool: str,
    lock_dir: str,
    *,
    sendfaxcmd: str,
    sendmail: str,
    modems: Sequence[str],
    tracing: str = "1",
    config_extra: str = "",
    closed: bool = False,
) -> None:
    """Make a complete spool in the new directory ``spool``, owned by uucp.

    ``sendmail`` takes the place of /usr/lib/sendmail for notify and faxrcvd; ``config_extra`` is
    added to etc/config, where the last of two settings counts.  ``closed``: uucp cannot exchange etc/
    and bin/, as docs/install.md tells an operator to have it.  Raises RigError where Debian's HylaFAX
    is not installed, and for what may be the machine's own (:mod:`rig.guard`).
    """
    for needed in (_BIN, f"{_ETC}/setup.cache"):
        if not os.path.exists(needed):
            raise RigError(f"{needed} does not exist: install hylafax-server (make deps)")
    if " " in sendfaxcmd or not os.path.isabs(sendfaxcmd):
        raise RigError(f"SendFaxCmd must be one absolute path without arguments, not {sendfaxcmd!r}")
    own(spool), own(lock_dir), program(sendfaxcmd), program(sendmail)
    uid, gid = fax_ids()
    os.makedirs(lock_dir, exist_ok=True)
    os.makedirs(spool, mode=0o775)
    for name in _DIRECTORIES:
        os.mkdir(os.path.join(spool, name), 0o755)
    os.mkdir(os.path.join(spool, "tmp"))
    shutil.copytree(_BIN, os.path.join(spool, "bin"), symlinks=True)
    etc = os.path.join(spool, "etc")
    os.mkdir(etc)
    for name in _ETC_FILES:
        _copy(os.path.join(_ETC, name), os.path.join(etc, name), optional=name in _ETC_OPTIONAL)
    _adapt_setup_cache(os.path.join(etc, "setup.cache"), spool, sendmail)
    config = _CONFIG.format(sendfaxcmd=sendfaxcmd, lock_dir=lock_dir, tracing=tracing)
    _write(os.path.join(etc, "config"), config + config_extra)
    for index, modem in enumerate(modems):
        _write(os.path.join(etc, f"config.{modem}"), _MODEM_CONFIG.format(number=FAX_NUMBER.format(index)))
    _write(os.path.join(etc, "hosts.hfaxd"), _HOSTS)
    os.chown(lock_dir, uid, gid)
    for root, directories, files in os.walk(spool):
        if os.path.relpath(root, spool).split(os.sep)[0] != "bin":
            for name in (".", *directories, *files):
                os.chown(os.path.join(root, name), uid, gid, follow_symlinks=False)
    os.chown(os.path.join(spool, "bin"), 0, 0)
    os.chmod(spool, 0o775)
    os.chmod(os.path.join(spool, "tmp"), 0o1777)
    os.chmod(os.path.join(etc, "hosts.hfaxd"), 0o600)
    if closed:
        os.chown(spool, 0, gid)
        os.chmod(spool, 0o1775)
        for name in (etc, os.path.join(etc, "config")):
            os.chown(name, 0, 0)


def _copy(source: str, target: str, *, optional: bool) -> None:
    if os.path.isdir(source):
        shutil.copytree(source, target)
    elif os.path.exists(source):
        shutil.copyfile(source, target)
    elif not optional:
        raise RigError(f"{source} does not exist: reinstall hylafax-server and hylafax-client")


def _adapt_setup_cache(path: str, spool: str, sendmail: str) -> None:
    """Point the scripts in bin/ to this spool.

    SBIN: what Debian has in /usr/sbin works on the machine's own spool (:mod:`rig.guard`).
    """
    settings = {"SBIN": PROGRAMS, "SPOOL": spool, "SENDMAIL": sendmail}
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if line.partition("=")[0] not in settings]
    _write(path, "".join(lines) + "".join(f"{name}='{value}'\n" for name, value in settings.items()))


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
