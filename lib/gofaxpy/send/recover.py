"""What an earlier attempt at the same job has left behind, cleared up before anything is dialled.

A journal entry that is still there belongs to a gofaxsend that was killed, or that lost sight of its call.  Either
FreeSWITCH has noted the result since, or the call still goes on, or it is gone without a result.  Only in the last
case may the pages that are not confirmed be sent again.  What the attempt was, once its calls are over, is taken over by
:mod:`~gofaxpy.send.takeover`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from gofaxpy.config.keys import Server
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.journal import Entry, JournalError, Mark, Step
from gofaxpy.outbound.joined import remove_directory
from gofaxpy.outbound.lost import Earlier, may_go_on, record_orphan
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.call import PlacedCall, Progress, exists
from gofaxpy.send.deadlines import SECONDS_FOR_THE_NOTE, deadlines
from gofaxpy.send.follow import Follower
from gofaxpy.send.launch import CallIds, reconnect
from gofaxpy.send.lostcall import Fate, fate_of
from gofaxpy.send.takeover import count_other_number, is_of_this_fax, take_over
from gofaxpy.switch.client import EventSocketError

STILL_AT_WORK = "An earlier call of this job is over, but its handler in FreeSWITCH has not noted the result yet"


def clear_up(attempt: Attempt) -> str:
    """Brings the job up to date with its earlier attempts.  Returns why it cannot be dialled yet, or ``""``."""
    journal = attempt.setting.journal
    for name in list(journal.names(f"{attempt.jobid}-")):
        entry = journal.open(name)
        if entry is None:
            continue
        with entry:
            if not entry.lock():
                return f"An earlier attempt at this job ({name}) is still at work"
            earlier = Earlier.of(entry)
            if earlier is not None and not is_of_this_fax(attempt, earlier):
                count_other_number(attempt, earlier)
                if not may_go_on(entry):        # else the sweep does this when this job is done
                    _close(attempt, entry)
                continue
            held_up = _resolve(attempt, entry, earlier) if earlier is not None else ""
            if held_up:
                return held_up
            entry.remove()
    _remove_documents(attempt)
    return ""


def _close(attempt: Attempt, entry: Entry) -> None:
    """Records what another fax's attempt has sent, and removes its entry.  Where that cannot be recorded now, the entry stays
    for the next attempt or the sweep; it holds up nothing."""
    try:
        record_orphan(entry, attempt.setting.xferfaxlog)
    except SpoolError as error:
        attempt.log.line(f"An earlier fax of this number ({entry.name}) could not be recorded: {error}")
        return
    entry.remove()


def _remove_documents(attempt: Attempt) -> None:
    """Removes what earlier attempts have made for their calls; also attempts that died before they had an entry."""
    directory = attempt.spool.path("gofax", "tmp")
    with suppress(FileNotFoundError):
        for name in os.listdir(directory):
            kept = os.path.join(attempt.setting.journal.directory, name)
            if name.startswith(f"{attempt.jobid}-") and not os.path.exists(kept):
                remove_directory(os.path.join(directory, name))


def _resolve(attempt: Attempt, entry: Entry, earlier: Earlier) -> str:
    """Waits until no call of the earlier attempt goes on, then takes over what it has done.  Returns why that cannot be told,
    or ``""``."""
    if earlier.over is None:
        for launched in earlier.launched:
            held_up = _wait_for(attempt, entry, launched)
            if held_up:
                return held_up
    if earlier.launched:
        take_over(attempt, Earlier.of(entry) or earlier)
    return ""


def _wait_for(attempt: Attempt, entry: Entry, launched: Mark) -> str:
    """Waits until the call of this mark is over, if it still goes on.  Returns why that cannot be told, or ``""``."""
    ids = CallIds.from_facts(launched.facts)
    server = _server(attempt, launched.facts)
    if server is None:
        where = f"{launched.facts.get('host')}:{launched.facts.get('port')}"
        return _without_switch(attempt, entry, ids.uuid, (
            f"An earlier call of this job was placed through {where}, which freeswitch.servers names no more: name it again,"
            f" or, if that switch is gone, remove {entry.path}"
        ))
    again = partial(reconnect, server, attempt.setting.config.freeswitch.connect_timeout, ids)
    try:
        client = again()
        if not exists(client, ids.uuid):
            client.close()
            return _gone(entry, ids.uuid)
    except EventSocketError as error:
        problem = f"An earlier call of this job may still go on, and FreeSWITCH cannot be asked: {error}"
        return _without_switch(attempt, entry, ids.uuid, problem)
    except OSError as error:
        problem = f"An earlier call of this job may still go on: {server.password_file}: {error.strerror}"
        return _without_switch(attempt, entry, ids.uuid, problem)
    attempt.log.line(f"An earlier attempt ({entry.name}) still has a call; waiting for its end")
    table = deadlines(attempt.setting.config.outbound)
    follower = Follower(PlacedCall(ids, entry, again), client, table, _ignore, attempt.aborted)
    trace = follower.follow()
    if follower.client is not None:
        follower.client.close()
    if trace.kept:
        return trace.reason
    try:
        if trace.fax is not None and entry.find(Step.FAX_OVER) is None:
            entry.mark(Step.FAX_OVER, uuid=ids.uuid, fax=trace.fax.facts())
    except JournalError as error:
        return str(error)
    return ""


def _without_switch(attempt: Attempt, entry: Entry, uuid: str, problem: str) -> str:
    """A call whose FreeSWITCH cannot be asked, because of ``problem``: another call may do the rest if this call is certain to
    send nothing more.  Returns ``problem`` where it is not."""
    try:
        fate = fate_of(entry, uuid, attempt.setting.config.outbound.call_timeout)
    except JournalError as error:
        return str(error)
    if fate is Fate.UNKNOWN:
        return problem
    attempt.log.line(f"The FreeSWITCH of an earlier attempt ({entry.name}) cannot be asked; its call is {fate.value}")
    return ""


def _gone(entry: Entry, uuid: str) -> str:
    """The switch knows no such call: it was never placed, is about to be, or is over.  Makes sure of which.

    A call that is not connected is withdrawn, so that it cannot send any more.  A call that was connected has a handler,
    which may still be about to note the result: this waits for it as long as the handler holds the entry.  Returns why
    the job cannot be dialled yet, or ``""``.
    """
    try:
        if not any(mark.step is Step.CONNECTED and mark.facts.get("uuid") == uuid for mark in entry.marks()):
            entry.mark(Step.WITHDRAWN, uuid=uuid)
        if entry.withdrawn(uuid):
            return ""
        began = time.monotonic()
        while (held := entry.in_work(uuid)) is not False and entry.find(Step.FAX_OVER) is None:
            if time.monotonic() - began > SECONDS_FOR_THE_NOTE[held]:
                return STILL_AT_WORK if held else ""
            time.sleep(0.1)
    except JournalError as error:
        return str(error)
    return ""


def _server(attempt: Attempt, facts: Mapping[str, object]) -> Server | None:
    """The server on which the call was placed, if it is still configured: another server knows nothing of the call."""
    for server in attempt.setting.config.freeswitch.servers:
        if (server.host, server.port) == (facts.get("host"), facts.get("port")):
            return server
    return None


def _ignore(progress: Progress, headers: Mapping[str, str]) -> None:
    """The progress of an earlier attempt is not this one's; its pages are counted from the result."""
