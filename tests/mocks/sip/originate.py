"""Outgoing calls: from a dialstring to an answered channel, or to the cause of the failure.

Source: FreeSWITCH `src/switch_ivr_originate.c`. Alternatives (`a|b`) are tried in order, legs of one alternative (`a,b`)
ring together and the first answer wins. The channels tried stay held until the whole command is over: with one
`origination_uuid` for two alternatives the second finds the first still there and dies as `Duplicate UUID!`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mocks.channel.channel import Channel
from mocks.channel.variables import Variables, is_true, whole_number
from mocks.config import FarEnd
from mocks.sip import variables as sipvars
from mocks.sip.call import Call
from mocks.sip.dialstring import DEFAULT_TIMEOUT, Dialstring, DialstringError, Leg, parse_dialstring
from mocks.sip.farend import ScriptedFarEnd
from mocks.sip.loop import LoopedFarSide
from mocks.sip.profile import CallerProfile
from mocks.sip.routing import NOBODY, choose
from mocks.sip.sofia import Caller
from mocks.switchlog import CRIT, DEBUG, ERR, NOTICE

if TYPE_CHECKING:
    from mocks.switch import Switch

ENTERPRISE = ":_:"              # SWITCH_ENT_ORIGINATE_DELIM
DEFAULT_CALLER_NUMBER = "0000000000"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answered channel (still held: `release` it), or None and the cause."""

    channel: Channel | None
    cause: str


def originate(
    switch: Switch,
    dialstring: str,
    timeout: int = DEFAULT_TIMEOUT,
    caller_name: str | None = None,
    caller_number: str | None = None,
) -> Outcome:
    """Dial and wait. Blocks until answer, failure or time limit."""
    if ENTERPRISE in dialstring:    # wherever it stands; each part is dialled (here one after the other)
        outcomes = [originate(switch, part, timeout, caller_name, caller_number) for part in dialstring.split(ENTERPRISE)]
        return next((outcome for outcome in outcomes if outcome.channel is not None), outcomes[-1])
    try:
        parsed = parse_dialstring(dialstring)
    except DialstringError as error:
        switch.log.write(ERR, str(error))
        return Outcome(None, "DESTINATION_OUT_OF_ORDER")
    common = Variables(parsed.variables)
    for name, value in (("origination_caller_id_name", caller_name), ("origination_caller_id_number", caller_number)):
        if value is not None and common.get(name) is None:
            common.set(name, value)
    return _Originate(switch, parsed, common, timeout).run()


