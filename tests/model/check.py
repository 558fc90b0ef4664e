"""What must be true at the end of a sequence, whatever happened in it: jobs, records and leftovers held against the facts."""

from __future__ import annotations

import os
import re
from collections import Counter

from crash.audit import Audit, nothing_left
from crash.daemons import NOT_BEGUN
from model.facts import UNKNOWN, Call, Fax, Model, PageId
from model.world import World
from rig import JobState, QFile

SAME_PAGE = "attempts to send same page"
_BEGIN = re.compile(r"SEND FAX: JOB (\d+) DEST (\S+) COMMID (\d+) ")


def check(world: World) -> Audit:
    """All of it."""
    found = Audit()
    for fax in world.model.faxes:
        _pages(world.model, fax, found)
        qfile = None if fax.replaced else world.qfile(fax)
        if qfile is not None:
            _job(world.model, fax, qfile, found)
            _dials(world.model, fax, qfile, found)
    _strangers(world.model, found)
    _records(world, found)
    _session_logs(world, found)
    _left(world, found)
    return found


def twice(model: Model, fax: Fax) -> dict[PageId, int]:
    """Pages that arrived more often than can be, and how often.

    A page may come once more for each call of which it was the last one when the switch died: the far end's confirmation was
    lost with it.  No other page of that call may.
    """
    calls = list(model.calls_of(fax))
    arrived = Counter(page for call in calls for page in call.pages)
    in_flight = Counter(call.pages[-1] for call in calls if call.torn and call.pages)
    return {page: times for page, times in arrived.items() if times > 1 + min(in_flight[page], times - 1)}


def _pages(model: Model, fax: Fax, found: Audit) -> None:
    due, calls = fax.due(), list(model.calls_of(fax))
    for call in calls:
        strange = [str(page) for page in call.pages if page not in due]
        found.must(not strange, f"{_name(fax)}: call {call.number} brought {strange}, which are not to be sent to it")
        places = [due.index(page) for page in call.pages if page in due]
        found.must(places == sorted(set(places)), f"{_name(fax)}: the pages of call {call.number} came as {_list(call)}")
    doubled = twice(model, fax)
    if fax.accidents and len(fax.numbers) > 1:      # an attempt for another number is another fax (send/recover.py)
        doubled = {page: times for page, times in doubled.items() if _times_at_one_number(calls, page) > 1}
    found.must(not doubled, f"{_name(fax)}: pages arrived more than once: { {str(page): n for page, n in doubled.items()} }, in "
                            f"calls {[_list(call) for call in calls]}")


def _times_at_one_number(calls: list[Call], page: PageId) -> int:
    return max(Counter(call.number for call in calls for one in call.pages if one == page).values())


def _job(model: Model, fax: Fax, qfile: QFile, found: Audit) -> None:
    due = fax.due()
    arrived = {page for call in model.calls_of(fax) for page in call.pages}
    missing = [str(page) for page in due if page not in arrived]
    sent = qfile.number("npages") - qfile.number("nskip")
    said = f"{qfile.state.name}, returned {qfile['returned']}, {qfile['npages']} of {qfile['totpages']}, {qfile['status']!r}"
    torn = sum(call.torn for call in model.calls_of(fax))
    if qfile.state is JobState.DONE:
        found.must(not missing, f"{_name(fax)} is done, but pages {missing} did not arrive ({said})")
        found.must((qfile["returned"], qfile["status"]) == ("2", ""), f"{_name(fax)} is done and says {said}")
        right = sent == len(due) and qfile.number("npages") == fax.total() == qfile.number("totpages")
        found.must(right or fax.robbed, f"{_name(fax)} is done with {fax.total()} pages, {len(due)} to be sent, and says {said}, "
                                        f"{qfile['nskip']} skipped")
        return
    found.must(qfile.state is JobState.FAILED, f"{_name(fax)} is not over: {said}")
    found.must(qfile["status"] and qfile["returned"] != "2", f"{_name(fax)} has failed and says {said}")
    found.must(_may_fail(fax, qfile["status"]), f"{_name(fax)} has failed: {said}")
    found.must(sent <= len(arrived), f"{_name(fax)} says {said}, and only {len(arrived)} pages arrived")
    if not fax.accidents:
        found.must(sent >= len(arrived) - torn, f"{_name(fax)} says {said}, and {len(arrived)} pages arrived")


def _may_fail(fax: Fax, status: str) -> bool:
    if fax.removed or fax.robbed or not fax.due():
        return True
    return (fax.accidents > 0 and NOT_BEGUN in status) or (fax.empty >= 3 and SAME_PAGE in status)


def _dials(model: Model, fax: Fax, qfile: QFile, found: Audit) -> None:
    """``totdials`` counts calls.  Of an attempt that died about its call the order may not have come through, and one that its
    user removed before anybody answered counts nothing."""
    calls, said = sum(model.dialled[fax.called(number)] for number in set(fax.numbers)), qfile.number("totdials")
    least = calls - fax.interrupted - (fax.accidents if fax.removed else 0)
    found.must(least <= said <= calls + fax.unplaced, f"{_name(fax)}: {calls} calls, but totdials is {said}")


