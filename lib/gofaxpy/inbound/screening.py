"""DynamicConfig: the operator's script that is asked about each incoming call before it is answered.

As with HylaFAX (faxd/faxGettyApp.c++) it prints configuration lines.  Of these we honour RejectCall, LocalIdentifier,
RecvFileMode, MaxRecvPages, FaxRcvdCmd and QualifyTSI, each for this one call; others are nothing to us.  Its arguments
are the device, then the caller's number and name, the recipient and the gateway.

Where HylaFAX and GOfax.IP read the same line differently both are served: ``LocalIdentifier: +1 234 567`` without
quotes is the whole text, as GOfax.IP documents it (HylaFAX would take ``+1``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gofaxpy import hooks
from gofaxpy.config.keys import Inbound
from gofaxpy.hylafax.confline import boolean, number, parse

TEXTS = frozenset(("localidentifier", "faxrcvdcmd", "qualifytsi"))


@dataclass(frozen=True, slots=True)
class Screening:
    """The verdict on a call: to be rejected, or answered with these settings (empty or 0: as configured).

    ``qualify_tsi`` and ``faxrcvd`` are paths, relative to the spool unless absolute; ``recv_file_mode`` is octal.
    """

    rejected: bool = False
    ident: str = ""
    recv_file_mode: str = ""
    max_pages: int = 0
    faxrcvd: str = ""
    qualify_tsi: str = ""
    problem: str = ""


def screen(settings: Inbound, spooldir: str, device: str, call_ids: Sequence[str]) -> Screening:
    """Asks the script, if one is configured.  ``dynamic_config_on_error`` decides where it does not answer properly."""
    if not settings.dynamic_config:
        return Screening()
    arguments = [f"/dev/{device}", *call_ids]
    result = hooks.run(settings.dynamic_config, arguments, spooldir, settings.dynamic_config_timeout)
    if result.problem and settings.dynamic_config_on_error == "reject":
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
