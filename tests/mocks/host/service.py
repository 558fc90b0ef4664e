"""What the switch does when a script asks: every request of the interpreter and its answer.

The names of the requests are those of the methods they serve (FreeSWITCH `src/switch_cpp.cpp`). A request runs in the
switch's thread that carries the call, as it does in the real switch, so `execute` may take as long as the call lasts.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mocks.esl.event import Event
from mocks.host.consumers import Consumers
from mocks.host.gil import GilWatch
from mocks.host.mishap import Mishaps
from mocks.host.seam import ChannelLike, Quirks, SwitchServices

LOG_CRIT = 2
LOG_ERROR = 3


@dataclass(slots=True)
class _Held:
    channel: ChannelLike
    objects: int


class Service:
    """Answers requests. One for the interpreter; its methods are called from many threads at once."""

    def __init__(self, switch: SwitchServices, gil: GilWatch, quirks: Quirks) -> None:
        self._switch = switch
        self._gil = gil
        self._quirks = quirks
        self.mishaps = Mishaps()
        self._consumers = Consumers(switch, self.mishaps)
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._requests: dict[str, Callable[..., Any]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }

    def answer(self, request: dict[str, Any], where: str) -> dict[str, Any]:
        """The answer to one request of `where` (script and thread, for reports).

        Keys of a request: `op`, `args`; `held` names the call if the interpreter waits with its lock held; `drop`
        lists objects that went away meanwhile. An exception becomes `{"error": text}` and a line in the log.
        """
        self.drop(request.get("drop", ()))
        handler = self._requests[request["op"]]
        try:
            if "held" in request:
                with self._gil.hold(request["held"], where):
                    return {"ok": handler(*request["args"])}
            return {"ok": handler(*request["args"])}
        except Exception as error:  # whatever a call's code raises is told to the script that asked
            self._switch.log(LOG_ERROR, f"{request['op']} for {where} failed in the stand-in:\n{traceback.format_exc()}")
            return {"error": f"{type(error).__name__}: {error}"}

    # Objects of the scripts: a session object keeps its channel, as the read lock of the real one does.

    def hold(self, channel: ChannelLike) -> None:
        """One more session object for `channel`."""
        with self._lock:
            held = self._held.get(channel.uuid)
            if held is None:
                channel.hold()
                self._held[channel.uuid] = _Held(channel, 1)
            else:
                held.objects += 1

    def drop(self, objects: Iterable[list[Any]]) -> None:
        """Objects of scripts that are gone: `["session", uuid, hang up too]` or `["consumer", number]`."""
        for kind, name, *rest in objects:
            if kind == "consumer":
                self._consumers.close(name)
            else:
                self._drop_session(name, bool(rest[0]))

    def _drop_session(self, uuid: str, hang_up: bool) -> None:
        with self._lock:
            held = self._held.get(uuid)
            if held is None:
                return
            held.objects -= 1
            if held.objects <= 0:
                del self._held[uuid]
                held.channel.let_go()
        if hang_up and held.channel.ready():
            held.channel.hangup("NORMAL_CLEARING")

    def close(self) -> None:
        """The interpreter is gone: let go of everything, wake whoever waits for an event."""
        self._consumers.close_all()
        with self._lock:
            for held in self._held.values():
                held.channel.let_go()
            self._held.clear()

    def _channel(self, uuid: str) -> ChannelLike:
        held = self._held.get(uuid)
        if held is None:
            raise LookupError(f"no session object for {uuid}")
        return held.channel

    # Requests. Each returns what JSON can carry.

    def do_hello(self) -> None:
        """First request of a thread's own line: nothing to do."""

    def do_log(self, level: int, text: str) -> None:
        self._switch.log(level, text)

    def do_api(self, command: str, args: str) -> str:
        return self._switch.api(command, args)

    def do_msleep(self, milliseconds: int) -> None:
        time.sleep(milliseconds / 1000)

    def do_attach(self, uuid: str) -> bool:
        channel = self._switch.channel(uuid)
        if channel is None:
            return False
        self.hold(channel)
        return True

    def do_originate(self, dialstring: str) -> list[str | None]:
        channel, cause = self._switch.originate_for_session(dialstring)
        if channel is None:
            return [None, cause]
        self.hold(channel)
        return [channel.uuid, cause]

    def do_get(self, uuid: str, name: str) -> str | None:
        return self._channel(uuid).get_variable(name)

    def do_set(self, uuid: str, name: str, value: str | None) -> None:
        if self._quirks.refuse_expansions and value is not None and "${" in value:
            self._switch.log(LOG_CRIT, f"Invalid data (${{{name}}} contains a variable)")
            return
        self._channel(uuid).set_variable(name, value)

    def do_execute(self, uuid: str, app: str, data: str) -> None:
        self._channel(uuid).execute(app, data)

    def do_ready(self, uuid: str) -> bool:
        return self._channel(uuid).ready()

    def do_answered(self, uuid: str) -> bool:
        return self._channel(uuid).answered()

    def do_media_ready(self, uuid: str) -> bool:
        return self._channel(uuid).media_ready()

    def do_state(self, uuid: str) -> str:
        return self._channel(uuid).state()

    def do_hangup(self, uuid: str, cause: str) -> None:
        self._channel(uuid).hangup(cause)

    def do_answer(self, uuid: str) -> int:
        channel = self._channel(uuid)
        channel.execute("answer", "")
        return int(channel.answered())

    def do_pre_answer(self, uuid: str) -> int:
        channel = self._channel(uuid)
        channel.execute("pre_answer", "")
        return int(channel.media_ready())

    def do_sleep(self, uuid: str, milliseconds: int) -> int:
        self._channel(uuid).execute("sleep", str(milliseconds))
        return 1

    def do_play(self, uuid: str, file: str) -> int:
        channel = self._channel(uuid)
        channel.execute("playback", file)
        return int(channel.ready())

    def do_transfer(self, uuid: str, target: str) -> int:
        channel = self._channel(uuid)
        if not channel.ready():
            return 0
        channel.execute("transfer", target)
        return 1

    def do_consumer(self, length: int) -> int:
        return self._consumers.open(length)

    def do_bind(self, consumer: int, name: str | None, subclass: str | None) -> int:
        queue = self._consumers.get(consumer)
        return 0 if queue is None else queue.bind(name, subclass)

    def do_pop(self, consumer: int, block: bool, timeout_ms: int) -> list[Any] | None:
        queue = self._consumers.get(consumer)
        event = None if queue is None else queue.pop(block, timeout_ms)
        return None if event is None else [event.name, event.subclass, event.headers, event.body]

    def do_fire(self, name: str, subclass: str | None, headers: list[list[str]], body: str) -> None:
        self._switch.fire(Event(name, subclass, ((key, value) for key, value in headers), body))

    def do_drop(self) -> None:
        """A request that only brings `drop`."""
