"""Scripted far ends: what answers (or does not) when the switch calls a number."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from mocks.channel.causes import phrase_of_status, reason_header, status_of_cause
from mocks.config import FarEnd
from mocks.line import FaxEndpoint, FaxSetup, FaxStats
from mocks.sip.call import CALLEE, T38Side
from mocks.sip.sofia import Caller

if TYPE_CHECKING:
    from mocks.switch import Switch

#: How long sofia waits for any answer to an INVITE (timer B), in seconds.
INVITE_TIMEOUT = 32.0
#: How long a far end that does not answer rings before its exchange gives up, in seconds.
RINGING_ENDS = 180.0
#: Completion code of a fax whose call was hung up.
DROPPED = 49
#: A caller's name that a FreeSWITCH, who decodes it (switch_url_decode, by sscanf), answers with a line break or NUL in it.
UNREADABLE = re.compile(r"%\s*(?:0[0AaDd]|[0AaDd](?![0-9A-Fa-f]))")
#: What ends most calls.
NORMAL = 'Q.850;cause=16;text="NORMAL_CLEARING"'


class ScriptedFarEnd:
    """One far end in one call. All methods may be called from any thread."""

    def __init__(self, switch: Switch, script: FarEnd) -> None:
        self._switch = switch
        self._script = script
        self._caller: Caller | None = None
        self._timers: list[Callable[[], None]] = []

    def own_time(self) -> bool:
        """A script lives in line time while it waits; until the call has reached it time is real."""
        return not self._timers

    def invite(self, caller: Caller) -> None:
        """The call comes in."""
        self._caller = caller
        script = self._script
        does = script.does
        if " " in caller.sip.number:
            caller.got_refusal(604, phrase_of_status(604))
        elif does == "closed":
            caller.got_refusal(503, phrase_of_status(503), stack=True)
        elif does == "dead" or UNREADABLE.search(caller.sip.caller_name):
            self._after(INVITE_TIMEOUT, lambda: caller.got_refusal(408, "Request Timeout", stack=True))
        elif does == "no_answer":
            self._after(script.ring or RINGING_ENDS, lambda: caller.got_refusal(480, phrase_of_status(480)))
            caller.got_ringing()
        elif script.ring is not None:
            self._after(script.ring, self._final_answer)
            caller.got_ringing()
        else:
            self._final_answer()

    def cancel(self, reason: str) -> None:
        """The caller gave up."""
        self._stop()

    def bye(self, reason: str) -> None:
        """The caller hung up."""
        self._stop()

    def hang_up(self) -> None:
        """The far end hangs up."""
        caller = self._caller
        self._stop()
        if caller is not None:
            caller.got_bye_from_far(NORMAL)

    def _final_answer(self) -> None:
        caller, script = self._caller, self._script
        if caller is None or not caller.channel.up():
            return
        if script.does == "busy":
            caller.got_refusal(486, phrase_of_status(486))
        elif script.does == "reject" and script.cause:
            status = status_of_cause(script.cause)
            caller.got_refusal(status, phrase_of_status(status), reason_header(script.cause))
        elif script.does == "reject":
            caller.got_refusal(script.status, script.phrase or phrase_of_status(script.status))
        else:
            if script.early_media:
                caller.got_early_media()
            caller.got_answer()
            self._talk(caller)

    def _talk(self, caller: Caller) -> None:
        script = self._script
        if script.does == "voice":
            caller.call.attach(CALLEE, None, None)
            if script.voice_seconds is not None:
                self._after(script.voice_seconds, self.hang_up)
            return
        shares_t38 = script.t38 in ("offer", "stall")
        caller.call.enter_fax(CALLEE, T38Side(accepts=shares_t38, requests=shares_t38))
        endpoint = FaxEndpoint(
            self._setup(caller), on_negotiate=_nothing, on_page=_nothing, on_result=self._fax_is_over
        )
        caller.call.attach(CALLEE, endpoint)

    def _setup(self, caller: Caller) -> FaxSetup:
        script = self._script
        sends = script.does == "send"
        folder = os.path.join(self._switch.config.run_dir, "far")
        os.makedirs(folder, exist_ok=True)
        document = os.path.join(folder, f"{caller.sip.number.replace('/', '_')}-{caller.sip.uuid}.tif")
        if sends and script.document:
            shutil.copyfile(script.document, document)
        return FaxSetup(
            calling=sends,
            document=document,
            transmit=sends,
            ident=script.ident.encode("utf-8", "surrogateescape"),
            ecm=script.ecm,
            v17=script.v17,
        )

    def _fax_is_over(self, stats: FaxStats) -> None:
        caller = self._caller
        if stats.result_code == DROPPED and caller is not None and caller.channel.up():
            caller.call.cut()
        elif caller is None or not caller.call.stalls(CALLEE):
            self.hang_up()  # before the caller's engine has sent its last tone: the BYE is faster

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(self._switch.scheduler.after(seconds, action))
        if self._caller is not None:
            with self._caller.channel.lock:
                self._caller.channel.notify()

    def _stop(self) -> None:
        timers, self._timers = self._timers, []
        for cancel in timers:
            cancel()


def _nothing(stats: FaxStats) -> None:
    """The far end needs no news of its own fax."""
