"""Scripted far ends on a real FreeSWITCH: each is an extension in the dialplan of the second SIP profile.

The scripts are those of the stand-in (``tests/mocks/config.py``), so that a scenario meets the same far end on both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from rig.rundir import RigError

HANGUP_AFTER_PAGES = "rig_hangup_after_pages"
"""Channel variable: the call is ended soon after so many pages (:mod:`rig.live.watcher`)."""
LINE = "LIVE_LINE"
"""Environment variable: ``audio`` or ``t38``, for far ends of which nothing is said.  In T.38 a fax does not mind that
packets come late, as they do where other programs keep the processors busy."""
_SILENCE = "silence_stream://-1"
_SHORT_PHRASES = {404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Step:
    """A dialplan application and its data."""

    application: str
    data: str = ""


class Places(Protocol):
    """Where our own profile is."""

    @property
    def address(self) -> str: ...
    @property
    def fax_port(self) -> int: ...


def lines_have_t38() -> bool:
    """Do far ends of which nothing is said take T.38 when we ask for it?"""
    return os.environ.get(LINE) == "t38"


def far_end_steps(script: Mapping[str, object], at: Places, far: str) -> Sequence[Step]:
    """What a far end does, as dialplan applications; ``far`` is the directory for what it receives.

    Raises RigError for what only the stand-in's far ends can do.
    """
    settings = dict(script)
    does = settings.get("does", "fax")
    if isinstance(does, Mapping):
        settings.update(does)
        does = settings["does"]
    make = _BEHAVIOURS.get(str(does))
    if make is None:
        raise RigError(f"a far end on a real FreeSWITCH cannot be {does!r}")
    if does == "loop":
        return [Step("redirect", f"sip:${{destination_number}}@{at.address}:{at.fax_port}")]
    return [*_ringing(settings), *make(settings, far)]


def _ringing(script: Mapping[str, object]) -> list[Step]:
    steps = []
    if script.get("ring") is not None:
        steps += [Step("ring_ready"), Step("sleep", str(round(1000 * float(str(script["ring"])))))]
    if script.get("early_media"):
        steps.append(Step("pre_answer"))
    return steps


def _fax(script: Mapping[str, object], far: str) -> list[Step]:
    file = f"{far}/${{destination_number}}-${{uuid}}.tif"
    return [*_terms(script), Step("rxfax", file), *_end(script)]


def _send(script: Mapping[str, object], far: str) -> list[Step]:
    return [*_terms(script), Step("txfax", str(script.get("document", ""))), *_end(script)]


def _terms(script: Mapping[str, object]) -> list[Step]:
    t38 = script.get("t38") in ("offer", "stall")
    accepts = t38 or (script.get("t38") is None and not script.get("cuts") and lines_have_t38())
    variables = {
        "fax_ident": quote(str(script.get("ident", "FAR END")).encode("utf-8", "surrogateescape"), safe=""),
        "fax_use_ecm": script.get("ecm", True),
        "fax_disable_v17": not script.get("v17", True),
        "fax_enable_t38": accepts,
        "fax_enable_t38_request": t38,
    }
    if script.get("hangup_after_pages") is not None:
        variables[HANGUP_AFTER_PAGES] = script["hangup_after_pages"]
    texts = {name: value if isinstance(value, str) else str(value).lower() for name, value in variables.items()}
    steps = [*(Step("set", f"{name}={text}") for name, text in texts.items()), Step("answer")]
    if script.get("hangup_after") is not None:
        steps.append(Step("sched_hangup", f"+{round(float(str(script['hangup_after'])))}"))
    return steps


def _end(script: Mapping[str, object]) -> list[Step]:
    """After its fax a far end hangs up; one that stalls stays on the line and says nothing."""
    return [Step("sleep", "600000")] if script.get("t38") == "stall" else [Step("hangup")]


def _voice(script: Mapping[str, object], far: str) -> list[Step]:
    seconds = script.get("voice_seconds")
    ending = [Step("sched_hangup", f"+{round(float(str(seconds)))}")] if seconds is not None else []
    return [Step("answer"), *ending, Step("playback", _SILENCE)]


def _busy(script: Mapping[str, object], far: str) -> list[Step]:
    return [Step("respond", "486")]


def _no_answer(script: Mapping[str, object], far: str) -> list[Step]:
    waiting = [] if script.get("ring") is not None else [Step("ring_ready"), Step("sleep", "180000")]
    return [*waiting, Step("respond", "480")]


def _reject(script: Mapping[str, object], far: str) -> list[Step]:
    if script.get("cause"):
        return [Step("hangup", str(script["cause"]))]
    status = int(str(script.get("status", 480)))
    return [Step("respond", f"{status} {script.get('phrase') or _SHORT_PHRASES.get(status, 'Refused')}")]


def _loop(script: Mapping[str, object], far: str) -> list[Step]:
    return []


_BEHAVIOURS: Mapping[str, Callable[[Mapping[str, object], str], list[Step]]] = {
    "fax": _fax,
    "send": _send,
    "voice": _voice,
    "busy": _busy,
    "no_answer": _no_answer,
    "reject": _reject,
    "loop": _loop,
}
