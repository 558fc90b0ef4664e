"""The SIP end of a channel: what mod_sofia does with an INVITE that goes out, and with one that comes in.

Sources: FreeSWITCH `mod_sofia.c` (`sofia_on_hangup`, `SWITCH_MESSAGE_INDICATE_RESPOND`) and `sofia.c`
(`sofia_handle_sip_r_invite`, `sofia_handle_sip_i_bye`, `nua_i_cancel`). No packets: the two ends call each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mocks.channel.causes import NAMES, cause_of_status, phrase_of_status, q850, reason_header, status_of_cause
from mocks.sip import variables as sipvars
from mocks.sip.call import CALLEE, CALLER, Call
from mocks.switchlog import WARNING

if TYPE_CHECKING:
    from mocks.channel.channel import Channel

RINGING, SESSION_PROGRESS, OK = 180, 183, 200
FIRST_REFUSAL = 400


class FarSide(Protocol):
    """Who was called, seen from the channel that calls."""

    def invite(self, caller: Caller) -> None:
        """The INVITE arrives. Answers come back through the methods of `caller`, from any thread."""

    def cancel(self, reason: str) -> None:
        """The caller gives up before the answer; `reason` is the text of the Reason header."""

    def bye(self, reason: str) -> None:
        """The caller hangs up an answered call."""

    def own_time(self) -> bool:
        """True while the far side does something that takes real time, such as running a Python handler."""


class Endpoint:
    """What a channel needs of its SIP side; the base is one to which nothing happens."""

    end = CALLER

    def __init__(self, channel: Channel, sip: sipvars.SipCall, call: Call) -> None:
        self.channel = channel
        self.sip = sip
        self.call = call
        self.got_bye = False

    def start(self) -> None:
        """The channel waits for something to happen: send the INVITE, if there is one to send."""

    def indicate(self, status: int) -> None:
        """Tell the other side: 180, 183 or 200."""

    def hung_up(self) -> None:
        """The channel is in CS_HANGUP: tell the other side, unless it was the one that hung up."""

    def got_bye_from_far(self, reason: str) -> None:
        """BYE from the other side."""
        self.channel.signals.arrive(lambda: _got_bye(self, reason))

    def stop_media(self) -> None:
        """The channel was hung up from this side: an engine here stops in the middle of the word.

        After a BYE the end of the line stops both engines, and lets a last word through.
        """
        if not self.got_bye:
            self.call.stop(self.end)

    def pace_changed(self) -> None:
        """The channel began or ended letting time pass."""

    def _answered_is_over(self, bye: Callable[[], None]) -> bool:
        """BYE, where the call was answered and the other side has not said it; False where there is something else to say."""
        if self.got_bye:
            self._send(self.call.end)
        elif self.channel.answered():
            self.channel.set_variable("sip_hangup_disposition", "send_bye")
            self._send(bye, self.call.end)
        else:
            return False
        return True

    def _send(self, *messages: Callable[[], None]) -> None:
        """Put messages on the wire: they arrive in order, in another thread."""
        for message in messages:
            self.channel.switch.scheduler.defer(message)


class Caller(Endpoint):
    """The end of an outgoing call."""

    end = CALLER

    def __init__(self, channel: Channel, sip: sipvars.SipCall, call: Call, far: FarSide) -> None:
        super().__init__(channel, sip, call)
        self.far = far

    def start(self) -> None:
        """Send the INVITE."""
        self.far.invite(self)

    def got_ringing(self) -> None:
        """180 Ringing."""
        self._in_dialog()
        self.channel.mark_ring_ready()

    def got_early_media(self) -> None:
        """183 with a session description."""
        self._in_dialog()
        self._media()
        self.channel.mark_pre_answered()

    def got_answer(self) -> None:
        """200 OK."""
        self._in_dialog()
        self._media()
        self.channel.mark_answered()

    def got_refusal(self, status: int, phrase: str, reason: str = "", stack: bool = False) -> None:
        """A final refusal; `stack` when our own SIP stack made it up because nobody listens there."""
        channel = self.channel
        if not channel.up():
            return
        self.got_bye = True
        cause = _cause_in(reason) or cause_of_status(status)
        channel.set_variables(sipvars.no_response(self.sip) if stack else sipvars.response(self.sip))
        self._network_address()
        channel.set_variables(
            [
                ("sip_hangup_disposition", "recv_refuse"),
                ("sip_invite_failure_status", str(status)),
                ("sip_invite_failure_phrase", phrase),
                ("sip_term_status", str(status)),
                ("proto_specific_hangup_cause", f"sip:{status}"),
                ("sip_term_cause", str(q850(cause))),
            ]
        )
        channel.hangup(cause)

    def hung_up(self) -> None:
        """CANCEL or BYE, whichever fits."""
        channel = self.channel
        reason = reason_header(channel.cause)
        if not self._answered_is_over(lambda: self.far.bye(reason)):
            channel.set_variables(
                [
                    ("sip_hangup_disposition", "send_cancel"),
                    ("sip_invite_failure_status", "487"),
                    ("sip_invite_failure_phrase", "CANCEL"),
                ]
            )
            self._send(lambda: self.far.cancel(reason), self.call.end)
        if self.sip.gateway:
            channel.switch.count_gateway_call(self.sip.gateway, channel.answered())

    def _in_dialog(self) -> None:
        channel = self.channel
        with channel.lock:
            if channel.profile is not None and channel.variables.get("sip_to_tag") is None:
                channel.set_variables(sipvars.dialog(self.sip))
                channel.profile.callee_id_name = channel.profile.callee_id_number
        self._network_address()

    def _network_address(self) -> None:
        if self.channel.profile is not None:
            self.channel.profile.network_addr = sipvars.HOST

    def _media(self) -> None:
        channel = self.channel
        if not channel.write_codec:
            channel.set_variables(sipvars.remote_media(self.sip))
            channel.set_variables(sipvars.local_media(self.sip))
            channel.set_codec("PCMA")


class Callee(Endpoint):
    """The end of a call that came in; `caller` is the other end."""

    end = CALLEE

    def __init__(self, channel: Channel, sip: sipvars.SipCall, call: Call, caller: Caller) -> None:
        super().__init__(channel, sip, call)
        self.caller = caller
        self._refusal: tuple[int, str] | None = None

    def indicate(self, status: int) -> None:
        """Answer the INVITE with 180, 183 or 200; nothing happens when the caller is gone."""
        if not self.caller.channel.up():
            return
        if status == RINGING:
            self.channel.set_variables(sipvars.incoming_ringing(self.sip))
            self.channel.mark_ring_ready()
            self.caller.got_ringing()
        elif status == SESSION_PROGRESS:
            self._media()
            self.channel.mark_pre_answered()
            self.caller.got_early_media()
        elif status == OK:
            self._media()
            self.channel.mark_answered()
            self.caller.got_answer()
            self.channel.set_variables(sipvars.incoming_ack(self.sip))

    def respond(self, status: int, phrase: str) -> None:
        """The application `respond`: hang up; the refusal goes out with this status when the channel's thread is free.

        Only refusals are possible (`SWITCH_MESSAGE_INDICATE_RESPOND` with a numeric argument).
        """
        if status < FIRST_REFUSAL:
            self.channel.log(WARNING, "Cannot respond.")
        else:
            self._refusal = (status, phrase or phrase_of_status(status))
            self.channel.hangup(cause_of_status(status))

    def got_cancel(self, reason: str) -> None:
        """The caller gave up. That is two messages for the channel: the CANCEL, and the end of the INVITE."""
        self.channel.signals.arrive(lambda: self._cancelled(reason), lambda: self.channel.hangup("ORIGINATOR_CANCEL"))

    def hung_up(self) -> None:
        """BYE, or the refusal that fits the cause."""
        channel = self.channel
        reason = reason_header(channel.cause)
        if not self._answered_is_over(lambda: self.caller.got_bye_from_far(reason)):
            status = status_of_cause(channel.cause)
            status, phrase = self._refusal or (status, phrase_of_status(status))
            channel.set_variable("sip_hangup_disposition", "send_refuse")
            self._send(lambda: self.caller.got_refusal(status, phrase, reason), self.call.end)

    def _cancelled(self, reason: str) -> None:
        if self.channel.up():
            self.got_bye = True
            self.channel.set_variables(
                [
                    ("sip_hangup_disposition", "recv_cancel"),
                    ("sip_invite_failure_status", "487"),
                    ("sip_invite_failure_phrase", "CANCEL"),
                    ("sip_reason", reason),
                    ("sip_term_status", "487"),
                    ("proto_specific_hangup_cause", "sip:487"),
                    ("sip_term_cause", "487"),
                ]
            )

    def pace_changed(self) -> None:
        """Whoever rings this channel counts time differently now."""
        with self.caller.channel.changed:
            self.caller.channel.notify()

    def _media(self) -> None:
        channel = self.channel
        if channel.variables.get("local_media_ip") is None:
            channel.set_variables(sipvars.incoming_answer(self.sip))


def _got_bye(endpoint: Endpoint, reason: str) -> None:
    channel = endpoint.channel
    if not channel.up():
        return
    endpoint.got_bye = True
    cause = _cause_in(reason) or "NORMAL_CLEARING"
    channel.set_variables(
        [
            ("sip_reason", reason),
            ("sip_term_status", "200"),
            ("proto_specific_hangup_cause", "sip:200"),
            ("sip_term_cause", str(q850(cause))),
        ]
    )
    with channel.lock:  # events after CHANNEL_HANGUP already tell who hung up
        channel.hangup(cause)
        channel.set_variable("sip_hangup_disposition", "recv_bye")
    endpoint.call.end()


def _cause_in(reason: str) -> str:
    """The cause a Reason header names, "" unless it is a Q.850 one."""
    protocol, _, rest = reason.partition(";")
    if protocol != "Q.850":
        return ""
    number = rest.partition("cause=")[2].partition(";")[0]
    return NAMES.get(int(number), "") if number.isdigit() else ""
