"""Dialplan applications: how one is executed, and the ones the project's dialplans and scripts use.

Sources: FreeSWITCH `src/switch_core_session.c` (`switch_core_session_execute_application_get_flags`,
`switch_core_session_exec`), `mod_dptools.c`, `src/switch_channel.c` (`switch_channel_execute_on`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mocks import switchlog
from mocks.channel.causes import cause_name
from mocks.channel.expand import expand
from mocks.channel.lifecycle import transfer
from mocks.channel.variables import is_true, whole_number
from mocks.esl.event import CUSTOM, EVENT_NAMES, Event
from mocks.sip.sofia import OK, RINGING, SESSION_PROGRESS, Callee
from mocks.sip.tokens import separate

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

Function = Callable[["Channel", str], None]

#: Milliseconds of line time for which a stream of silence without an end plays: until the hang-up.
_FOREVER = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Application:
    """`media`: needs audio (an incoming call gets early media for it). `zombie`: runs after the hang-up too."""

    function: Function
    media: bool = False
    zombie: bool = False


class Applications:
    """The table of applications, and their execution."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._table: dict[str, Application] = dict(_BASIC)

    def add(self, name: str, application: Application) -> None:
        """Register an application."""
        self._table[name] = application

    def execute(self, channel: Channel, name: str, data: str) -> bool:
        """Run one; False when the dialplan must not go on: it is unknown, or there is no audio for it."""
        own_thread = threading.current_thread() is channel.thread
        script = channel.signals.enter_script(False) if own_thread else False
        try:
            return self._execute(channel, name, data)
        finally:
            if script:
                channel.signals.enter_script(True)

    def _execute(self, channel: Channel, name: str, data: str) -> bool:
        application = self._table.get(name.lower())
        if not channel.up():
            if application is None:
                return False
            if not application.zombie:
                channel.log(
                    switchlog.DEBUG,
                    f"{channel.name} Channel is hungup and application '{name}' does not have the zombie_exec flag.",
                )
                return True
        elif application is None:
            channel.log(switchlog.ERR, f"Invalid Application {name}")
            channel.hangup("DESTINATION_OUT_OF_ORDER")
            return False
        elif application.media and not channel.media_ready() and not _get_media(channel):
            return False
        self._run(channel, name.lower(), application, data)
        return True

    def execute_on(self, channel: Channel, prefix: str) -> None:
        """Run what the variables whose names begin with `prefix` say: `app`, `app argument` or `app:argument`."""
        with channel.lock:
            wanted = [value for name, value in channel.variables.items() if name.lower().startswith(prefix)]
        for value in wanted:
            for order in value.removeprefix("ARRAY::").split("|:") if value.startswith("ARRAY::") else [value]:
                cut = next((i for i, char in enumerate(order) if char in " :"), len(order))
                self.execute(channel, order[:cut], order[cut + 1 :])

    def expand(self, channel: Channel, text: str) -> str:
        """Replace the variables and commands in `text`."""
        return expand(text, channel.get_variable, lambda name, args: self._switch.api(name, args, channel))

    def _run(self, channel: Channel, name: str, application: Application, data: str) -> None:
        expanded = data
        if not is_true(channel.get_variable("app_disable_expand_variables")):
            expanded = self.expand(channel, data)
        channel.log(switchlog.INFO, f"EXECUTE [depth=0] {channel.name} {name}({expanded})")
        with channel.lock:
            channel.last_app = (name, expanded)
            channel.variables.set("current_application_data", expanded)
            channel.variables.set("current_application_response", None)
            channel.variables.set("current_application", name)
        number = str(uuid.uuid4())
        described = [("Application", name), ("Application-Data", expanded), ("Application-UUID", number)]
        channel.fire("CHANNEL_EXECUTE", tail=described)
        application.function(channel, expanded)
        response = channel.variables.get("current_application_response") or "_none_"
        channel.fire(
            "CHANNEL_EXECUTE_COMPLETE", tail=[*described[:2], ("Application-Response", response), described[2]]
        )


def _get_media(channel: Channel) -> bool:
    if channel.direction == "inbound":
        _pre_answer(channel, "")
    return channel.media_ready()


def answer(channel: Channel, data: str) -> None:
    """Answer an incoming call; nothing happens to an outgoing one, or to one that is answered or over."""
    if not channel.flag_answered:
        _indicate(channel, OK)


def _pre_answer(channel: Channel, data: str) -> None:
    if not (channel.flag_answered or channel.flag_early_media):
        _indicate(channel, SESSION_PROGRESS)


