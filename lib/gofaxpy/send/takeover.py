"""What an earlier attempt has done, taken over into qfile and xferfaxlog once its calls are over.

The earlier attempt may have died before it wrote anything, in between, or after it had settled everything but its entry.  What
it has written is concluded from what stood in the qfile when it began, which its OPENED mark says, and not from what the
documents are now, because a client may have changed them since; what it counts as is in its SETTLED mark, if it came to that.
"""

from __future__ import annotations

from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.errors import SpoolError, is_of_the_machine
from gofaxpy.outbound.lost import Earlier
from gofaxpy.outcome.limits import count
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.confirm import delivered_before
from gofaxpy.send.due import has_one_of, pages_sent, runs_of, same_fax
from gofaxpy.send.settle import write_record
from gofaxpy.values import replace


def is_of_this_fax(attempt: Attempt, earlier: Earlier) -> bool:
    """Not so of an attempt at an earlier job that had the same number, or before the number to call was changed, or of one
    whose documents the job does not name."""
    dial = attempt.setting.config.outbound.dial
    runs = runs_of(earlier.opened)
    return earlier.opened.get("same") == same_fax(attempt.qfile, dial) and (
        not runs or has_one_of(attempt.spool, attempt.qfile, runs)
    )


def take_over(attempt: Attempt, earlier: Earlier) -> None:
    """Brings qfile and xferfaxlog up to what the earlier attempt has delivered.

    Its pages leave the qfile once, it is counted once, and its pages stand in SEND records under its commid once.
    """
    before = max(pages_sent(attempt.qfile) - int(earlier.opened.get("sent", 0)), 0)     # what it has itself written there
    # the result counts all pages; what was written since may be another attempt's, to another number
    delivered = earlier.pages if earlier.fax is not None else before
    if earlier.over is None:
        attempt.log.line(f"The call of an earlier attempt ({earlier.name}) ended without a result; sending what is left")
    else:
        attempt.log.line(f"An earlier attempt ({earlier.name}) has delivered {delivered} of {earlier.due} pages")
        _take_pages(attempt, earlier, delivered)
    # The record comes first, as in settle: so an attempt that has counted itself has its record.  One that was counted by
    # count_other_number has none.
    counted = _is_counted(attempt, earlier) and earlier.settled is not None
    record = replace(earlier.record(attempt.device, attempt.params, delivered, delivered), jobid=attempt.jobid)
    recorded = counted or not earlier.has_record or xferfaxlog.is_recorded(attempt.setting.xferfaxlog, record)
    if not recorded:
        write_record(attempt, record)
    elif delivered > before:        # it has recorded itself, but did not know of these
        write_record(attempt, replace(record, pages=delivered - before))
    _count(attempt, earlier, delivered)


def count_other_number(attempt: Attempt, earlier: Earlier) -> None:
    """A call of this job to the number it had before is another fax, but one of the job's dials, as ``totdials`` counts them and
    ``maxdials`` limits them."""
    runs = runs_of(earlier.opened)
    if runs and has_one_of(attempt.spool, attempt.qfile, runs) and earlier.launched:
        _count(attempt, earlier, earlier.pages)


def _is_counted(attempt: Attempt, earlier: Earlier) -> bool:
    """Whether the qfile counts the earlier attempt: it has more dials than when that began."""
    return attempt.qfile.number("totdials") > int(earlier.opened.get("totdials", 0))


def _count(attempt: Attempt, earlier: Earlier, delivered: int) -> None:
    """Counts the earlier attempt if the qfile does not count it yet."""
    if not _is_counted(attempt, earlier):
        count(attempt.qfile, *earlier.judged(delivered))
        attempt.handle.rewrite()


def _take_pages(attempt: Attempt, earlier: Earlier, delivered: int) -> None:
    """The pages that the earlier attempt has delivered leave the qfile."""
    attempt.station = earlier.fax.remote_station if earlier.fax is not None else ""
    try:
        delivered_before(attempt, runs_of(earlier.opened) or [], delivered)
    except SpoolError as error:
        if is_of_the_machine(error):
            raise
        attempt.log.line(str(error))    # a document that is gone or broken: the job is refused for that
    finally:
        attempt.station = ""            # it is not of this attempt
