"""Tries the gateways in order until one takes the call, one call at a time and each under a UUID of its own.

FreeSWITCH's own fail-over (``a|b`` in a dialstring) is not used: together with a UUID chosen beforehand its second leg
dies with ``Duplicate UUID!``, and the end of the first leg looks like the end of the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gofaxpy.config.keys import Server
from gofaxpy.hylafax import events
from gofaxpy.journal import Entry, Step
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import tries_next_gateway
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.call import PlacedCall, Trace
from gofaxpy.send.deadlines import deadlines
from gofaxpy.send.follow import Follower
from gofaxpy.send.launch import CallIds, LaunchError, launch, new_ids, reconnect, watch
from gofaxpy.send.progress import dialling, listener
from gofaxpy.switch.client import Client, EventSocketError


def call_through_gateways(attempt: Attempt, gateways: Sequence[str], number: str) -> Trace:
    """The trace of the last call placed; its stage is NOT_DIALLED if none could be placed.

    A server that makes no calls, or that dies before the answer, is no gateway's fault: the next server tries the same one.
    """
    assert attempt.entry is not None, "the journal knows of a call before it is placed"
    caller = _Caller(attempt, attempt.entry)
    trace, placed = Trace(Stage.NOT_DIALLED), None
    left = list(gateways)
    try:
        while left:
            if attempt.aborted():
                trace.aborted = True
                break
            trace = caller.call(new_ids(left[0]), number)
            placed = trace if trace.stage is not Stage.NOT_DIALLED else placed
            if caller.has_another_server(trace):
                continue
            del left[0]
            if not tries_next_gateway(trace.ending(), attempt.setting.config.outbound.failed_response):
                break
    finally:
        caller.close()
    if placed is None or placed is trace:
        return trace
    placed.aborted = trace.aborted      # no more calls could be made after it, but it was one, and counts
    return placed


class _Caller:
    """Places single calls for one attempt, one after the other over the same connection."""

    def __init__(self, attempt: Attempt, entry: Entry) -> None:
        self._attempt = attempt
        self._entry = entry
        self._connection = attempt.connection
        self._client: Client | None = None
        self._server: Server | None = None

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def has_another_server(self, trace: Trace) -> bool:
        """Whether another server may do what the server of this call could not, being in trouble itself; it is then used from
        here on."""
        if trace.aborted or self._server is None or not (trace.refused or trace.withdrawn):
            return False
        self._attempt.log.line(trace.reason)
        self._connection.rule_out(self._server, trace.reason)
        self.close()
        if self._connection.has_servers():
            return True
        trace.reason = self._connection.said()
        return False

    def call(self, ids: CallIds, number: str) -> Trace:
        """One call to its end."""
        attempt = self._attempt
        dialling(attempt, number, ids.gateway)
        try:
            client, server = self._watching(ids)
        except EventSocketError as error:
            return Trace(
                Stage.NOT_DIALLED, aborted=attempt.aborted(), reason=f"FreeSWITCH cannot be asked to call: {error}"
            )
        self._entry.note(Step.LAUNCHED, **ids.facts(), host=server.host, port=server.port)
        self._entry.sync()      # with what was noted before, and the entry's name: from here on there may be a call
        attempt.launched = True
        try:
            attempt.log.lines("\n".join(launch(client, ids, self._entry.name)))
        except LaunchError as error:
            if self._withdrawn(ids):
                return Trace(Stage.NOT_DIALLED, reason=str(error), refused=True)
            attempt.log.line(f"{error}; but the call is there")
        except EventSocketError as error:
            attempt.log.line(f"{error}; whether the call was placed has to be found out")
            self.close()
        if not attempt.announced:
            attempt.announced = True
            attempt.event(events.job_call_placed(attempt.jobid))
        return self._follow(ids, server)

    def _follow(self, ids: CallIds, server: Server) -> Trace:
        attempt, config = self._attempt, self._attempt.setting.config
        call = PlacedCall(ids, self._entry, partial(reconnect, server, config.freeswitch.connect_timeout, ids))
        follower = Follower(call, self._client, deadlines(config.outbound), listener(attempt), attempt.aborted)
        trace = follower.follow()
        self._client = follower.client
        if trace.end is not None and trace.stage is Stage.DIALLED:
            attempt.log.line(f"GATEWAY {ids.gateway}: {trace.end.describe()}")
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
                self._client, self._server = self._connection.take()
                for problem in self._connection.problems:
                    self._attempt.log.line(problem)
                if len(self._connection.settings.servers) > 1:
                    self._attempt.log.line(f"FreeSWITCH at {self._server.host}:{self._server.port}")
            try:
                watch(self._client, ids)
                return self._client, self._server
            except EventSocketError:
                self.close()
                if last:
                    raise
        raise AssertionError("two attempts end in a return or in an error")
