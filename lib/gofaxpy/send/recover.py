"""What an earlier attempt at the same job has left behind, cleared up before anything is dialled.

A journal entry that is still there belongs to a gofaxsend that was killed, or that lost sight of its call.  Either
FreeSWITCH has noted the result since, or the call still goes on, or it is gone without a result.  Only in the last
case may the pages that are not confirmed be sent again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial

from gofaxpy.config import Server
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.journal import Entry, JournalError, Mark, Step
from gofaxpy.outcome import Stage
from gofaxpy.send.document import remove_directory
from gofaxpy.send.follow import CallIds, Follower, Progress
from gofaxpy.send.launch import reconnect
from gofaxpy.send.report import JobReport
from gofaxpy.setting import Setting
from gofaxpy.switch.client import EventSocketError
from gofaxpy.switch.faxresult import FaxResult

SECONDS_FOR_THE_HANDLER = 5.0


def clear_up(setting: Setting, report: JobReport, aborted: Callable[[], bool]) -> str:
    """Brings the job up to date with its earlier attempts.  Returns why it cannot be dialled yet, or ``""``."""
    for name in list(setting.journal.names(f"{report.jobid}-")):
        entry = setting.journal.open(name)
        if entry is None:
            continue
        with entry:
            if not entry.lock():
                return f"An earlier attempt at this job ({name}) is still at work"
            held_up = _one(setting, report, entry, aborted)
            if held_up:
                return held_up
            remove_directory(setting.spool.path("gofax", "tmp", name))
            entry.remove()
    return ""


def identity(handle: QFileHandle) -> str:
    """Tells one job from another with the same number, which there are once ``sendq/seqf`` was set back."""
    qfile = handle.qfile
    return "|".join([str(os.stat(handle.path).st_ino), *(qfile.get(tag) for tag in ("external", "mailaddr", "totpages"))])


def _one(setting: Setting, report: JobReport, entry: Entry, aborted: Callable[[], bool]) -> str:
    marks = entry.marks()
    opened = next((mark for mark in marks if mark.step is Step.OPENED), None)
    if opened is None or opened.facts.get("same") != identity(report.handle):
        return ""       # an empty entry, or one of an earlier job that had the same number
    due = int(opened.facts.get("pages", 0))
    launched = [mark for mark in marks if mark.step is Step.LAUNCHED]
    over = entry.find(Step.FAX_OVER)
    if over is None:
        for mark in launched:
            held_up = _wait_for(setting, report, entry, mark, aborted)
            if held_up:
                return held_up
        over = entry.find(Step.FAX_OVER)
    if over is not None:
        _apply(report, over, due, entry.name)
    elif launched:
        report.log.line(f"The call of an earlier attempt ({entry.name}) ended without a result; sending what is left")
    return ""


def _apply(report: JobReport, over: Mark, due: int, name: str) -> None:
    """Takes the pages that the earlier call has delivered out of the job, as far as they are still in it."""
    fax = FaxResult.from_facts(over.facts.get("fax", {}))
    before = due - len(report.remaining())      # what that attempt itself could still write into the qfile
    delivered = fax.pages_transferred if fax is not None else 0
    report.log.line(f"An earlier attempt ({name}) has delivered {delivered} of {due} pages")
    report.confirm(max(delivered - before, 0))
    report.confirmed = 0                        # these are not of this attempt


def _wait_for(
    setting: Setting, report: JobReport, entry: Entry, launched: Mark, aborted: Callable[[], bool]
) -> str:
    """Until the call of this mark is over, if it still goes on.  Returns why that cannot be told, or ``""``."""
    server = _server(setting, launched.facts)
    if server is None:
        where = f"{launched.facts.get('host')}:{launched.facts.get('port')}"
        return f"An earlier call of this job was placed through {where}, which freeswitch.servers names no more"
    ids = CallIds.from_facts(launched.facts)
    again = partial(reconnect, server, setting.config.freeswitch.connect_timeout, ids)
    try:
        client = again()
        answer = client.api("uuid_exists", ids.uuid).strip()
        if answer != "true":
            client.close()
            return _gone(entry) if answer == "false" else f"FreeSWITCH does not know whether a call goes on: {answer[:80]}"
    except EventSocketError as error:
        return f"An earlier call of this job may still go on, and FreeSWITCH cannot be asked: {error}"
    except OSError as error:
        return f"An earlier call of this job may still go on: {server.password_file}: {error.strerror}"
    report.log.line(f"An earlier attempt ({entry.name}) still has a call; waiting for its end")
    follower = Follower(client, again, ids, setting.config.outbound, entry, _ignore, aborted)
    trace = follower.follow()
    if follower.client is not None:
        follower.client.close()
    if trace.stage is Stage.UNKNOWN:
        return trace.reason
    try:
        if trace.fax is not None and entry.find(Step.FAX_OVER) is None:
            entry.mark(Step.FAX_OVER, uuid=ids.uuid, fax=trace.fax.facts())
    except JournalError as error:
        return str(error)
    return ""


def _gone(entry: Entry) -> str:
    """The channel is gone; its handler may still be about to note the result (it waits for events up to a second)."""
    deadline = time.monotonic() + SECONDS_FOR_THE_HANDLER
    while entry.find(Step.CONNECTED) is not None and entry.find(Step.FAX_OVER) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return ""


def _server(setting: Setting, facts: Mapping[str, object]) -> Server | None:
    """The server on which the call was placed, if it is still configured: another one knows nothing of the call."""
    for server in setting.config.freeswitch.servers:
        if (server.host, server.port) == (facts.get("host"), facts.get("port")):
            return server
    return None


def _ignore(progress: Progress, headers: Mapping[str, str]) -> None:
    """The progress of an earlier attempt is not this one's; its pages are counted from the result."""