class _Originate:
    def __init__(self, switch: Switch, parsed: Dialstring, common: Variables, timeout: int) -> None:
        self._switch = switch
        self._parsed = parsed
        self._common = common
        self._limit = whole_number(common.get("originate_timeout")) or timeout
        self._progress_limit = whole_number(common.get("progress_timeout"))
        early = common.get("ignore_early_media")
        self._early_ok = not (is_true(early) or early in ("consume", "ring_ready"))
        self._ring_ok = is_true(common.get("return_ring_ready"))
        self._tried: list[Channel] = []

    def run(self) -> Outcome:
        cause = "DESTINATION_OUT_OF_ORDER"
        try:
            for alternative in self._parsed.alternatives:
                outcome = self._alternative(alternative)
                if outcome.channel is not None:
                    outcome.channel.hold()
                    return outcome
                cause = outcome.cause
        finally:
            for channel in self._tried:
                channel.let_go()
        self._switch.log.write(DEBUG, f"Originate Resulted in Error Cause: {cause}")
        return Outcome(None, cause)

    def _alternative(self, legs: Sequence[Leg]) -> Outcome:
        channels: list[Channel] = []
        cause = "DESTINATION_OUT_OF_ORDER"
        for leg in legs:
            created = self._create(leg)
            if isinstance(created, str):
                cause = created
                self._switch.log.write(
                    NOTICE, f"Cannot create outgoing channel of type [{leg.endpoint}] cause: [{created}]"
                )
            else:
                channels.append(created)
        for channel in channels:
            self._switch.start(channel)
        return self._wait(channels) if channels else Outcome(None, cause)

    def _create(self, leg: Leg) -> Channel | str:
        """A channel ready to be started, or why there is none."""
        switch = self._switch
        variables = Variables([*self._common.items(), *leg.variables])
        wanted = variables.get("origination_uuid")
        application = _loopback_application(leg)
        known = application is not None or (leg.endpoint == "sofia" and "mod_sofia" not in switch.config.absent_modules)
        if not known:
            switch.log.write(ERR, f"Could not locate channel type {leg.endpoint}")
            return "CHAN_NOT_IMPLEMENTED"
        channel = switch.new_channel("outbound", wanted)
        if channel is None:
            switch.log.write(CRIT, "Duplicate UUID!" if wanted and switch.channel(wanted) else "Error Creating Session")
            return "DESTINATION_OUT_OF_ORDER"
        looped = FarEnd(does="loop"), "loopback", "", leg.target
        route = self._route(leg, variables) if application is None else looped
        if isinstance(route, str):
            switch.abandon(channel)
            return route
        far_end, profile, gateway, number = route
        caller_name = variables.get("origination_caller_id_name") or ""
        caller_number = variables.get("origination_caller_id_number") or DEFAULT_CALLER_NUMBER
        sip = sipvars.SipCall(channel.uuid, caller_name, caller_number, number, profile, gateway)
        far: LoopedFarSide | ScriptedFarEnd
        far = LoopedFarSide(switch, application) if far_end.does == "loop" else ScriptedFarEnd(switch, far_end)
        channel.endpoint = Caller(channel, sip, Call(switch.clock, far_end, far.hang_up), far)
        channel.name = f"sofia/{profile}/{number}" if application is None else f"loopback/{number}-a"
        channel.profile = CallerProfile(
            direction="outbound",
            uuid=channel.uuid,
            channel_name=channel.name,
            destination_number=number,
            caller_id_name=caller_name,
            caller_id_number=caller_number,
            callee_id_name="Outbound Call",
            callee_id_number=number,
        )
        channel.set_variables(sipvars.outgoing_identity(sip))
        for name, value in variables.items():
            channel.set_variable(name, value, check=True)
        channel.set_variable("originate_early_media", "true" if self._early_ok else "false")
        channel.set_variable("originate_endpoint", leg.endpoint)
        channel.set_variables(sipvars.outgoing_invite(sip))
        channel.fire("CHANNEL_OUTGOING")
        channel.hold()
        self._tried.append(channel)
        return channel

    def _route(self, leg: Leg, variables: Variables) -> tuple[FarEnd, str, str, str] | str:
        """Far end, profile, gateway and number of a leg, or the cause why it leads nowhere."""
        first, _, rest = leg.target.partition("/")
        if first == "gateway":
            name, _, number = rest.partition("/")
            gateway = self._switch.gateways.get(name)
            if gateway is None:
                self._switch.log.write(ERR, f"Invalid Gateway '{name}'")
                return "INVALID_GATEWAY"
            if not gateway.up:
                self._switch.log.write(ERR, f"Gateway '{name}' is down!")
                return "GATEWAY_DOWN"
            return choose(number, gateway, self._switch.config.far_ends, variables.items()), "fax", name, number
        if first not in ("far", "fax") or not rest:
            return "INVALID_PROFILE"
        number = rest.partition("@")[0]
        if first == "far":  # the profile on the other side of the network: calls from there come in
            return choose(number, None, (), variables.items(), FarEnd(does="loop")), first, "", number
        return choose(number, None, self._switch.config.far_ends, variables.items(), NOBODY), first, "", number

    def _wait(self, channels: list[Channel]) -> Outcome:
        watch = _Watch(self._switch, channels)
        try:
            while True:
                watch.look()
                outcome = self._look(channels, watch.elapsed())
                if isinstance(outcome, Outcome):
                    return outcome
                watch.pause(outcome)
        finally:
            watch.close()

    def _look(self, channels: list[Channel], elapsed: float) -> Outcome | float:
        """What has become of the legs after `elapsed` seconds; if nothing, the seconds until the next time limit."""
        up = [channel for channel in channels if channel.up()]
        for channel in up:
            early = self._early_ok and channel.flag_early_media
            if channel.flag_answered or early or (self._ring_ok and channel.flag_ring_ready):
                self._drop(channels, "LOSE_RACE", but=channel)
                return Outcome(channel, "SUCCESS")
        if not up:
            return Outcome(None, channels[0].cause)
        if elapsed >= self._limit:
            return self._drop(channels, "NO_ANSWER")
        left = self._limit - elapsed
        # progress_timeout is over when a caller has been told of the ringing, and nobody calls here; only that of the
        # leg looks whether it rings.
        limits = [self._progress_limit]
        if not any(channel.flag_ring_ready or channel.flag_early_media for channel in channels):
            limits.append(max(whole_number(channel.variables.get("leg_progress_timeout")) for channel in channels))
        for limit in filter(None, limits):
            if elapsed >= limit:
                return self._drop(channels, "PROGRESS_TIMEOUT")
            left = min(left, limit - elapsed)
        return left

    def _drop(self, channels: list[Channel], cause: str, but: Channel | None = None) -> Outcome:
        for channel in channels:
            if channel is not but:
                channel.hangup(cause)
        return Outcome(None, next((channel.cause for channel in channels if channel.cause), cause))


def _loopback_application(leg: Leg) -> tuple[str, str] | None:
    """`loopback/app=NAME:DATA`: mod_loopback's other end runs one application (`channel_on_routing` in its source)."""
    if leg.endpoint != "loopback" or not leg.target.startswith("app="):
        return None
    name, _, data = leg.target.removeprefix("app=").partition(":")
    return name, data


class _Watch:
    """How long it has been ringing, in line time, except while the far side is busy with something real."""

    def __init__(self, switch: Switch, channels: list[Channel]) -> None:
        self._clock = switch.clock
        self._channels = channels
        self._changed = threading.Event()
        for channel in channels:
            with channel.lock:
                channel.watchers.append(self._changed)
        self._elapsed = 0.0
        self._line, self._wall = self._clock.now(), time.monotonic()
        self._real = self._takes_real_time()

    def look(self) -> None:
        """From here on changes end the next pause."""
        self._changed.clear()

    def elapsed(self) -> float:
        """Seconds so far."""
        line, wall = self._clock.now(), time.monotonic()
        self._elapsed += min(wall - self._wall, line - self._line) if self._real else line - self._line
        self._line, self._wall = line, wall
        self._real = self._takes_real_time()
        return self._elapsed

    def pause(self, seconds: float) -> None:
        """Wait until so many seconds have passed or a channel changes."""
        if self._real:
            self._changed.wait(seconds)
        else:
            self._clock.sleep(seconds, until=self._changed)

    def close(self) -> None:
        """Stop watching."""
        for channel in self._channels:
            with channel.lock:
                channel.watchers.remove(self._changed)

    def _takes_real_time(self) -> bool:
        return any(
            channel.endpoint.far.own_time() for channel in self._channels if isinstance(channel.endpoint, Caller)
        )
