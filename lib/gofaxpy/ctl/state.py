"""The state of the fax server for `gofaxctl status`, as JSON can hold it: modems, calls in progress, the last faxes.

Inside FreeSWITCH the pages and rates of calls come from SpanDSP's events; outside, pages come from the spool.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from gofaxpy.commids import commid_of
from gofaxpy.ctl.output import shown

if TYPE_CHECKING:
    from typing import Any

    from gofaxpy.setting import Setting

MOST_CALLS = 2000           # entries of the journal that are read; FreeSWITCH takes 1000 calls (max-sessions)
TAIL = 64 << 10             # octets at the end of the accounting that are read for the last faxes


def gather(setting: Setting, last: int, inside: bool) -> dict[str, Any]:
    """The state, with the ``last`` faxes.  Times are seconds since the epoch.  ``inside``: this is FreeSWITCH's process."""
    from gofaxpy import __version__
    from gofaxpy.calls.registry import CALLS
    from gofaxpy.hylafax import modemstatus

    state: dict[str, Any] = {
        "version": __version__, "at": int(time.time()), "spool": setting.spool.root, "switch": "",
        "supervisor": CALLS.attended if inside else supervisor_runs(setting),
        "modems": [_modem(setting, device) for device in setting.config.hylafax.devices()],
    }
    problems: list[str] = []
    state["calls"] = _calls(setting, inside, problems)
    for call in state["calls"]:
        status = modemstatus.sending_job(str(call["job"]))
        call["modem"] = call["modem"] or next((one["modem"] for one in state["modems"] if one["status"] == status), "")
    state["last"] = _last(setting, last, problems) if last else []
    state["problems"] = problems
    return state


def supervisor_runs(setting: Setting) -> bool:
    """Whether a process holds the supervisor's lock, by /proc/locks (proc_locks(5)).

    This process does not try to take the lock: a supervisor that starts at that moment would find it taken and wait.
    """
    try:
        inode = os.lstat(setting.spool.path("gofax", "supervisor.lock")).st_ino
        with open("/proc/locks", encoding="ascii") as file:
            return any(words[1:2] == ["FLOCK"] and words[5].endswith(f":{inode}") for words in map(str.split, file))
    except (OSError, IndexError):
        return False


def _modem(setting: Setting, device: str) -> dict[str, Any]:
    from gofaxpy.hylafax.errors import SpoolError
    from gofaxpy.hylafax.spool import read_start
    from gofaxpy.hylafax.uucplock import UUCPLock

    try:
        status = shown(read_start(setting.spool.status(device), 300).partition(b"\n")[0].decode("utf-8", "replace"))
    except OSError as error:
        status = f"no status file: {error.strerror}"
    try:
        pid = UUCPLock(setting.spool.lock_dir, device).held_by()
    except SpoolError as error:
        return {"modem": device, "status": status, "locked_by": None, "problem": str(error)}
    return {"modem": device, "status": status, "locked_by": pid, "problem": ""}


def _calls(setting: Setting, inside: bool, problems: list[str]) -> list[dict[str, Any]]:
    """The calls under way, from the journal; inside FreeSWITCH with what SpanDSP's events say of them."""
    from gofaxpy.calls.registry import CALLS
    from gofaxpy.journal import JournalError

    seen = {one.uuid: one for one in CALLS.under_way()} if inside else {}
    found = []
    try:
        for number, name in enumerate(setting.journal.names()):
            if number == MOST_CALLS:
                problems.append(f"{setting.journal.directory} has more than {MOST_CALLS} entries; the rest is not shown")
                break
            entry = setting.journal.open(name)
            if entry is None:
                continue
            with entry:
                call = _call(name, entry.marks())
            watched = seen.get(str(call["uuid"]))
            if watched is not None:
                call["pages"] = watched.pages
                call["rate"] = _whole(watched.negotiated.get("fax-transfer-rate", ""))
                call["station"] = shown(watched.negotiated.get("fax-remote-station-id", ""))
                call["ecm"] = watched.negotiated.get("fax-ecm-used", "") == "on"
            elif not inside:
                call["pages"] = _pages_of_job(setting, str(call["job"]))
            found.append(call)
    except JournalError as error:
        problems.append(str(error))
    return found


def _call(name: str, marks: list[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for mark in marks:
        facts.update(mark.facts)
    incoming = name.startswith("c")
    number = facts.get("caller_number" if incoming else "number", "")
    return {
        "direction": "in" if incoming else "out",
        "job": "" if incoming else shown(name.rpartition("-")[0]),
        "commid": shown(commid_of(name)),
        "uuid": shown(facts.get("uuid", "")),
        "number": shown(number),
        "recipient": shown(facts.get("recipient", "")),
        "gateway": shown(facts.get("gateway", "")),
        "modem": shown(facts.get("device", "")),
        "step": str(marks[-1].step) if marks else "",
        "since": int(marks[0].at) if marks else 0,
        "pages": None, "rate": None, "station": "", "ecm": None,
        "pages_due": facts.get("pages") if not incoming and isinstance(facts.get("pages"), int) else None,
    }


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _pages_of_job(setting: Setting, job: str) -> int | None:
    """The pages of a job that were confirmed so far, over all attempts, from ``npages`` of its qfile."""
    from gofaxpy.hylafax.encoding import decode
    from gofaxpy.hylafax.errors import QFileError, SpoolError
    from gofaxpy.hylafax.qfile import QFile
    from gofaxpy.hylafax.spool import read_start

    if not job:
        return None
    try:
        return QFile.parse(decode(read_start(setting.spool.qfile(job), 1 << 20))).number("npages")
    except (OSError, QFileError, SpoolError):
        return None


def _last(setting: Setting, count: int, problems: list[str]) -> list[dict[str, Any]]:
    """The last ``count`` SEND and RECV records, the latest first."""
    from gofaxpy.hylafax.accounting import BadRecord, parse
    from gofaxpy.hylafax.encoding import decode
    from gofaxpy.hylafax.spool import open_regular
    from gofaxpy.hylafax.xferfaxlog import RecordType

    path = setting.xferfaxlog
    if not path:
        return []
    try:
        fd = open_regular(path)
        try:
            data = os.pread(fd, TAIL, max(os.fstat(fd).st_size - TAIL, 0))
        finally:
            os.close(fd)
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return []
    found: list[dict[str, Any]] = []
    for line in reversed(data.split(b"\n")):
        if len(found) == count:
            break
        try:
            record = parse(decode(line))
        except BadRecord:
            continue
        if record.type not in (RecordType.SEND, RecordType.RECV):
            continue
        sent = record.type is RecordType.SEND
        found.append({
            "at": int(record.start), "direction": "out" if sent else "in", "commid": shown(record.commid),
            "job": shown(record.jobid), "number": shown(record.dest if sent else record.cid_number),
            "station": shown(record.station), "pages": record.pages, "seconds": int(record.conn_seconds),
            "rate": record.params.rate if record.params is not None else None, "reason": shown(record.reason),
        })
    return found
