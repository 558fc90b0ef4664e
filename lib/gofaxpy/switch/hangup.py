"""The end of a call: FreeSWITCH's hangup causes (ITU-T Q.850 and its own), the SIP status, and which side hung up."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from gofaxpy.switch.clean import incoming
from gofaxpy.values import frozen

HUNG_UP_BY_THEM = "recv_bye"    # mod_sofia's sip_hangup_disposition


class HangupCause(IntEnum):
    """``switch_call_cause_t`` of FreeSWITCH's switch_types.h.  Up to 127 the numbers are those of ITU-T Q.850."""

    NONE = 0
    UNALLOCATED_NUMBER = 1
    NO_ROUTE_TRANSIT_NET = 2
    NO_ROUTE_DESTINATION = 3
    CHANNEL_UNACCEPTABLE = 6
    CALL_AWARDED_DELIVERED = 7
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONSE = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    REDIRECTION_TO_NEW_DESTINATION = 23
    EXCHANGE_ROUTING_ERROR = 25
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    FACILITY_REJECTED = 29
    RESPONSE_TO_STATUS_ENQUIRY = 30
    NORMAL_UNSPECIFIED = 31
    NORMAL_CIRCUIT_CONGESTION = 34
    NETWORK_OUT_OF_ORDER = 38
    NORMAL_TEMPORARY_FAILURE = 41
    SWITCH_CONGESTION = 42
    ACCESS_INFO_DISCARDED = 43
    REQUESTED_CHAN_UNAVAIL = 44
    PRE_EMPTED = 45
    FACILITY_NOT_SUBSCRIBED = 50
    OUTGOING_CALL_BARRED = 52
    INCOMING_CALL_BARRED = 54
    BEARERCAPABILITY_NOTAUTH = 57
    BEARERCAPABILITY_NOTAVAIL = 58
    SERVICE_UNAVAILABLE = 63
    BEARERCAPABILITY_NOTIMPL = 65
    CHAN_NOT_IMPLEMENTED = 66
    FACILITY_NOT_IMPLEMENTED = 69
    SERVICE_NOT_IMPLEMENTED = 79
    INVALID_CALL_REFERENCE = 81
    INCOMPATIBLE_DESTINATION = 88
    INVALID_MSG_UNSPECIFIED = 95
    MANDATORY_IE_MISSING = 96
    MESSAGE_TYPE_NONEXIST = 97
    WRONG_MESSAGE = 98
    IE_NONEXIST = 99
    INVALID_IE_CONTENTS = 100
    WRONG_CALL_STATE = 101
    RECOVERY_ON_TIMER_EXPIRE = 102
    MANDATORY_IE_LENGTH_ERROR = 103
    PROTOCOL_ERROR = 111
    INTERWORKING = 127
    # FreeSWITCH's own
    SUCCESS = 142
    ORIGINATOR_CANCEL = 487
    CRASH = 700
    SYSTEM_SHUTDOWN = 701
    LOSE_RACE = 702
    MANAGER_REQUEST = 703
    BLIND_TRANSFER = 800
    ATTENDED_TRANSFER = 801
    ALLOTTED_TIMEOUT = 802
    USER_CHALLENGE = 803
    MEDIA_TIMEOUT = 804
    PICKED_OFF = 805
    USER_NOT_REGISTERED = 806
    PROGRESS_TIMEOUT = 807
    INVALID_GATEWAY = 808
    GATEWAY_DOWN = 809
    INVALID_URL = 810
    INVALID_PROFILE = 811
    NO_PICKUP = 812
    SRTP_READ_ERROR = 813
    BOWOUT = 814
    BUSY_EVERYWHERE = 815
    DECLINE = 816
    DOES_NOT_EXIST_ANYWHERE = 817
    NOT_ACCEPTABLE = 818
    UNWANTED = 819
    NO_IDENTITY = 820
    BAD_IDENTITY_INFO = 821
    UNSUPPORTED_CERTIFICATE = 822
    INVALID_IDENTITY = 823
    STALE_DATE = 824
    REJECT_ALL = 825

    @classmethod
    def parse(cls, text: str) -> HangupCause:
        """A cause by name (in any case) or number; NONE for anything else.

        FreeSWITCH itself takes an unknown name for NORMAL_CLEARING (``switch_channel_str2cause``), which would make
        a typing error look like a call that ended well.
        """
        word = text.strip().upper()
        if word.isascii() and word.isdigit() and len(word) <= 4:
            return cls(int(word)) if int(word) in _NUMBERS else cls.NONE
        return cls.__members__.get(word, cls.NONE)


