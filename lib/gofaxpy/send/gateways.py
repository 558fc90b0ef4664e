"""Tries the gateways in order until one takes the call, one call at a time and each under a UUID of its own.

FreeSWITCH's own fail-over (``a|b`` in a dialstring) is not used: together with a UUID chosen beforehand its second leg
dies with ``Duplicate UUID!``, and the end of the first leg looks like the end of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gofaxpy.config import Server
from gofaxpy.hylafax import events
from gofaxpy.journal import Entry, Step
from gofaxpy.outcome import Ending, Stage, tries_next_gateway
from gofaxpy.send.follow import CallIds, Follower, Trace
from gofaxpy.send.launch import LaunchError, connect, launch, new_ids, reconnect, watch
from gofaxpy.send.report import JobReport
from gofaxpy.setting import Setting
from gofaxpy.switch.client import Client, EventSocketError


def call_through_gateways(
    setting: Setting, report: JobReport, entry: Entry, gateways: Sequence[str], number: str, aborted: Callable[[], bool]
) -> Trace:
    """The trace of the last call placed; its stage is NOT_DIALLED if none could be placed."""
    try:
        client, server = connect(setting.config.freeswitch, int(report.commid), report.log.line)
    except EventSocketError as error:
        return Trace(Stage.NOT_DIALLED, reason=f"FreeSWITCH cannot be asked to call: {error}")
    if len(setting.config.freeswitch.servers) > 1:
        report.log.line(f"FreeSWITCH at {server.host}:{server.port}")
    caller = _Caller(setting, report, entry, server, aborted)
    trace = Trace(Stage.NOT_DIALLED)
    current: Client | None = client
    for gateway in gateways:
        if aborted():
            trace.aborted = True
            break
        ids = new_ids(gateway)
        trace, current = caller.call(current, ids, number)
        ending = Ending(trace.stage, call=trace.end, aborted=trace.aborted)
        if current is None or not tries_next_gateway(ending, setting.config.outbound.failed_response):
            break
    if current is not None:
        current.close()
    return trace


class _Caller:
    """Places single calls for one attempt."""

    def __init__(
        self, setting: Setting, report: JobReport, entry: Entry, server: Server, aborted: Callable[[], bool]
    ) -> None:
        self._setting = setting
        self._report = report
        self._entry = entry
        self._server = server
        self._aborted = aborted

    def call(self, client: Client | None, ids: CallIds, number: str) -> tuple[Trace, Client | None]:
        """One call to its end, and the connection that is left."""
        report, server = self._report, self._server
        again = partial(reconnect, server, self._setting.config.freeswitch.connect_timeout, ids)
        try:
            client = client or again()
            report.dialling(number, ids.gateway)
            watch(client, ids)
            self._entry.mark(Step.LAUNCHED, **ids.facts(), host=server.host, port=server.port)
            report.launched = True
            report.log.lines("\n".join(launch(client, ids, self._entry.name)))
        except LaunchError as error:
            return Trace(Stage.NOT_DIALLED, reason=str(error)), client
        except (EventSocketError, OSError) as error:
            return Trace(Stage.UNKNOWN, reason=f"The connection to FreeSWITCH was lost while dialling: {error}"), None
        if not report.announced:
            report.announced = True
            report.event(events.job_call_placed(report.jobid))
        follower = Follower(
            client, again, ids, self._setting.config.outbound, self._entry, report.tell, self._aborted
        )
        trace = follower.follow()
        if trace.end is not None and trace.stage is Stage.DIALLED:
            report.log.line(f"DIAL {number} (gateway {ids.gateway}): {trace.end.describe()}")
        return trace, follower.client
