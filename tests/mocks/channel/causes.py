"""Hang-up causes and SIP status codes, and how one becomes the other.

Sources: FreeSWITCH `src/include/switch_types.h` and `src/switch_channel.c` (names, numbers, Q.850),
`mod_sofia/sofia_glue.c` (status to cause), `mod_sofia/mod_sofia.c` (cause to status), RFC 3261 (phrases).
"""

from __future__ import annotations

_CAUSES = """
NONE=0 UNALLOCATED_NUMBER=1 NO_ROUTE_TRANSIT_NET=2 NO_ROUTE_DESTINATION=3 CHANNEL_UNACCEPTABLE=6
CALL_AWARDED_DELIVERED=7 NORMAL_CLEARING=16 USER_BUSY=17 NO_USER_RESPONSE=18 NO_ANSWER=19 SUBSCRIBER_ABSENT=20
CALL_REJECTED=21 NUMBER_CHANGED=22 REDIRECTION_TO_NEW_DESTINATION=23 EXCHANGE_ROUTING_ERROR=25
DESTINATION_OUT_OF_ORDER=27 INVALID_NUMBER_FORMAT=28 FACILITY_REJECTED=29 RESPONSE_TO_STATUS_ENQUIRY=30
NORMAL_UNSPECIFIED=31 NORMAL_CIRCUIT_CONGESTION=34 NETWORK_OUT_OF_ORDER=38 NORMAL_TEMPORARY_FAILURE=41
SWITCH_CONGESTION=42 ACCESS_INFO_DISCARDED=43 REQUESTED_CHAN_UNAVAIL=44 PRE_EMPTED=45 FACILITY_NOT_SUBSCRIBED=50
OUTGOING_CALL_BARRED=52 INCOMING_CALL_BARRED=54 BEARERCAPABILITY_NOTAUTH=57 BEARERCAPABILITY_NOTAVAIL=58
SERVICE_UNAVAILABLE=63 BEARERCAPABILITY_NOTIMPL=65 CHAN_NOT_IMPLEMENTED=66 FACILITY_NOT_IMPLEMENTED=69
SERVICE_NOT_IMPLEMENTED=79 INVALID_CALL_REFERENCE=81 INCOMPATIBLE_DESTINATION=88 INVALID_MSG_UNSPECIFIED=95
MANDATORY_IE_MISSING=96 MESSAGE_TYPE_NONEXIST=97 WRONG_MESSAGE=98 IE_NONEXIST=99 INVALID_IE_CONTENTS=100
WRONG_CALL_STATE=101 RECOVERY_ON_TIMER_EXPIRE=102 MANDATORY_IE_LENGTH_ERROR=103 PROTOCOL_ERROR=111 INTERWORKING=127
SUCCESS=142 ORIGINATOR_CANCEL=487 CRASH=700 SYSTEM_SHUTDOWN=701 LOSE_RACE=702 MANAGER_REQUEST=703
BLIND_TRANSFER=800 ATTENDED_TRANSFER=801 ALLOTTED_TIMEOUT=802 USER_CHALLENGE=803 MEDIA_TIMEOUT=804 PICKED_OFF=805
USER_NOT_REGISTERED=806 PROGRESS_TIMEOUT=807 INVALID_GATEWAY=808 GATEWAY_DOWN=809 INVALID_URL=810
INVALID_PROFILE=811 NO_PICKUP=812 SRTP_READ_ERROR=813 BOWOUT=814 BUSY_EVERYWHERE=815 DECLINE=816
DOES_NOT_EXIST_ANYWHERE=817 NOT_ACCEPTABLE=818 UNWANTED=819 NO_IDENTITY=820 BAD_IDENTITY_INFO=821
UNSUPPORTED_CERTIFICATE=822 INVALID_IDENTITY=823 STALE_DATE=824 REJECT_ALL=825
"""

NUMBERS: dict[str, int] = {name: int(number) for name, number in (item.split("=") for item in _CAUSES.split())}
NAMES: dict[int, str] = {number: name for name, number in NUMBERS.items()}

_LAST_Q850 = NUMBERS["INTERWORKING"]

