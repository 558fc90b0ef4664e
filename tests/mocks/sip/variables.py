"""The variables mod_sofia sets on a channel, call by call the same ones in the same order as the real switch.

Source: event-socket conversations recorded from FreeSWITCH 1.10.12 (tests/data/transcripts). Addresses and ports
are those of a switch on loopback; nothing is sent anywhere.
"""

from __future__ import annotations

import uuid as uuid_module
import zlib
from dataclasses import dataclass

from mocks.sip.profile import micros

HOST = "127.0.0.1"
PROFILE_PORT = 5060
FAR_PORT = 5070
USER_AGENT = "FreeSWITCH-mod_sofia/1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit"
_ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REFER, NOTIFY"

Pairs = list[tuple[str, str]]

#: What the re-INVITE to T.38 sets on both ends.
T38_REINVITE: Pairs = [("sip_reply_host", HOST), ("sip_reply_port", str(FAR_PORT)), ("has_t38", "true")]


@dataclass(frozen=True, slots=True)
class SipCall:
    """What the SIP messages of one call carry. `gateway` is "" for a call without one."""

    uuid: str
    caller_name: str
    caller_number: str
    number: str
    profile: str = "fax"
    gateway: str = ""
    to_user: str = ""

    @property
    def media_port(self) -> int:
        """An even port between 16384 and 32766, always the same for one call."""
        return 16384 + zlib.crc32(self.uuid.encode()) % 8191 * 2

    @property
    def tag(self) -> str:
        """A To or From tag."""
        return uuid_module.uuid5(uuid_module.NAMESPACE_OID, self.uuid).hex[:13]

    @property
    def call_id(self) -> str:
        """The SIP Call-ID."""
        return str(uuid_module.uuid5(uuid_module.NAMESPACE_URL, self.uuid))

    def sdp(self, formats: str = "8 0 101 13") -> str:
        """A session description that offers audio."""
        return (
            f"v=0\r\no=FreeSWITCH 1 2 IN IP4 {HOST}\r\ns=FreeSWITCH\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self.media_port} RTP/AVP {formats}\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )


def outgoing_identity(call: SipCall) -> Pairs:
    """What a new outgoing channel has before the variables of the dialstring are put on it."""
    found: Pairs = [("sip_gateway_name", call.gateway)] if call.gateway else []
    return [
        *found,
        ("sip_local_network_addr", HOST),
        ("sip_profile_name", "gateway" if call.gateway else call.profile),
        ("video_media_flow", "disabled"),
        ("text_media_flow", "disabled"),
        ("channel_name", f"sofia/{call.profile}/{call.number}"),
        ("sip_destination_url", f"sip:{call.number}@{HOST}:{FAR_PORT}"),
    ]


def outgoing_invite(call: SipCall) -> Pairs:
    """What is set when the INVITE goes out."""
    contact = f"gw+{call.gateway}" if call.gateway else "mod_sofia"
    suffix = f";transport=udp;gw={call.gateway}" if call.gateway else ""
    return [
        ("rtp_use_codec_string", "PCMA,PCMU"),
        ("local_media_ip", HOST),
        ("local_media_port", str(call.media_port)),
        ("advertised_media_ip", HOST),
        ("audio_media_flow", "sendrecv"),
        ("rtp_local_sdp_str", call.sdp()),
        ("sip_outgoing_contact_uri", f"<sip:{contact}@{HOST}:{PROFILE_PORT}{suffix}>"),
        ("sip_req_uri", f"{call.number}@{HOST}:{FAR_PORT}"),
        ("sip_to_host", f"{HOST}:{FAR_PORT}"),
        ("sip_from_host", HOST),
        ("sofia_profile_name", call.profile),
        ("recovery_profile_name", call.profile),
        ("sofia_profile_url", f"sip:mod_sofia@{HOST}:{PROFILE_PORT}"),
    ]


def response(call: SipCall) -> Pairs:
    """What any answer to the INVITE sets, refusals included."""
    return [
        ("sip_call_id", call.call_id),
        ("sip_local_network_addr", HOST),
        ("sip_reply_host", HOST),
        ("sip_reply_port", str(FAR_PORT)),
        ("sip_network_ip", HOST),
        ("sip_network_port", str(FAR_PORT)),
    ]


def no_response(call: SipCall) -> Pairs:
    """What is set instead when the answer came from our own SIP stack: nobody listens there."""
    return [("sip_call_id", call.call_id), ("sip_reply_port", "0"), ("sip_network_port", "0")]


def dialog(call: SipCall) -> Pairs:
    """What a 180, 183 or 200 sets."""
    via = f"SIP/2.0/UDP {HOST};rport={PROFILE_PORT};branch=z9hG4bK{call.tag}"
    quoted = f'"{call.caller_name}" ' if call.caller_name else ""
    found = [
        *response(call)[1:],
        ("sip_user_agent", USER_AGENT),
        ("sip_allow", _ALLOW),
        ("sip_recover_contact", f"<sip:{call.number}@{HOST}:{FAR_PORT};transport=udp>"),
        ("sip_full_via", via),
        ("sip_recover_via", via),
        ("sip_from_display", call.caller_name),
        ("sip_full_from", f"{quoted}<sip:{call.caller_number}@{HOST}>;tag={call.tag}"),
        ("sip_full_to", f"<sip:{call.number}@{HOST}:{FAR_PORT}>;tag={call.tag[::-1]}"),
        ("sip_from_user", call.caller_number),
        ("sip_from_uri", f"{call.caller_number}@{HOST}"),
        ("sip_from_host", HOST),
        ("sip_to_user", call.number),
        ("sip_to_port", str(FAR_PORT)),
        ("sip_to_uri", f"{call.number}@{HOST}:{FAR_PORT}"),
        ("sip_to_host", HOST),
        ("sip_contact_params", "transport=udp"),
        ("sip_contact_user", call.number),
        ("sip_contact_port", str(FAR_PORT)),
        ("sip_contact_uri", f"{call.number}@{HOST}:{FAR_PORT}"),
        ("sip_contact_host", HOST),
        ("sip_to_tag", call.tag[::-1]),
        ("sip_from_tag", call.tag),
        ("sip_cseq", "123182892"),
        ("sip_call_id", call.call_id),
    ]
    return found


def remote_media(call: SipCall) -> Pairs:
    """What the session description of the other side sets."""
    return [
        ("switch_r_sdp", call.sdp("8 101 13")),
        ("ep_codec_string", "CORE_PCM_MODULE.PCMA@8000h@20i@64000b"),
        ("rtp_use_codec_string", "PCMA,PCMU"),
        ("remote_video_media_flow", "inactive"),
        ("remote_text_media_flow", "inactive"),
        ("remote_audio_media_flow", "sendrecv"),
        ("rtp_audio_recv_pt", "8"),
        ("rtp_use_codec_name", "PCMA"),
        ("rtp_use_codec_rate", "8000"),
        ("rtp_use_codec_ptime", "20"),
        ("rtp_use_codec_channels", "1"),
        ("rtp_last_audio_codec_string", "PCMA@8000h@20i@1c"),
        ("read_codec", "PCMA"),
        ("original_read_codec", "PCMA"),
        ("read_rate", "8000"),
        ("original_read_rate", "8000"),
        ("write_codec", "PCMA"),
        ("write_rate", "8000"),
        ("dtmf_type", "rfc2833"),
    ]


def local_media(call: SipCall) -> Pairs:
    """What is set when media begins to flow."""
    return [
        ("local_media_ip", HOST),
        ("local_media_port", str(call.media_port)),
        ("advertised_media_ip", HOST),
        ("rtp_use_timer_name", "soft"),
        ("rtp_use_pt", "8"),
        ("rtp_use_ssrc", str(zlib.crc32(call.tag.encode()))),
        ("rtp_2833_send_payload", "101"),
        ("rtp_2833_recv_payload", "101"),
        ("remote_media_ip", HOST),
        ("remote_media_port", str(call.media_port ^ 2)),
    ]


def incoming_invite(call: SipCall, extra_headers: Pairs, registered_gateway: str) -> Pairs:
    """What a new incoming channel has. `extra_headers` are `sip_h_*` variables of the caller's making."""
    to_user = call.to_user or call.number
    quoted = f'"{call.caller_name}" ' if call.caller_name else ""
    found = [
        ("sip_from_user", call.caller_number),
        ("sip_from_uri", f"{call.caller_number}@{HOST}"),
        ("sip_from_host", HOST),
        ("video_media_flow", "disabled"),
        ("text_media_flow", "disabled"),
        ("channel_name", f"sofia/{call.profile}/{call.caller_number}@{HOST}"),
        ("sip_call_id", call.call_id),
        ("sip_local_network_addr", HOST),
        ("sip_network_ip", HOST),
        ("sip_network_port", str(FAR_PORT)),
        ("sip_invite_stamp", str(micros())),
        ("sip_received_ip", HOST),
        ("sip_received_port", str(FAR_PORT)),
        ("sip_via_protocol", "udp"),
        ("sip_from_user_stripped", call.caller_number.lstrip("+")),
        ("sip_from_tag", call.tag),
        ("sofia_profile_name", call.profile),
        ("sofia_profile_url", f"sip:mod_sofia@{HOST}:{PROFILE_PORT}"),
        ("recovery_profile_name", call.profile),
        (
            "sip_Remote-Party-ID",
            f"{quoted}<sip:{call.caller_number}@{HOST}>;party=calling;screen=yes;privacy=off",
        ),
        ("sip_cid_type", "rpid"),
        ("sip_full_via", f"SIP/2.0/UDP {HOST}:{FAR_PORT};rport={FAR_PORT};branch=z9hG4bK{call.tag}"),
        ("sip_from_display", call.caller_name),
        ("sip_full_from", f"{quoted}<sip:{call.caller_number}@{HOST}>;tag={call.tag}"),
        ("sip_full_to", f"<sip:{to_user}@{HOST}:{PROFILE_PORT}>"),
        ("sip_allow", _ALLOW),
        ("sip_req_user", call.number),
        ("sip_req_port", str(PROFILE_PORT)),
        ("sip_req_uri", f"{call.number}@{HOST}:{PROFILE_PORT}"),
        ("sip_req_host", HOST),
        ("sip_to_user", to_user),
        ("sip_to_port", str(PROFILE_PORT)),
        ("sip_to_uri", f"{to_user}@{HOST}:{PROFILE_PORT}"),
        ("sip_to_host", HOST),
        ("sip_contact_params", "transport=udp"),
        ("sip_contact_user", "mod_sofia"),
        ("sip_contact_port", str(FAR_PORT)),
        ("sip_contact_uri", f"mod_sofia@{HOST}:{FAR_PORT}"),
        ("sip_contact_host", HOST),
        ("sip_user_agent", USER_AGENT),
        ("sip_via_host", HOST),
        ("sip_via_port", str(FAR_PORT)),
        ("sip_via_rport", str(FAR_PORT)),
        ("max_forwards", "70"),
        ("sip_gateway", registered_gateway),
        *extra_headers,
        *remote_media(call),
        ("audio_media_flow", "sendrecv"),
        ("remote_media_ip", HOST),
        ("remote_media_port", str(call.media_port ^ 2)),
        ("endpoint_disposition", "RECEIVED"),
    ]
    return [(name, value) for name, value in found if value]


def incoming_ringing(call: SipCall) -> Pairs:
    """What the 180 to an incoming call sets: its To has got a tag."""
    return [("sip_to_tag", call.tag[::-1])]


def incoming_answer(call: SipCall) -> Pairs:
    """What answering an incoming call sets before media flows."""
    return [("rtp_local_sdp_str", call.sdp("8 101 13")), *local_media(call)]


def incoming_ack(call: SipCall) -> Pairs:
    """What the ACK of an answered incoming call sets."""
    to_user = call.to_user or call.number
    return [
        ("sip_to_tag", call.tag[::-1]),
        ("sip_cseq", "123182939"),
        ("sip_full_via", f"SIP/2.0/UDP {HOST}:{FAR_PORT};rport={FAR_PORT};branch=z9hG4bK{call.tag[::-1]}"),
        ("sip_full_to", f"<sip:{to_user}@{HOST}:{PROFILE_PORT}>;tag={call.tag[::-1]}"),
    ]


def rtp_statistics(packets: int) -> Pairs:
    """What a call with audio leaves behind: packet counts and the quality of a line without loss."""
    counted = {"raw_bytes": packets * 172, "media_bytes": packets * 172, "packet_count": packets}
    counted["media_packet_count"] = packets
    measured = {
        "jitter_min_variance": "0.01",
        "jitter_max_variance": "5.44",
        "jitter_loss_rate": "0.00",
        "jitter_burst_rate": "0.00",
        "mean_interval": "20.00",
        "flaw_total": "0",
        "quality_percentage": "100.00",
        "mos": "4.50",
    }
    unused = ("skip_packet_count", "jitter_packet_count", "dtmf_packet_count", "cng_packet_count", "flush_packet_count")
    found = [(f"in_{name}", str(value)) for name, value in counted.items()]
    found += [(f"in_{name}", "0") for name in (*unused, "largest_jb_size")]
    found += [(f"in_{name}", value) for name, value in measured.items()]
    found += [(f"out_{name}", str(value)) for name, value in counted.items()]
    found += [(f"out_{name}", "0") for name in ("skip_packet_count", "dtmf_packet_count", "cng_packet_count")]
    found += [("rtcp_packet_count", "0"), ("rtcp_octet_count", "0")]
    return [(f"rtp_audio_{name}", value) for name, value in found]
