"""The life of a channel, in the thread of the channel.

Source: FreeSWITCH `src/switch_core_state_machine.c`. INIT, ROUTING, then EXECUTE (something to do) or CONSUME_MEDIA (an
outgoing call that waits for its answer), then HANGUP, REPORTING and DESTROY. The last three come when the handler or
application has returned, however long ago the hang-up was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mocks.channel.causes import q850
from mocks.channel.states import CallState, State
from mocks.sip.profile import timestamps
from mocks.sip.variables import rtp_statistics
from mocks.switchlog import DEBUG, INFO, NOTICE

if TYPE_CHECKING:
    from mocks.channel.channel import Channel

_PACKETS_PER_SECOND = 50


def run(channel: Channel) -> None:
    """Live. The channel is out of the switch's table when this returns."""
    try:
        while channel.current_state is not State.DESTROY:
            state = channel.current_state
            if state is not channel.running_state:
                channel.set_running_state(state)
                _STATES[state](channel)
            with channel.changed:
                if channel.current_state is channel.running_state:
                    channel.changed.wait_for(lambda: channel.current_state is not channel.running_state)
    finally:
        destroy(channel)


def destroy(channel: Channel) -> None:
    """Forget the channel, once nobody holds it any more."""
    with channel.changed:
        channel.current_state = State.DESTROY if channel.running_state is not State.NONE else channel.current_state
        channel.changed.wait_for(lambda: not channel.holds)
    channel.log(NOTICE, f"Close Channel {channel.name} [CS_{channel.current_state.name}]")
    channel.switch.forget(channel)
    channel.fire("CHANNEL_DESTROY")
    if channel.running_state is not State.NONE:
        channel.set_running_state(State.DESTROY)


def flip_caller_id(channel: Channel) -> None:
    """An outgoing call that gets something to execute: from here on the called party is the caller."""
    with channel.lock:
        if channel.flag_dialplan or channel.profile is None:
            return
        channel.flag_dialplan = True
        channel.set_variable("pre_transfer_caller_id_name", channel.profile.caller_id_name)
        channel.set_variable("pre_transfer_caller_id_number", channel.profile.caller_id_number)
        channel.profile.flip()
        channel.set_variable("channel_cid_flipped", "yes")
        channel.fire("CALL_UPDATE", lead=[("Direction", "RECV")])


def transfer(channel: Channel, number: str, dialplan: str = "XML", context: str = "") -> None:
    """Let the dialplan find something to do for `number`; what is left of the current extension is dropped."""
    with channel.lock:
        if channel.profile is not None:
            channel.profile.destination_number = number
            channel.profile.dialplan = dialplan
            channel.profile.context = context or channel.profile.context
        channel.flag_dialplan = True
        channel.extension = []
    channel.set_state(State.ROUTING)


def _init(channel: Channel) -> None:
    channel.set_state(State.ROUTING)
    channel.fire("CHANNEL_CREATE")
    if channel.direction == "outbound":
        channel.fire("CHANNEL_ORIGINATE")


def _routing(channel: Channel) -> None:
    if channel.direction == "outbound" and not channel.flag_dialplan:
        channel.set_state(State.CONSUME_MEDIA)
        return
    channel.set_variable("call_uuid", channel.uuid)
    extension = channel.extension or channel.switch.dialplan.hunt(channel)
    if extension:
        channel.extension = extension
        channel.set_state(State.EXECUTE)
    else:
        channel.log(INFO, "No Route, Aborting")
        channel.hangup("NO_ROUTE_DESTINATION")


def _consume_media(channel: Channel) -> None:
    if not channel.flag_answered and channel.endpoint is not None:
        channel.endpoint.start()


def _execute(channel: Channel) -> None:
    channel.set_variable("call_uuid", channel.uuid)
    while channel.current_state is State.EXECUTE and channel.extension:
        application, data = channel.extension.pop(0)
        if not channel.switch.applications.execute(channel, application, data):
            break
    if channel.ready() and channel.current_state is State.EXECUTE:
        channel.log(NOTICE, f"{channel.name} has executed the last dialplan instruction, hanging up.")
        channel.hangup("NORMAL_CLEARING")


def _hangup(channel: Channel) -> None:
    channel.log(DEBUG, f"{channel.name} Standard HANGUP, cause: {channel.cause}")
    with channel.lock:
        channel.moment("hungup")
        channel.set_variables([("hangup_cause", channel.cause), ("hangup_cause_q850", str(q850(channel.cause)))])
        if channel.profile is not None:
            channel.set_variables(timestamps(channel.profile, channel.last_app))
        channel.set_callstate(CallState.HANGUP)
    if channel.endpoint is not None:
        channel.endpoint.hung_up()
    if channel.write_codec and channel.profile is not None and channel.flag_answered:
        times = channel.profile.times
        seconds = (times.hungup - times.answered) / 1e6
        channel.set_variables(rtp_statistics(int(seconds * _PACKETS_PER_SECOND)))
    channel.set_state(State.REPORTING)


def _reporting(channel: Channel) -> None:
    channel.fire("CHANNEL_HANGUP_COMPLETE", lead=[("Hangup-Cause", channel.cause)])
    channel.set_state(State.DESTROY)


def _stay(channel: Channel) -> None:
    """States in which the channel only waits."""


_STATES = {
    State.NEW: _stay,
    State.INIT: _init,
    State.ROUTING: _routing,
    State.SOFT_EXECUTE: _stay,
    State.EXECUTE: _execute,
    State.EXCHANGE_MEDIA: _stay,
    State.PARK: _stay,
    State.CONSUME_MEDIA: _consume_media,
    State.HIBERNATE: _stay,
    State.RESET: _stay,
    State.HANGUP: _hangup,
    State.REPORTING: _reporting,
}
