"""The SEND record of an attempt whose gofaxsend did not live to write it, from what the journal has of it."""

from __future__ import annotations

from collections.abc import Sequence

from gofaxpy.commids import commid_of
from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.params import NO_DCS, FaxParams
from gofaxpy.journal import Entry, Mark, Step
from gofaxpy.outcome import Ending, Stage, Verdict, judge
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.transfer import params_of
from gofaxpy.values import frozen, replace

NO_RESULT = "The sender of this attempt was ended, and its call left no result"


@frozen
class Earlier:
    """How such an attempt ended; ``delivered`` of ``due`` pages were confirmed."""

    ending: Ending
    verdict: Verdict

    @classmethod
    def of(cls, marks: Sequence[Mark], fax: FaxResult | None, delivered: int, due: int) -> Earlier:
        """``marks`` are those of its entry, ``fax`` the result in them, if there is one."""
        if fax is not None:
            ending = Ending(Stage.CONNECTED, due, delivered, fax=fax)
        else:
            connected = any(mark.step is Step.CONNECTED for mark in marks)
            ending = Ending(Stage.CONNECTED if connected else Stage.UNKNOWN, due, delivered, reason=NO_RESULT)
        return cls(ending, judge(ending, ()))

    def record(self, marks: Sequence[Mark], commid: str, device: str, params: FaxParams, pages: int) -> xferfaxlog.Record:
        """Its record, with ``pages`` pages; what only the job knows is left out.  ``params`` count where the fax has none."""
        fax, times = self.ending.fax, {mark.step: mark.at for mark in marks}
        begun, connected = times[Step.OPENED], times.get(Step.CONNECTED, 0.0)
        reached = bool(connected) and not self.verdict.dial_failed
        if fax is not None and fax.rate:
            params = params_of(fax)
        end = max(times.get(Step.FAX_OVER, 0.0), connected, begun)
        return xferfaxlog.Record(
            type=xferfaxlog.RecordType.SEND, start=begun, commid=commid, device=device,
            station=fax.remote_station if fax is not None else "", params=params, pages=pages,
            # the clock may have been set between the marks
            job_seconds=end - begun, conn_seconds=max(end - max(connected, begun), 1.0) if reached else 0.0,
            reason=self.verdict.text, dcs=params.dcs() if reached else NO_DCS,
        )


def may_go_on(entry: Entry) -> bool:
    """Whether a call of this attempt may still have something to note."""
    return entry.find(Step.LAUNCHED) is not None and (entry.find(Step.FAX_OVER) is None or entry.held())


def record_orphan(entry: Entry, log: str) -> xferfaxlog.Record | None:
    """Records an attempt whose job is gone, or has become another fax, so that no next attempt can do it; what was written.

    None where there was no call, or where ``log`` (xferfaxlog, ``""`` for none) has a record of it.  As far as the journal
    knows the job: its tag, its sender and its owner stand there for this.  Raises SpoolError.
    """
    marks, commid = entry.marks(), commid_of(entry.name)
    opened = next((mark.facts for mark in marks if mark.step is Step.OPENED), None)
    if not log or opened is None or not any(mark.step is Step.LAUNCHED for mark in marks):
        return None
    over = entry.find(Step.FAX_OVER)
    fax = FaxResult.from_facts(over.facts.get("fax")) if over is not None else None
    pages = fax.pages_transferred if fax is not None else 0
    earlier = Earlier.of(marks, fax, pages, int(opened.get("pages", 0)))
    record = earlier.record(marks, commid, str(opened.get("device", "")), FaxParams(), pages)
    known = {"jobid": "job", "owner": "owner", "dest": "destination", "jobtag": "jobtag", "sender": "mailaddr"}
    record = replace(record, **{field: str(opened.get(fact, "")) for field, fact in known.items()})
    if xferfaxlog.is_recorded(log, record):
        return None
    xferfaxlog.append(log, record)
    return record
