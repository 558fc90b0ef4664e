"""What the events of a channel carry.

Source: `switch_channel_event_set_basic_data` and `switch_channel_event_set_extended_data` in FreeSWITCH
`src/switch_channel.c`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mocks.esl.bus import Origin

if TYPE_CHECKING:
    from mocks.channel.channel import Channel

#: Events that carry all channel variables (`switch_channel_event_set_extended_data`).
WITH_VARIABLES = frozenset(
    "CHANNEL_CREATE CHANNEL_ORIGINATE CHANNEL_ANSWER CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_HANGUP "
    "CHANNEL_HANGUP_COMPLETE CHANNEL_DATA CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_DESTROY CALL_UPDATE "
    "PLAYBACK_START PLAYBACK_STOP CUSTOM".split()
)

_MACHINE = "switch_core_state_machine.c"
_CHANNEL = "switch_channel.c"
UNKNOWN = Origin(_CHANNEL, "", 0)
#: Where in its source FreeSWITCH fires an event of that name.
ORIGINS = {
    "CHANNEL_CREATE": Origin(_MACHINE, "switch_core_session_run", 626),
    "CHANNEL_ORIGINATE": Origin(_MACHINE, "switch_core_session_run", 632),
    "CHANNEL_STATE": Origin(_CHANNEL, "switch_channel_perform_set_running_state", 2408),
    "CHANNEL_CALLSTATE": Origin(_CHANNEL, "switch_channel_perform_set_callstate", 301),
    "CHANNEL_PROGRESS": Origin(_CHANNEL, "switch_channel_perform_mark_ring_ready_value", 3505),
    "CHANNEL_PROGRESS_MEDIA": Origin(_CHANNEL, "switch_channel_perform_mark_pre_answered", 3557),
    "CHANNEL_ANSWER": Origin(_CHANNEL, "switch_channel_perform_mark_answered", 3846),
    "CHANNEL_HANGUP": Origin(_CHANNEL, "switch_channel_perform_hangup", 3445),
    "CHANNEL_HANGUP_COMPLETE": Origin(_MACHINE, "switch_core_session_reporting_state", 943),
    "CHANNEL_DESTROY": Origin("switch_core_session.c", "switch_core_session_perform_destroy", 1584),
    "CALL_UPDATE": Origin(_CHANNEL, "switch_channel_flip_cid", 3277),
    "CHANNEL_EXECUTE": Origin("switch_core_session.c", "switch_core_session_exec", 2967),
    "CHANNEL_EXECUTE_COMPLETE": Origin("switch_core_session.c", "switch_core_session_exec", 2990),
}


def basic_headers(channel: Channel) -> list[tuple[str, str]]:
    """States, name, codecs and caller of a channel. Needs its lock."""
    if not channel.up():
        answer_state = "hangup"
    elif channel.flag_answered:
        answer_state = "answered"
    else:
        answer_state = "early" if channel.flag_early_media else "ringing"
    found = [
        ("Channel-State", f"CS_{channel.running_state.name}"),
        ("Channel-Call-State", channel.callstate.name),
        ("Channel-State-Number", str(int(channel.current_state))),
        ("Channel-Name", channel.name),
        ("Unique-ID", channel.uuid),
        ("Call-Direction", channel.direction),
        ("Presence-Call-Direction", channel.direction),
        ("Channel-HIT-Dialplan", "true" if channel.flag_dialplan else "false"),
        ("Channel-Call-UUID", channel.variables.get("call_uuid") or channel.uuid),
        ("Answer-State", answer_state),
    ]
    if channel.cause:
        found.append(("Hangup-Cause", channel.cause))
    for way, codec in (("Read", channel.read_codec), ("Write", channel.write_codec)):
        if codec:
            rate = "128000" if codec == "L16" else "64000"
            found += [
                (f"Channel-{way}-Codec-Name", codec),
                (f"Channel-{way}-Codec-Rate", "8000"),
                (f"Channel-{way}-Codec-Bit-Rate", rate),
            ]
    if channel.profile is not None:
        found += channel.profile.headers()
    return found
