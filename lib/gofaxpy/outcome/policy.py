"""The tables as an operator reads them: ``gofaxctl outcomes``."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import (
    CONNECTED,
    CONNECTED_OTHERWISE,
    NOT_ANSWERED,
    NOT_ANSWERED_OTHERWISE,
    RULES,
    Delay,
    Row,
    Stage,
    row_of_cause,
)
from gofaxpy.switch.hangup import HangupCause
from gofaxpy.values import frozen

OTHER = "other"         # all causes, or results, without a line of their own


@frozen
class Policy:
    """One line of the policy."""

    stage: Stage
    end: str                # the rule, the hangup cause or SpanDSP's result; or OTHER
    returned: Returned
    code: StatusCode
    delay: Delay
    counts: str             # the counter that goes up: ``dial`` (ndials), ``try`` (tottries) or ``""``
    next_gateway: bool      # the next gateway is tried first
    why: str


def rows(final_causes: Collection[str] = ()) -> Iterator[Policy]:
    """The whole policy, line by line, as it holds with the operator's ``outbound.failed_response``."""
    for rule, row in RULES.items():
        yield _line(rule.value, row)
    for cause in dict.fromkeys([*NOT_ANSWERED, *(HangupCause.parse(name) for name in final_causes)]):
        if cause is not HangupCause.NONE:
            yield _line(cause.name, row_of_cause(cause, final_causes))
    yield _line(OTHER, NOT_ANSWERED_OTHERWISE)
    for code, row in CONNECTED.items():
        yield _line(code.name, row)
    yield _line(OTHER, CONNECTED_OTHERWISE)


def _line(end: str, row: Row) -> Policy:
    return Policy(row.stage, end, row.returned, row.code, row.delay, row.counts.column, row.next_gateway, row.why)