_SIP_TO_CAUSE: dict[str, str] = {
    "200": "NORMAL_CLEARING",
    "401 402 403 407 603 608": "CALL_REJECTED",
    "404": "UNALLOCATED_NUMBER",
    "485 604": "NO_ROUTE_DESTINATION",
    "408 504": "RECOVERY_ON_TIMER_EXPIRE",
    "410": "NUMBER_CHANGED",
    "413 414 416 420 421 423 505 513": "INTERWORKING",
    "480": "NO_USER_RESPONSE",
    "400 481 500 503": "NORMAL_TEMPORARY_FAILURE",
    "486 600": "USER_BUSY",
    "484": "INVALID_NUMBER_FORMAT",
    "488 606": "INCOMPATIBLE_DESTINATION",
    "502": "NETWORK_OUT_OF_ORDER",
    "405": "SERVICE_UNAVAILABLE",
    "406 415 501": "SERVICE_NOT_IMPLEMENTED",
    "482 483": "EXCHANGE_ROUTING_ERROR",
    "487": "ORIGINATOR_CANCEL",
    "607": "UNWANTED",
    "428": "NO_IDENTITY",
    "429": "BAD_IDENTITY_INFO",
    "437": "UNSUPPORTED_CERTIFICATE",
    "438": "INVALID_IDENTITY",
}
_CAUSE_OF_STATUS = {int(code): cause for codes, cause in _SIP_TO_CAUSE.items() for code in codes.split()}

_CAUSE_TO_SIP: dict[int, str] = {
    404: "UNALLOCATED_NUMBER NO_ROUTE_TRANSIT_NET NO_ROUTE_DESTINATION",
    486: "USER_BUSY",
    408: "NO_USER_RESPONSE",
    603: "CALL_REJECTED DECLINE REJECT_ALL",
    410: "NUMBER_CHANGED REDIRECTION_TO_NEW_DESTINATION",
    502: "DESTINATION_OUT_OF_ORDER INVALID_PROFILE",
    484: "INVALID_NUMBER_FORMAT INVALID_URL INVALID_GATEWAY",
    501: "FACILITY_REJECTED FACILITY_NOT_IMPLEMENTED SERVICE_NOT_IMPLEMENTED",
    503: "REQUESTED_CHAN_UNAVAIL NORMAL_CIRCUIT_CONGESTION NETWORK_OUT_OF_ORDER NORMAL_TEMPORARY_FAILURE "
    "SWITCH_CONGESTION GATEWAY_DOWN BEARERCAPABILITY_NOTAVAIL",
    403: "OUTGOING_CALL_BARRED INCOMING_CALL_BARRED BEARERCAPABILITY_NOTAUTH STALE_DATE",
    488: "BEARERCAPABILITY_NOTIMPL INCOMPATIBLE_DESTINATION",
    504: "RECOVERY_ON_TIMER_EXPIRE",
    487: "ORIGINATOR_CANCEL",
    483: "EXCHANGE_ROUTING_ERROR",
    600: "BUSY_EVERYWHERE",
    604: "DOES_NOT_EXIST_ANYWHERE",
    606: "NOT_ACCEPTABLE",
    607: "UNWANTED",
    428: "NO_IDENTITY",
    429: "BAD_IDENTITY_INFO",
    437: "UNSUPPORTED_CERTIFICATE",
    438: "INVALID_IDENTITY",
}
_STATUS_OF_CAUSE = {cause: status for status, causes in _CAUSE_TO_SIP.items() for cause in causes.split()}

_PHRASES = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    415: "Unsupported Media Type",
    480: "Temporarily Unavailable",
    481: "Call Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}


def cause_name(text: str | int) -> str:
    """The cause meant by `text`: a name in any case, or a number. NORMAL_CLEARING for a name nobody knows."""
    if isinstance(text, int) or text[:1].isdigit():
        digits = str(text)
        while not digits.isdigit():
            digits = digits[:-1]
        return NAMES.get(int(digits), "UNKNOWN")
    name = text.upper()
    return name if name in NUMBERS else "NORMAL_CLEARING"


def q850(cause: str) -> int:
    """The Q.850 number of a cause; 16 for FreeSWITCH's own causes beyond 127."""
    number = NUMBERS.get(cause, 0)
    return number if number <= _LAST_Q850 else NUMBERS["NORMAL_CLEARING"]


def cause_of_status(status: int) -> str:
    """The hang-up cause a SIP final response becomes."""
    return _CAUSE_OF_STATUS.get(status, "NORMAL_UNSPECIFIED")


def status_of_cause(cause: str) -> int:
    """The SIP status an unanswered incoming call is refused with; 480 for everything not listed."""
    return _STATUS_OF_CAUSE.get(cause, 480)


def phrase_of_status(status: int) -> str:
    """The reason phrase of a SIP status."""
    return _PHRASES.get(status, "Because")


def reason_header(cause: str) -> str:
    """The Reason header sent with BYE, CANCEL and refusals."""
    number = NUMBERS.get(cause, 0)
    protocol = "Q.850" if 0 < number < _LAST_Q850 + 1 else "SIP"
    return f'{protocol};cause={number};text="{cause}"'
