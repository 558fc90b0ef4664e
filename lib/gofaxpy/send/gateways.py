"""Tries the gateways in order until one takes the call, one call at a time and each under a UUID of its own.

FreeSWITCH's own fail-over (``a|b`` in a dialstring) is not used: together with a UUID chosen beforehand its second leg
dies with ``Duplicate UUID!``, and the end of the first leg looks like the end of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gofaxpy.config.keys import Server
from gofaxpy.hylafax import events
from gofaxpy.journal import Entry, Step
from gofaxpy.outcome import Ending, Stage, tries_next_gateway
from gofaxpy.send.connection import Connection
from gofaxpy.send.follow import CallIds, Follower, Trace
from gofaxpy.send.launch import LaunchError, launch, new_ids, reconnect, watch
from gofaxpy.send.report import JobReport
from gofaxpy.setting import Setting
from gofaxpy.switch.client import Client, EventSocketError


def call_through_gateways(
    setting: Setting, report: JobReport, entry: Entry, line: Connection, gateways: Sequence[str], number: str,
    aborted: Callable[[], bool],
) -> Trace:
    """The trace of the last call placed; its stage is NOT_DIALLED if none could be placed.

    A server that makes no calls, or that dies before the answer, is no gateway's fault: the next server tries the same one.
    """
    caller = _Caller(setting, report, entry, line, aborted)
    trace, placed = Trace(Stage.NOT_DIALLED), None
    left = list(gateways)
    try:
        while left:
            if aborted():
                trace.aborted = True
                break
            trace = caller.call(new_ids(left[0]), number)
            placed = trace if trace.stage is not Stage.NOT_DIALLED else placed
            if caller.has_another_server(trace):
                continue
            del left[0]
            ending = Ending(trace.stage, call=trace.end, aborted=trace.aborted)
            if not tries_next_gateway(ending, setting.config.outbound.failed_response):
                break
    finally:
        caller.close()
    if placed is None or placed is trace:
        return trace
    placed.aborted = trace.aborted      # no more calls could be made after it, but it was one, and counts
    return placed


class _Caller:
    """Places single calls for one attempt, one after the other over the same connection."""

    def __init__(
        self, setting: Setting, report: JobReport, entry: Entry, line: Connection, aborted: Callable[[], bool]
    ) -> None:
        self._setting = setting
        self._report = report
        self._entry = entry
        self._line = line
        self._aborted = aborted
        self._client: Client | None = None
        self._server: Server | None = None

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def has_another_server(self, trace: Trace) -> bool:
        """Whether another server may do what the one of this call could not, being in trouble itself; it is then used from here
        on."""
        if trace.aborted or self._server is None or not (trace.refused or trace.withdrawn):
            return False
        self._report.log.line(trace.reason)
        self._line.rule_out(self._server, trace.reason)
        self.close()
        if self._line.has_servers():
            return True
        trace.reason = self._line.said()
        return False

    def call(self, ids: CallIds, number: str) -> Trace:
        """One call to its end."""
        report = self._report
        report.dialling(number, ids.gateway)
        try:
            client, server = self._watching(ids)
        except EventSocketError as error:
            return Trace(
                Stage.NOT_DIALLED, aborted=self._aborted(), reason=f"FreeSWITCH cannot be asked to call: {error}"
            )
        self._entry.note(Step.LAUNCHED, **ids.facts(), host=server.host, port=server.port)
        self._entry.sync()      # with what was noted before, and the entry's name: from here on there may be a call
        report.launched = True
        try:
            report.log.lines("\n".join(launch(client, ids, self._entry.name)))
        except LaunchError as error:
            if self._withdrawn(ids):
                return Trace(Stage.NOT_DIALLED, reason=str(error), refused=True)
            report.log.line(f"{error}; but the call is there")
        except EventSocketError as error:
            report.log.line(f"{error}; whether the call was placed has to be found out")
            self.close()
        if not report.announced:
            report.announced = True
            report.event(events.job_call_placed(report.jobid))
        again = partial(reconnect, server, self._setting.config.freeswitch.connect_timeout, ids)
        follower = Follower(
            self._client, again, ids, self._setting.config.outbound, self._entry, report.tell, self._aborted
        )
        trace = follower.follow()
        self._client = follower.client
        if trace.end is not None and trace.stage is Stage.DIALLED:
            report.log.line(f"GATEWAY {ids.gateway}: {trace.end.describe()}")
        return trace

    def _withdrawn(self, ids: CallIds) -> bool:
        """Makes certain that a call which FreeSWITCH says it has not placed sends nothing; False if it does already."""
        self._entry.mark(Step.WITHDRAWN, uuid=ids.uuid)
        return self._entry.withdrawn(ids.uuid)

    def _watching(self, ids: CallIds) -> tuple[Client, Server]:
        """A connection that is told of everything about the call; made anew where it breaks, as nothing is ordered yet.

        Raises EventSocketError."""
        for last in (False, True):
            if self._client is None or self._server is None:
                self._client, self._server = self._line.take()
                for problem in self._line.problems:
                    self._report.log.line(problem)
                if len(self._line.settings.servers) > 1:
                    self._report.log.line(f"FreeSWITCH at {self._server.host}:{self._server.port}")
            try:
                watch(self._client, ids)
                return self._client, self._server
            except EventSocketError:
                self.close()
                if last:
                    raise
        raise AssertionError("two attempts end in a return or in an error")
