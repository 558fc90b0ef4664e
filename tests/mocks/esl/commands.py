"""What the commands of the event socket do (FreeSWITCH `mod_event_socket.c`, `parse_command`)."""

from __future__ import annotations

import threading
import uuid as uuid_module
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mocks.channel.causes import cause_name
from mocks.esl.bus import Origin
from mocks.esl.event import CUSTOM, EVENT_NAMES, Event
from mocks.esl.subscription import Subscription
from mocks.switchlog import DEBUG, level_of

if TYPE_CHECKING:
    from mocks.switch import Switch

NOT_FOUND = "-ERR command not found"
UUID_LENGTH = 36
_JOB_ORIGIN = Origin("mod_event_socket.c", "api_exec", 1572)


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The answer to one command: `text` for Reply-Text, or `output` of an API command; `ends` the connection."""

    text: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=())
    output: str | None = None
    ends: bool = False


class Session:
    """The state of one connection: authenticated or not, and what it listens to."""

    def __init__(
        self, switch: Switch, subscription: Subscription, send: Callable[[tuple[int, str]], None]
    ) -> None:
        self._switch = switch
        self._subscription = subscription
        self._send = send
        self._unlog: Callable[[], None] | None = None
        self.authenticated = False

    def command(self, line: str, headers: dict[str, str], body: str) -> Interpretation:
        """Carry out one command; names of `headers` are in lower case."""
        word, _, rest = line.partition(" ")
        verb = word.lower()
        if verb.startswith("exit") or line.startswith("..."):
            return Interpretation("+OK bye", ends=True)
        if not self.authenticated:
            return self._authenticate(verb, rest)
        if verb in ("api", "bgapi") and " " in line:
            return self._api(verb, rest, headers)
        return Interpretation(self._reply(verb, rest, headers, body) or NOT_FOUND)

    def close(self) -> None:
        """The connection is gone."""
        if self._unlog is not None:
            self._unlog()
            self._unlog = None

    def _authenticate(self, verb: str, password: str) -> Interpretation:
        if verb != "auth":
            return Interpretation(NOT_FOUND)
        self.authenticated = password == self._switch.config.password
        return Interpretation("+OK accepted" if self.authenticated else "-ERR invalid", ends=not self.authenticated)

    def _api(self, verb: str, text: str, headers: dict[str, str]) -> Interpretation:
        command, _, args = text.partition(" ")
        if verb == "api":
            reply = self._switch.apis.execute(command, args)
            return Interpretation(output=f"-ERR {command} Command not found!\n" if reply is None else reply)
        job = headers.get("job-uuid", str(uuid_module.uuid4()))[:UUID_LENGTH]
        self._switch.apis.background(command, args, job, _JOB_ORIGIN)
        return Interpretation(f"+OK Job-UUID: {job}", (("Job-UUID", job),))

    def _reply(self, verb: str, rest: str, headers: dict[str, str], body: str) -> str:
        match verb:
            case "filter" if rest:
                return self._subscription.filter(rest)
            case "event" | "events":
                return self._subscription.event(rest.split())
            case "nixevent":
                return self._subscription.nixevent(rest.split())
            case "noevents":
                return self._subscription.noevents()
            case "myevents" if rest:
                return self._subscription.only(rest.split(maxsplit=1)[0])
            case "linger" | "nolinger":
                return "-ERR not controlling a session"
            case "divert_events":
                return "-ERR not controlling a session."
            case "sendevent":
                return self._sendevent(rest.strip(), headers, body)
            case "sendmsg":
                return self._sendmsg(rest.strip() or headers.get("session-id", ""), headers)
            case "log":
                return self._log(rest.strip())
            case "nolog":
                if self._unlog is None:
                    return "-ERR not loging"
                self.close()
                return "+OK no longer logging"
        return ""

    def _sendevent(self, name: str, headers: dict[str, str], body: str) -> str:
        number = str(uuid_module.uuid4())
        known = name.upper() if name.upper() in EVENT_NAMES else CUSTOM
        subclass = headers.pop("event-subclass", None)
        headers.pop("content-length", None)
        self._switch.fire(Event(known, subclass, [*headers.items(), ("Event-UUID", number)], body))
        return f"+OK {number}"

    def _sendmsg(self, uuid: str, headers: dict[str, str]) -> str:
        channel = self._switch.locate(uuid)
        if channel is None:
            return f"-ERR invalid session id [{uuid}]"
        match headers.get("call-command", ""):
            case "hangup":
                channel.hangup(cause_name(headers.get("hangup-cause", "NORMAL_CLEARING")))
            case "execute":
                order = (headers.get("execute-app-name", ""), headers.get("execute-app-arg", ""))
                threading.Thread(target=channel.execute, args=order, name=f"sendmsg {uuid}", daemon=True).start()
        return "+OK"

    def _log(self, word: str) -> str:
        level = level_of(word) if word else DEBUG
        if level is None:
            return "-ERR invalid log level"
        self.close()
        wanted = level

        def sink(line_level: int, text: str) -> None:
            if line_level <= wanted:
                self._send((line_level, text))

        self._unlog = self._switch.log.subscribe(sink)
        return f"+OK log level {word} [{level}]"
