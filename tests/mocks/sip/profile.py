"""The caller profile of a channel: who calls whom, and when what happened.

Sources: FreeSWITCH `src/switch_caller.c` (`switch_caller_profile_event_set_data`: the Caller-* headers) and
`switch_channel_set_timestamps` in `src/switch_channel.c` (the variables a call leaves behind). Times are
microseconds since 1970, 0 for what has not happened.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field


def micros() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Times:
    """When what happened to a call."""

    created: int = 0
    answered: int = 0
    progress: int = 0
    progress_media: int = 0
    hungup: int = 0


@dataclass(slots=True)
class CallerProfile:
    """Names and numbers of a call, as they stand now."""

    direction: str
    uuid: str
    channel_name: str
    destination_number: str
    caller_id_name: str = ""
    caller_id_number: str = ""
    callee_id_name: str = ""
    callee_id_number: str = ""
    orig_caller_id_name: str = ""
    orig_caller_id_number: str = ""
    ani: str = ""
    username: str = ""
    dialplan: str = ""
    context: str = "default"
    network_addr: str = ""
    source: str = "src/switch_ivr_originate.c"
    times: Times = field(default_factory=Times)

    def __post_init__(self) -> None:
        self.orig_caller_id_name = self.orig_caller_id_name or self.caller_id_name
        self.orig_caller_id_number = self.orig_caller_id_number or self.caller_id_number
        self.ani = self.ani or self.caller_id_number
        self.times.created = self.times.created or micros()

    def headers(self) -> list[tuple[str, str]]:
        """The Caller-* headers of an event; those without a value are left out."""
        pairs = [
            ("Direction", self.direction),
            ("Logical-Direction", self.direction),
            ("Username", self.username),
            ("Dialplan", self.dialplan),
            ("Caller-ID-Name", self.caller_id_name),
            ("Caller-ID-Number", self.caller_id_number),
            ("Orig-Caller-ID-Name", self.orig_caller_id_name),
            ("Orig-Caller-ID-Number", self.orig_caller_id_number),
            ("Callee-ID-Name", self.callee_id_name),
            ("Callee-ID-Number", self.callee_id_number),
            ("Network-Addr", self.network_addr),
            ("ANI", self.ani),
            ("Destination-Number", self.destination_number),
            ("Unique-ID", self.uuid),
            ("Source", self.source),
            ("Context", self.context),
            ("Channel-Name", self.channel_name),
            ("Profile-Index", "1"),
            ("Profile-Created-Time", str(self.times.created)),
            ("Channel-Created-Time", str(self.times.created)),
            ("Channel-Answered-Time", str(self.times.answered)),
            ("Channel-Progress-Time", str(self.times.progress)),
            ("Channel-Progress-Media-Time", str(self.times.progress_media)),
            ("Channel-Hangup-Time", str(self.times.hungup)),
            ("Channel-Transfer-Time", "0"),
            ("Channel-Resurrect-Time", "0"),
            ("Channel-Bridged-Time", "0"),
            ("Channel-Last-Hold", "0"),
            ("Channel-Hold-Accum", "0"),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", "false"),
            ("Privacy-Hide-Number", "false"),
        ]
        return [(f"Caller-{name}", value) for name, value in pairs if value]

    def field(self, name: str) -> str | None:
        """A field by the name the dialplan uses (`switch_caller_get_field_by_name`), None for other names."""
        fields = {
            "dialplan": self.dialplan,
            "caller_id_name": self.caller_id_name,
            "caller_id_number": self.caller_id_number,
            "callee_id_name": self.callee_id_name,
            "callee_id_number": self.callee_id_number,
            "ani": self.ani,
            "destination_number": self.destination_number,
            "username": self.username,
            "uuid": self.uuid,
            "source": self.source,
            "context": self.context,
            "chan_name": self.channel_name,
            "network_addr": self.network_addr,
            "direction": self.direction,
        }
        return fields.get(name.lower())

    def flip(self) -> None:
        """Exchange caller and callee, as happens to an outgoing call that is given something to execute."""
        self.caller_id_name, self.callee_id_name = self.callee_id_name, self.caller_id_name
        self.caller_id_number, self.callee_id_number = self.callee_id_number, self.caller_id_number


def timestamps(profile: CallerProfile, last_app: tuple[str, str] | None) -> list[tuple[str, str]]:
    """The variables set when a call is hung up: stamps, epochs, durations, last application and caller."""
    times = profile.times
    found: list[tuple[str, str]] = [("digits_dialed", "none")]
    for name, moment in (
        ("start", times.created),
        ("profile_start", times.created),
        ("answer", times.answered),
        ("progress", times.progress),
        ("progress_media", times.progress_media),
        ("end", times.hungup),
    ):
        if moment:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment // 1_000_000))
            found.append((f"{name}_stamp", stamp))
    for name, moment in (
        ("start", times.created),
        ("profile_start", times.created),
        ("answer", times.answered),
        ("bridge", 0),
        ("last_hold", 0),
    ):
        found += [(f"{name}_epoch", str(moment // 1_000_000)), (f"{name}_uepoch", str(moment))]
    found += [("hold_accum_seconds", "0"), ("hold_accum_usec", "0"), ("hold_accum_ms", "0")]
    for name, moment in (
        ("resurrect", 0),
        ("progress", times.progress),
        ("progress_media", times.progress_media),
        ("end", times.hungup),
    ):
        found += [(f"{name}_epoch", str(moment // 1_000_000)), (f"{name}_uepoch", str(moment))]
    if last_app:
        found += [("last_app", last_app[0]), ("last_arg", last_app[1])]
    number = profile.caller_id_number
    found.append(("caller_id", f'"{profile.caller_id_name}" <{number}>' if profile.caller_id_name else number))
    spans = {
        "duration": (times.created, times.hungup),
        "bill": (times.answered, times.hungup),
        "progress": (times.created, times.progress),
        "answer": (times.created, times.answered),
        "wait": (0, 0),
        "progress_media": (times.created, times.progress_media),
        "flow_bill": (times.created, times.hungup if times.answered else 0),
    }
    for unit, letter, divisor in (("sec", "", 1_000_000), ("msec", "m", 1000), ("usec", "u", 1)):
        for name, (start, end) in spans.items():
            value = end // divisor - start // divisor if start and end else 0
            found.append((f"{letter}duration" if name == "duration" else f"{name}{unit}", str(value)))
    return found
