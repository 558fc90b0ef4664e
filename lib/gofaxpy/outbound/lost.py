"""An attempt whose gofaxsend did not live to write down how it ended: what the journal has of it, and its SEND record."""

from __future__ import annotations

from collections.abc import Sequence

from gofaxpy.commids import commid_of
from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.params import NO_DCS, FaxParams
from gofaxpy.journal import Entry, Mark, Step
from gofaxpy.outcome.causes import Counts, Stage
from gofaxpy.outcome.judge import Ending, Verdict, judge
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.transfer import params_of
from gofaxpy.values import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NO_RESULT = "The sender of this attempt was ended, and its call left no result"


@frozen
class Earlier:
    """Such an attempt, as its entry in the journal has it."""

    name: str                       # of the entry
    marks: Sequence[Mark]
    opened: dict[str, Any]          # the facts of OPENED: what was to be sent
    settled: dict[str, Any] | None  # the facts of SETTLED: what the attempt itself decided, if it came to that
    over: Mark | None               # FAX_OVER
    fax: FaxResult | None           # the result in that mark

    @classmethod
    def of(cls, entry: Entry) -> Earlier | None:
        """None for an entry that does not say what was to be sent.  Raises JournalError."""
        marks = entry.marks()
        first: dict[Step, Mark] = {}        # where two observers noted the same thing, the first one counts
        for mark in marks:
            first.setdefault(mark.step, mark)
        if Step.OPENED not in first:
            return None
        over, settled = first.get(Step.FAX_OVER), first.get(Step.SETTLED)
        return cls(
            entry.name, marks, first[Step.OPENED].facts, settled.facts if settled is not None else None, over,
            FaxResult.from_facts(over.facts.get("fax")) if over is not None else None,
        )

    @property
    def launched(self) -> Sequence[Mark]:
        """A mark for each call that was ordered."""
        return [mark for mark in self.marks if mark.step is Step.LAUNCHED]

    @property
    def due(self) -> int:
        """Pages that it was to send."""
        return int(self.opened.get("pages", 0))

    @property
    def pages(self) -> int:
        """Pages that its result counts."""
        return self.fax.pages_transferred if self.fax is not None else 0

    @property
    def has_record(self) -> bool:
        """Whether it is to have a SEND record: every attempt with a call, unless it has itself decided otherwise."""
        return bool(self.launched) and (self.settled is None or self.settled.get("record") is not False)

    def judged(self, delivered: int) -> tuple[Ending, Verdict]:
        """How it ended, with ``delivered`` pages.  What the attempt has itself decided holds."""
        if self.fax is not None:
            ending = Ending(Stage.CONNECTED, self.due, delivered, fax=self.fax)
        else:
            connected = any(mark.step is Step.CONNECTED for mark in self.marks)
            ending = Ending(Stage.CONNECTED if connected else Stage.UNKNOWN, self.due, delivered, reason=NO_RESULT)
        verdict = judge(ending, ())
        decided = _counts(self.settled)
        if self.settled is None or decided is None:
            return ending, verdict
        ending = replace(ending, aborted=self.settled.get("aborted") is True)
        if self.fax is None:
            verdict = replace(verdict, text=str(self.settled.get("reason", verdict.text)))
        return ending, replace(verdict, counts=decided)

    def record(self, device: str, params: FaxParams, pages: int, delivered: int) -> xferfaxlog.Record:
        """Its record, with ``pages`` of the ``delivered`` pages; what only the job knows is left out.  ``params`` count where the
        fax has none."""
        verdict = self.judged(delivered)[1]
        fax, times = self.fax, {mark.step: mark.at for mark in self.marks}
        begun, connected = times[Step.OPENED], times.get(Step.CONNECTED, 0.0)
        reached = bool(connected) and not verdict.dial_failed
        if fax is not None and fax.rate:
            params = params_of(fax)
        end = max(times.get(Step.FAX_OVER, 0.0), connected, begun)
        return xferfaxlog.Record(
            type=xferfaxlog.RecordType.SEND, start=begun, commid=commid_of(self.name), device=device,
            station=fax.remote_station if fax is not None else "", params=params, pages=pages,
            # the clock may have been set between the marks
            job_seconds=end - begun, conn_seconds=max(end - max(connected, begun), 1.0) if reached else 0.0,
            reason=verdict.text, dcs=params.dcs() if reached else NO_DCS,
        )


def _counts(settled: dict[str, Any] | None) -> Counts | None:
    """What the attempt has decided to count as; None where the mark does not say."""
    return Counts.__members__.get(str(settled.get("counts", ""))) if settled is not None else None


def may_go_on(entry: Entry) -> bool:
    """Whether a call of this attempt may still have something to note."""
    if entry.find(Step.LAUNCHED) is None:
        return False
    return entry.held() or (entry.find(Step.FAX_OVER) is None and entry.find(Step.SETTLED) is None)


def record_orphan(entry: Entry, log: str) -> xferfaxlog.Record | None:
    """Records an attempt whose job is gone, or has become another fax, so that no next attempt can record it.  Returns the
    record that it has written.

    None where there was no call, or where ``log`` (xferfaxlog, ``""`` for none) has a record of it.  As far as the journal
    knows the job: its tag, its sender and its owner stand there for this.  Raises SpoolError.
    """
    earlier = Earlier.of(entry)
    if not log or earlier is None or not earlier.has_record:
        return None
    opened = earlier.opened
    record = earlier.record(str(opened.get("device", "")), FaxParams(), earlier.pages, earlier.pages)
    known = {"jobid": "job", "owner": "owner", "dest": "destination", "jobtag": "jobtag", "sender": "mailaddr"}
    record = replace(record, **{field: str(opened.get(fact, "")) for field, fact in known.items()})
    if xferfaxlog.is_recorded(log, record):
        return None
    xferfaxlog.append(log, record)
    return record
