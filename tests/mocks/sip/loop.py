"""A call that comes back: the far end is an incoming call of this same switch, through its own dialplan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mocks.sip import variables as sipvars
from mocks.sip.farend import NORMAL
from mocks.sip.profile import CallerProfile
from mocks.sip.sofia import Callee, Caller

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

#: Variables on the calling channel that shape the INVITE it sends.
TO_URI = "sip_invite_to_uri"
GATEWAY = "standin_sip_gateway"
HEADER_PREFIX = "sip_h_"


class LoopedFarSide:
    """Joins an outgoing call to a new incoming one, which runs the dialplan, or `application` if one is given."""

    def __init__(self, switch: Switch, application: tuple[str, str] | None = None) -> None:
        self._switch = switch
        self._application = application
        self._caller: Caller | None = None
        self._callee: Callee | None = None

    def own_time(self) -> bool:
        """The called channel's handler takes real time, unless it sits in an application that waits."""
        return self._callee is None or not self._callee.channel.waiting

    def invite(self, caller: Caller) -> None:
        """Make the incoming channel and let it run."""
        self._caller = caller
        channel = self._switch.new_channel("inbound")
        if channel is None:
            caller.got_refusal(503, "Maximum Calls In Progress")
            return
        outgoing = caller.channel
        sip = sipvars.SipCall(
            uuid=channel.uuid,
            caller_name=caller.sip.caller_name,
            caller_number=caller.sip.caller_number,
            number=caller.sip.number,
            to_user=_user_of(outgoing.variables.get(TO_URI) or ""),
        )
        self._callee = Callee(channel, sip, caller.call, caller)
        headers = [pair for pair in outgoing.variables.items() if pair[0].lower().startswith(HEADER_PREFIX)]
        gateway = outgoing.variables.get(GATEWAY) or caller.sip.gateway
        channel.set_variables(sipvars.incoming_invite(sip, headers, gateway))
        _describe(channel, sip, self._switch.config.context)
        channel.endpoint = self._callee
        channel.extension = [("pre_answer", ""), self._application] if self._application is not None else []
        self._switch.start(channel)
        self._callee.pace_changed()

    def cancel(self, reason: str) -> None:
        """CANCEL reaches the incoming channel."""
        if self._callee is not None:
            self._callee.got_cancel(reason)

    def hang_up(self) -> None:
        """The line breaks down: the caller hangs up, and the called end hears of it at once."""
        if self._caller is not None:
            self._caller.channel.hangup("NORMAL_CLEARING")
            self.bye(NORMAL)

    def bye(self, reason: str) -> None:
        """BYE reaches the incoming channel."""
        if self._callee is not None:
            self._callee.got_bye_from_far(reason)


def _describe(channel: Channel, sip: sipvars.SipCall, context: str) -> None:
    channel.name = f"sofia/{sip.profile}/{sip.caller_number}@{sipvars.HOST}"
    channel.set_codec("PCMA")
    channel.profile = CallerProfile(
        direction="inbound",
        uuid=channel.uuid,
        channel_name=channel.name,
        destination_number=sip.number,
        caller_id_name=sip.caller_name,
        caller_id_number=sip.caller_number,
        username=sip.caller_number,
        dialplan="XML",
        context=context,
        network_addr=sipvars.HOST,
        source="mod_sofia",
    )


def _user_of(uri: str) -> str:
    """`<sip:user@host>` or `user@host` as `user`."""
    return uri.strip("<>").removeprefix("sip:").partition("@")[0]
