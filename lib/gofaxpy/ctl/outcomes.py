"""``gofaxctl outcomes``: the policy table, what each end of an attempt means for a job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command

if TYPE_CHECKING:
    from gofaxpy.ctl.desk import Desk


def run(arguments: argparse.Namespace, desk: Desk) -> int:
    """Prints both tables of :mod:`gofaxpy.outcome`, as they apply with the configuration at hand."""
    from gofaxpy import outcome
    from gofaxpy.switch.faxresult import ResultCode
    from gofaxpy.switch.hangup import HangupCause

    final = desk.config.outbound.failed_response
    rows = []
    for cause in HangupCause:
        row = outcome.NOT_ANSWERED.get(cause, outcome.NOT_ANSWERED_OTHERWISE)
        returned = outcome.Returned.FAILED if cause.name in final else row.returned
        rows.append(("not answered", cause.name, row, returned, "dial"))
    for code in ResultCode:
        row = outcome.CONNECTED.get(code, outcome.CONNECTED_OTHERWISE)
        rows.append(("answered", code.name, row, row.returned, "dial" if row.dial_failed else "try"))
    found = [
        {
            "stage": stage, "end": end, "statuscode": int(row.code), "status": row.code.text,
            "returned": returned.name.lower(), "delay": row.delay.value, "counts_as": counts,
        }
        for stage, end, row, returned, counts in rows
    ]
    desk.data(found)
    desk.table(
        ("CALL", "END", "CODE", "STATUS", "JOB", "DELAY", "COUNTS"),
        [[item[key] for key in item if key] for item in found],
        right=(2,),
    )
    return OK


COMMAND = Command(
    "outcomes",
    "what each end of an attempt means for a job",
    "Shows the table by which the end of a call becomes a job's status: hangup causes of calls that were not answered,\n"
    "and SpanDSP's results of those that were.  `failed` ends the job, `retry` has it tried again after the delay named.",
    run,
    examples="gofaxctl outcomes\ngofaxctl outcomes --json",
    inside=True,
)