def _strangers(model: Model, found: Audit) -> None:
    for call in model.calls:
        found.must(model.whose(call.number) is not None, f"a call to {call.number}, which is nobody's")
        found.must(UNKNOWN not in call.pages, f"a page arrived at {call.number} that nobody has submitted")


def _records(world: World, found: Audit) -> None:
    model = world.model
    records = [record for record in _all_records(world) if record[1] == "SEND"]
    found.must(all(len(record) == 19 for record in records), "a torn record")
    commids = [record[2] for record in records]
    again = [commid for commid, times in Counter(commids).items() if times > 1]
    for commid in [] if model.renumbered else again:    # a second one for what the first could not know
        dests = {(record[4], record[7]) for record in records if record[2] == commid}
        found.must(len(dests) == 1, f"SEND records of several jobs under {commid}: {dests}")
    if world.without_log:
        found.must(not records, "records, though hylafax.xferfaxlog is empty")
        return
    for jobid in {fax.jobid for fax in model.faxes}:
        faxes = [fax for fax in model.faxes if fax.jobid == jobid]
        calls = [call for fax in faxes for call in model.calls_of(fax)]
        arrived, torn = sum(len(call.pages) for call in calls), sum(call.torn for call in calls)
        recorded = sum(int(record[10]) for record in records if record[4] == str(jobid))
        # of an attempt that was lost before its number was changed, and changed back, the record may be missing
        lost = any(fax.accidents and len(set(fax.numbers)) < len(fax.numbers) for fax in faxes)
        least = 0 if model.unlogged or lost else arrived - torn
        found.must(least <= recorded <= arrived, f"job {jobid}: SEND records of {recorded} pages, {arrived} arrived")


def _all_records(world: World) -> list[list[str]]:
    records = []
    for name in ("xferfaxlog.1", "xferfaxlog"):
        if os.path.isfile(path := world.hylafax.path("log", name)):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                records += [[field.strip('"') for field in line.rstrip("\n").split("\t")] for line in file]
    return records


def _session_logs(world: World, found: Audit) -> None:
    """Under a communication identifier there is one attempt's log, and it is of the job that names it."""
    model = world.model
    owners: dict[str, set[tuple[str, str]]] = {}
    for name in os.listdir(world.hylafax.path("log")):
        if re.fullmatch(r"c\d{9}", name):
            begun = _BEGIN.findall(world.house.session_log(name[1:]))
            found.must(len(begun) <= 1, f"log/{name} is of {len(begun)} attempts: {begun}")
            found.must(all(commid == name[1:] for _, _, commid in begun), f"log/{name} is of {begun}")
            owners[name[1:]] = {(jobid, dest) for jobid, dest, _ in begun}
    named = [(str(fax.jobid), fax.numbers, qfile["commid"]) for fax in model.faxes
             if not fax.replaced and (qfile := world.qfile(fax)) is not None]
    for jobid, numbers, commid in named:
        for owner in () if model.bared and model.renumbered else owners.get(commid, ()):    # nothing told that it was taken
            found.must(owner[0] == jobid and owner[1] in numbers, f"job {jobid} names log/c{commid}, which is of {owner}")
        found.must(not commid or commid in owners or model.bared, f"job {jobid} names log/c{commid}, which is not there")
    for record in _all_records(world):
        for owner in () if model.bared and model.renumbered else owners.get(record[2], ()):
            if record[1] == "SEND":
                found.must(owner[0] == record[4], f"a SEND record of job {record[4]} names log/c{record[2]}, which is of {owner}")


def _left(world: World, found: Audit) -> None:
    nothing_left(world.house, found)
    queue = [name for name in os.listdir(world.hylafax.path("sendq")) if name != "seqf"]
    found.must(not queue, f"sendq still holds {queue}")
    gone = {f".{fax.jobid}" for fax in world.model.faxes if fax.removed and fax.accidents}
    known = "".join(_text(world.hylafax.path("doneq", name)) for name in os.listdir(world.hylafax.path("doneq")))
    suffixes = tuple(f".{fax.jobid}" for fax in world.model.faxes if not fax.replaced)
    linked = [name for name in os.listdir(world.hylafax.path("docq")) if name.endswith(suffixes)]
    linked = [name for name in linked if f"docq/{name}\n" not in known]    # a job that failed keeps the names of its documents
    # the next attempt takes away what one that died could not; a job that was removed has none
    parts = [(name, *os.path.splitext(name)) for name in linked]
    linked = [name for name, common, suffix in parts if suffix not in gone or f"docq/{common}\n" not in known]
    found.must(not linked, f"docq still holds {linked}, and no job knows them")


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _name(fax: Fax) -> str:
    return f"job {fax.jobid} (fax {fax.index})"


def _list(call: Call) -> list[str]:
    return [str(page) for page in call.pages] + (["torn"] if call.torn else [])
