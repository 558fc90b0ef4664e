"""``gofaxctl outcomes``: the table of what each end of an attempt means for a job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Prints :func:`gofaxpy.outcome.rows` for the ``outbound.failed_response`` of the configuration."""
    from gofaxpy.outcome import rows

    found = [
        {
            "stage": row.stage.value, "end": row.end, "returned": row.returned.name.lower(), "statuscode": int(row.code),
            "status": row.code.text, "delay": row.delay.value, "counts_as": row.counts, "next_gateway": row.next_gateway,
            "why": row.why,
        }
        for row in rows(output.config.outbound.failed_response)
    ]
    output.data(found)
    output.table(("CALL", "END", "JOB", "CODE", "STATUS", "DELAY", "COUNTS", "NEXT GATEWAY", "WHY"), [
        [("yes" if value else "no") if isinstance(value, bool) else value for value in item.values()] for item in found
    ], right=(3,))
    return OK


COMMAND = Command(
    "outcomes",
    "what each end of an attempt means for a job",
    "Shows the table by which the end of an attempt becomes a job's status: hangup causes of calls that were not answered,\n"
    "and SpanDSP's results of those that were.  `failed` ends the job, `retry` has it tried again after the delay named\n"
    "(outbound.retry_…); NEXT GATEWAY says whether another one is tried at once.",
    run,
    examples="gofaxctl outcomes\ngofaxctl outcomes --json",
    inside=True,
)
