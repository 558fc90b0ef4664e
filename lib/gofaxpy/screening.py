"""DynamicConfig: the operator's script that is asked about each incoming call before it is answered.

As with HylaFAX (faxd/faxGettyApp.c++) it prints configuration lines; of these we honour RejectCall and
LocalIdentifier.  Its arguments are the device, then the caller's number and name, the recipient and the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gofaxpy import hooks
from gofaxpy.config import Inbound
from gofaxpy.hylafax.confline import boolean, parse


@dataclass(frozen=True, slots=True)
class Screening:
    """The verdict on a call: to be rejected, or answered as ``ident`` (``""``: as configured)."""

    rejected: bool = False
    ident: str = ""
    problem: str = ""


def screen(settings: Inbound, spooldir: str, device: str, call_ids: Sequence[str]) -> Screening:
    """Asks the script, if one is configured.  ``dynamic_config_on_error`` decides where it does not answer properly."""
    if not settings.dynamic_config:
        return Screening()
    arguments = [f"/dev/{device}", *call_ids]
    result = hooks.run(settings.dynamic_config, arguments, spooldir, settings.dynamic_config_timeout)
    options = parse(result.output)
    if result.problem and settings.dynamic_config_on_error == "reject":
        return Screening(True, problem=result.problem)
    rejected = boolean(options.get("rejectcall", ""))
    return Screening(rejected, options.get("localidentifier", ""), result.problem)
