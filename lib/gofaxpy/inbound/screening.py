"""DynamicConfig: the operator's script that decides on each incoming call before the call is answered.

As with HylaFAX (faxd/faxGettyApp.c++) the script prints configuration lines.  RejectCall, LocalIdentifier, RecvFileMode,
MaxRecvPages, FaxRcvdCmd and QualifyTSI hold for this one call; other lines are ignored.  The script's arguments are the
device, the caller's number and name, the recipient and the gateway.

Where HylaFAX and GOfax.IP read the same line differently, GOfax.IP's reading holds: ``LocalIdentifier: +1 234 567``
without quotes is the whole text (HylaFAX would take ``+1``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gofaxpy import hooks
from gofaxpy.config.keys import Inbound
from gofaxpy.hylafax.confline import boolean, number, parse

TEXTS = frozenset(("localidentifier", "faxrcvdcmd", "qualifytsi"))      # their value is the rest of the line


@dataclass(frozen=True, slots=True)
class Screening:
    """The verdict on a call: it is rejected, or answered with these values.  Empty or 0 means as configured."""

    rejected: bool = False
    ident: str = ""             # LocalIdentifier
    recv_file_mode: str = ""    # RecvFileMode, octal digits
    max_pages: int = 0          # MaxRecvPages
    faxrcvd: str = ""           # FaxRcvdCmd, a path relative to the spool unless absolute
    qualify_tsi: str = ""       # QualifyTSI, likewise
    problem: str = ""           # what is wrong with the script or its lines, for the log


def screen(config: Inbound, spooldir: str, device: str, call_ids: Sequence[str]) -> Screening:
    """Runs the script, if one is configured.  ``inbound.dynamic_config_on_error`` decides if the script fails."""
    if not config.dynamic_config:
        return Screening()
    arguments = [f"/dev/{device}", *call_ids]
    result = hooks.run(config.dynamic_config, arguments, spooldir, config.dynamic_config_timeout)
    if result.problem and config.dynamic_config_on_error == "reject":
        return Screening(True, problem=result.problem)
    problems = [result.problem] if result.problem else []
    options = parse(result.output, problems, TEXTS)
    mode = options.get("recvfilemode", "")
    if mode and (mode.strip("01234567") or len(mode) > 4):
        problems.append(f"RecvFileMode: {mode[:20]!r} is not octal, such as 0644")
        mode = ""
    return Screening(
        boolean(options.get("rejectcall", "")), options.get("localidentifier", ""), mode,
        max(number(options.get("maxrecvpages", "")), 0), options.get("faxrcvdcmd", ""), options.get("qualifytsi", ""),
        "; ".join(problems),
    )