def _ring_ready(channel: Channel, data: str) -> None:
    if not (channel.flag_answered or channel.flag_ring_ready):
        _indicate(channel, RINGING)


def _indicate(channel: Channel, status: int) -> None:
    if channel.up() and isinstance(channel.endpoint, Callee):
        channel.endpoint.indicate(status)


def _respond(channel: Channel, data: str) -> None:
    code, _, phrase = data.partition(" ")
    status = whole_number(code) or 488
    if isinstance(channel.endpoint, Callee):
        channel.endpoint.respond(status, phrase)


def _hangup(channel: Channel, data: str) -> None:
    channel.hangup(cause_name(data) if data else "NORMAL_CLEARING")


def _sleep(channel: Channel, data: str) -> None:
    if not data:
        channel.log(switchlog.ERR, "No timeout specified.")
    else:
        channel.wait(whole_number(data) / 1000)


def _playback(channel: Channel, data: str) -> None:
    """Only streams of silence: `silence_stream://MILLISECONDS[,NOISE]`, -1 until the hang-up."""
    if not data.startswith("silence_stream://"):
        channel.log(switchlog.ERR, f"Cannot play {data!r}: the stand-in knows silence_stream:// only")
        channel.set_variable("current_application_response", "FILE NOT FOUND")
        return
    milliseconds = whole_number(data.removeprefix("silence_stream://"))
    channel.wait(milliseconds / 1000 if milliseconds >= 0 else _FOREVER)
    channel.set_variable("current_application_response", "FILE PLAYED")


def _set(channel: Channel, data: str) -> None:
    separator = "=" if "=" in data else ","
    name, _, value = data.partition(separator)
    if not name:
        channel.log(switchlog.ERR, "No variable name specified.")
        return
    channel.set_variable(name, channel.switch.applications.expand(channel, value))


def _multiset(channel: Channel, data: str) -> None:
    for pair in separate(data, " ", 256):
        _set(channel, pair)


def _export(channel: Channel, data: str) -> None:
    _set(channel, data.removeprefix("nolocal:"))


def _unset(channel: Channel, data: str) -> None:
    channel.set_variable(data, None)


def _log(channel: Channel, data: str) -> None:
    word, blank, text = data.partition(" ")
    level = switchlog.level_of(word) if blank else None
    channel.log(switchlog.DEBUG if level is None else level, text if blank else word)


def _info(channel: Channel, data: str) -> None:
    lines = "\n".join(f"{name}: [{value}]" for name, value in channel.headers("CHANNEL_DATA"))
    channel.log(switchlog.INFO, f"CHANNEL_DATA:\n{lines}")


def _event(channel: Channel, data: str) -> None:
    """Fire an event with the headers of the data: `Event-Name=CUSTOM,Event-Subclass=x,name=value`."""
    pairs = [tuple(separate(item, "=", 2)) for item in separate(data, ",", 64)]
    headers = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    name = headers.pop("Event-Name", CUSTOM)
    subclass = headers.pop("Event-Subclass", None)
    if name in EVENT_NAMES:
        own = channel.headers("CUSTOM")
        channel.switch.fire(Event(name, subclass, [*own, *headers.items()]))


def _sched_hangup(channel: Channel, data: str) -> None:
    channel.switch.schedule_hangup(channel.uuid, *separate(data, " ", 3))


def _nothing(channel: Channel, data: str) -> None:
    """`eval`: what it does is the expansion of its data."""


def _transfer(channel: Channel, data: str) -> None:
    """`EXTENSION [DIALPLAN [CONTEXT]]`: through the dialplan again, when this application and its caller are done."""
    words = separate(data, " ", 3)
    if words and channel.profile is not None:
        transfer(channel, words[0], *words[1:])


def _park(channel: Channel, data: str) -> None:
    channel.wait(_FOREVER)


_BASIC: dict[str, Application] = {
    "answer": Application(answer),
    "pre_answer": Application(_pre_answer),
    "ring_ready": Application(_ring_ready),
    "respond": Application(_respond),
    "hangup": Application(_hangup),
    "sleep": Application(_sleep),
    "playback": Application(_playback, media=True),
    "park": Application(_park),
    "set": Application(_set, zombie=True),
    "multiset": Application(_multiset, zombie=True),
    "export": Application(_export, zombie=True),
    "unset": Application(_unset, zombie=True),
    "log": Application(_log, zombie=True),
    "info": Application(_info, zombie=True),
    "event": Application(_event, zombie=True),
    "eval": Application(_nothing, zombie=True),
    "sched_hangup": Application(_sched_hangup),
    "transfer": Application(_transfer),
}