_NUMBERS = frozenset(cause.value for cause in HangupCause)


# FreeSWITCH's answer to an originate for which it has made no channel.  No event comes for such a call.
_NO_CHANNEL = {
    # switch_core_session_request_uuid gives no session, and sofia_outgoing_channel still has its first cause
    HangupCause.DESTINATION_OUT_OF_ORDER:
        "makes no new calls: it is paused (fsctl pause), stopping, or at a limit of its own (max-sessions, sessions-per-second,"
        " min-idle-cpu)",
    HangupCause.SYSTEM_SHUTDOWN: "makes no new calls: its SIP profile is paused",       # PFLAG_STANDBY
    HangupCause.CHAN_NOT_IMPLEMENTED: "cannot call: mod_sofia is not loaded",
}
# A channel that has sent no INVITE: sofia_glue_do_invite has failed in sofia_on_init.
_NO_INVITE = "could not send the call (no RTP port, descriptor or memory left?), see its log"


@frozen
class CallEnd:
    """How a call ended.

    ``sip_status`` (0: none) and ``sip_phrase`` are the far end's answer; ``q850`` is the number that FreeSWITCH derived (0:
    none).  ``disposition`` is mod_sofia's sip_hangup_disposition: which side ended the call, and how (``recv_bye``,
    ``send_cancel``, ``recv_refuse`` …).  ``text`` is FreeSWITCH's text where it is no known cause.  ``reply_only``: this comes
    from the answer to the originate; there was no event about the end of the call.
    """

    cause: HangupCause
    sip_status: int = 0
    sip_phrase: str = ""
    q850: int = 0
    disposition: str = ""
    text: str = ""
    reply_only: bool = False

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> CallEnd:
        """From a CHANNEL_HANGUP_COMPLETE event."""
        name = headers.get("Hangup-Cause") or headers.get("variable_hangup_cause", "")
        cause = HangupCause.parse(name)
        disposition = incoming(headers.get("variable_sip_hangup_disposition"), 64)
        status, phrase = _sip_answer(headers) if not disposition.startswith("send_") else (0, "")
        return cls(
            cause, status, phrase, _number(headers.get("variable_hangup_cause_q850", ""), 127), disposition,
            "" if cause is not HangupCause.NONE else incoming(name, 100),
        )

    @classmethod
    def from_reply(cls, body: str) -> CallEnd:
        """From the body of a BACKGROUND_JOB event or a reply of ``originate``: ``-ERR CAUSE``."""
        text = incoming(body, 200).strip().removeprefix("-ERR").strip()
        cause = HangupCause.parse(text)
        q850 = cause.value if cause.value <= HangupCause.INTERWORKING else 0
        return cls(cause, q850=q850, text="" if cause is not HangupCause.NONE else text, reply_only=True)

    @classmethod
    def unknown(cls) -> CallEnd:
        """The call is over, and nothing says how it ended."""
        return cls(HangupCause.NONE)

    def not_made(self) -> str:
        """Why FreeSWITCH has sent no call, as the end of a sentence that begins with its name; ``""`` if it may have sent one.

        A call that the far end has refused has a SIP status; one that was cancelled has a disposition.
        """
        if self.sip_status or self.disposition:
            return ""
        if self.reply_only:
            return _NO_CHANNEL.get(self.cause, "")
        return _NO_INVITE if self.cause is HangupCause.DESTINATION_OUT_OF_ORDER else ""

    def describe(self) -> str:
        """The end in words, such as ``USER_BUSY (486 Busy Here)``."""
        name = self.cause.name if self.cause is not HangupCause.NONE else self.text or "no cause given"
        if not self.sip_status:
            return name
        return f"{name} ({' '.join(filter(None, (str(self.sip_status), self.sip_phrase)))})"


def _sip_answer(headers: Mapping[str, str]) -> tuple[int, str]:
    """The far end's last SIP status and phrase.

    Only for a call that this side has not ended: otherwise the variables hold a status that was never received (``487
    CANCEL``).
    """
    failure = _number(headers.get("variable_sip_invite_failure_status", ""), 699)
    if failure:
        return failure, incoming(headers.get("variable_sip_invite_failure_phrase"), 100).strip()
    protocol, _, status = headers.get("variable_proto_specific_hangup_cause", "").partition(":")
    if protocol == "sip" and _number(status, 699):
        return _number(status, 699), ""
    return _number(headers.get("variable_sip_term_status", ""), 699), ""


def _number(text: str, highest: int) -> int:
    """A decimal number from 1 to ``highest``; 0 for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    return number if number <= highest else 0
