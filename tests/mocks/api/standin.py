"""The API command `standin`, which no FreeSWITCH has: for tests to look inside and to change the world meanwhile.

`standin gil` – who held the interpreter's lock. `standin threads` – how many threads run. `standin gateway NAME up|down`
– a gateway goes down or comes back. `standin far NUMBER` – what a number meets. `standin now` – seconds of line time.
`standin stacks` – where every thread is. `standin events lost|twice|swapped|late N` – what befalls the Nth event (from 0) on
its way to the scripts from now on, `standin events` – how many have come since.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from mocks.host.mishap import KINDS, Mishaps
from mocks.sip.routing import choose

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

USAGE = "-USAGE: standin gil|threads|now|stacks|far NUMBER|gateway NAME up|down|events [lost|twice|swapped|late N]\n"


def standin(switch: Switch, args: str, channel: Channel | None) -> str:
    """Answer one of the commands above."""
    match args.split():
        case ["gil"]:
            return switch.interpreter.gil_report() if switch.interpreter is not None else "no interpreter\n"
        case ["threads"]:
            return f"{threading.active_count()}\n"
        case ["now"]:
            return f"{switch.clock.now():.3f}\n"
        case ["stacks"]:
            return _stacks()
        case ["events", *mishap] if switch.interpreter is not None:
            return _events(switch.interpreter.mishaps, mishap)
        case ["far", number]:
            return json.dumps(dataclasses.asdict(choose(number, None, switch.config.far_ends, ()))) + "\n"
        case ["gateway", name, "up" | "down" as state] if name in switch.gateways:
            switch.gateways[name] = dataclasses.replace(switch.gateways[name], up=state == "up")
            return "+OK\n"
    return USAGE


def _events(mishaps: Mishaps, mishap: list[str]) -> str:
    match mishap:
        case []:
            return f"{mishaps.count}\n"
        case [kind, nth] if kind in KINDS and nth.isdecimal():
            mishaps.arrange(kind, int(nth))
            return "+OK\n"
    return USAGE


def _stacks() -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    return "\n".join(
        f"--- {names.get(number, number)}\n{''.join(traceback.format_stack(frame))}" for number, frame in frames.items()
    )
