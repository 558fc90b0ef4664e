"""What the spool looks like now: modems, jobs, calls, journal, space.  Nothing here waits, and nothing takes a lock."""

from __future__ import annotations

import os
import re
import time

from gofaxpy import __version__
from gofaxpy.hylafax import modemstatus
from gofaxpy.hylafax.spool import read_start
from gofaxpy.journal import JournalError, Step
from gofaxpy.metrics.exposition import Metric
from gofaxpy.setting import Setting
from gofaxpy.switch.api import NOT_RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_JOBS = 1000        # qfiles that are looked into; more are counted as unknown
_JOB_STATES = ("suspended", "pending", "sleeping", "blocked", "ready", "active", "done", "failed")  # faxd/FaxRequest.h, from 1
_STATE = re.compile(rb"^state:([1-8])$", re.MULTILINE)
_QFILE = re.compile(r"q\d+")
# A modem's line in faxstat, by how it begins.
_MODEM_STATES = (
    (modemstatus.IDLE, "idle"), ("Sending", "sending"), ("Dialing", "sending"), ("Connected", "sending"),
    ("Preparing", "sending"), ("Receiving", "receiving"), (modemstatus.ANSWERING, "receiving"),
    (modemstatus.WAITING_FREE, "busy"), (modemstatus.WAITING_READY, "down"), (NOT_RUNNING, "down"),
    ("Initializing", "down"),
)
_UNDER_WAY = (Step.ACCEPTED, Step.RECEIVING)


def modem_state(status: str) -> str:
    """``idle``, ``sending``, ``receiving``, ``busy``, ``down`` or ``unknown``, from the modem's line in faxstat."""
    return next((state for beginning, state in _MODEM_STATES if status.startswith(beginning)), "unknown")


def gauges(setting: Setting) -> list[Metric]:
    """All gauges.  What cannot be read is left out and counted in ``gofax_metrics_problems``."""
    problems = Metric("gofax_metrics_problems", "gauge", "Parts of these metrics that could not be read and are missing.")
    problems.set(0)
    found: list[Metric] = [_build()]
    readers: tuple[Callable[[Setting], list[Metric]], ...] = (_modems, _jobs, _calls, _space, _bad)
    for reader in readers:
        try:
            found += reader(setting)
        except (OSError, JournalError):
            problems.add(1)
    written = Metric("gofax_metrics_timestamp_seconds", "gauge", "When these metrics were put together.")
    written.set(time.time())
    return [*found, problems, written]


def _build() -> Metric:
    build = Metric("gofax_build_info", "gauge", "The version of gofaxpy; always 1.", ("version",))
    build.set(1, __version__)
    return build


def _modems(setting: Setting) -> list[Metric]:
    modems = Metric("gofax_modems", "gauge", "Virtual modems by what faxstat shows of them.", ("state",))
    for state in (*dict.fromkeys(state for _, state in _MODEM_STATES), "unknown"):
        modems.set(0, state)
    for device in setting.config.hylafax.devices():
        try:
            text = read_start(setting.spool.status(device), 200).decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        modems.add(1, modem_state(text))
    return [modems]


def _jobs(setting: Setting) -> list[Metric]:
    jobs = Metric("gofax_jobs", "gauge", "Jobs in HylaFAX's queue (sendq) by state.", ("state",))
    for state in (*_JOB_STATES[:6], "unknown"):
        jobs.set(0, state)
    names = [name for name in os.listdir(setting.spool.path("sendq")) if _QFILE.fullmatch(name)]
    for name in names[:MOST_JOBS]:
        try:
            found = _STATE.search(read_start(setting.spool.path("sendq", name), 512))
        except FileNotFoundError:
            continue        # done meanwhile
        jobs.add(1, _JOB_STATES[int(found[1]) - 1] if found else "unknown")
    if len(names) > MOST_JOBS:
        jobs.add(len(names) - MOST_JOBS, "unknown")
    return [jobs]


def _calls(setting: Setting) -> list[Metric]:
    """Calls and journal.  Who works on an entry holds its lock; whether somebody does is read from the kernel's list, for a try
    to take it might get in somebody's way."""
    held = _held_locks()
    calls = Metric("gofax_calls_in_progress", "gauge", "Calls under way.", ("direction",))
    entries = Metric("gofax_journal_entries", "gauge", "Entries of the journal: faxes not yet finished.", ("direction",))
    for direction in ("send", "recv"):
        calls.set(0, direction)
        entries.set(0, direction)
    for name in setting.journal.names():
        entry = setting.journal.open(name)
        if entry is None:
            continue
        with entry:
            direction = "recv" if name.startswith("c") else "send"
            entries.add(1, direction)
            if os.fstat(entry.fileno()).st_ino in held:
                marks = entry.marks()
                if direction == "send" or (marks and marks[-1].step in _UNDER_WAY):
                    calls.add(1, direction)
    up = Metric("gofax_supervisor_up", "gauge", "Whether FreeSWITCH runs the supervisor of this spool.")
    try:
        up.set(os.lstat(setting.spool.path("gofax", "supervisor.lock")).st_ino in held)
    except FileNotFoundError:
        up.set(0)
    return [calls, entries, up]


def _held_locks() -> frozenset[int]:
    """The inodes that somebody holds an flock on (proc_locks(5))."""
    with open("/proc/locks", encoding="ascii", errors="replace") as file:
        words = [line.split() for line in file]
    # who waits for a lock has an arrow before the kind
    return frozenset(int(line[5].rpartition(":")[2]) for line in words if len(line) > 5 and line[1] == "FLOCK")


def _space(setting: Setting) -> list[Metric]:
    status = os.statvfs(setting.spool.path("recvq"))
    free = Metric("gofax_spool_free_bytes", "gauge", "Space that is free for received faxes.")
    free.set(status.f_bavail * status.f_frsize)
    size = Metric("gofax_spool_size_bytes", "gauge", "Size of the file system that received faxes lie on.")
    size.set(status.f_blocks * status.f_frsize)
    return [free, size]


def _bad(setting: Setting) -> list[Metric]:
    bad = Metric("gofax_recvq_bad_files", "gauge", "Received files without a readable page, set aside in recvq/bad.")
    try:
        bad.set(len(os.listdir(setting.spool.path("recvq", "bad"))))
    except FileNotFoundError:
        bad.set(0)
    return [bad]
