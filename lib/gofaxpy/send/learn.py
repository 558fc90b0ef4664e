"""What an attempt teaches about the destination, kept in its info file, where faxq looks before it prepares the next fax.

SpanDSP does not tell what the far end has offered (its DIS), only what was used, and it uses the best that both sides
have (T.6, T.4 2-D, T.4 1-D in this order; T.6 only with error correction).  So from pages that have gone we know what
the machine can do and, with error correction on, what it cannot.
"""

from __future__ import annotations

from gofaxpy.hylafax import info as info_file
from gofaxpy.hylafax.dialrules import canonical
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.info import MachineInfo
from gofaxpy.hylafax.returned import Returned
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending, Verdict, is_of_the_destination
from gofaxpy.send.attempt import Attempt
from gofaxpy.switch.faxresult import FaxResult


def note_attempt(attempt: Attempt, ending: Ending, verdict: Verdict) -> bool:
    """Brings the destination's info file up to date.  True if a fax machine had been reached there before this attempt.

    The session log says of a file that it cannot be used; that changes nothing about the fax.
    """
    if ending.stage not in (Stage.DIALLED, Stage.CONNECTED) or ending.fax == FaxResult.nothing_left():
        return True
    try:
        number = canonical(attempt.spool, attempt.qfile.get("number"))
        info = info_file.read(attempt.spool, number)
        before = info.flag("calledBefore")
        old = info.render()
        learn(info, ending, verdict, attempt.station)
        if info.render() != old:
            info_file.write(attempt.spool, number, info)
    except SpoolError as error:
        attempt.log.line(str(error))
        return True
    return before


def learn(info: MachineInfo, ending: Ending, verdict: Verdict, station: str) -> None:
    """What one attempt says (faxd/FaxSend.c++): failures are counted until a call, or a fax, succeeds.

    A call that was ended on this side is no failure of the destination."""
    if ending.stage is Stage.DIALLED or verdict.dial_failed:
        if not ending.aborted and (ending.stage is not Stage.DIALLED or is_of_the_destination(ending.call)):
            info.set("dialFailures", info.number("dialFailures") + 1)
            info.set("lastDialFailure", verdict.code.text)
        return
    if ending.fax_seen:     # else the call was ended before it was known what answers there
        info.set("calledBefore", True)
        info.set("dialFailures", 0)
    if station:
        info.set("remoteCSI", station)
    if verdict.returned is Returned.DONE:
        info.set("sendFailures", 0)
    elif not ending.aborted:
        info.set("sendFailures", info.number("sendFailures") + 1)
        info.set("lastSendFailure", verdict.text)
    if ending.fax is not None and ending.fax.pages_transferred > 0:
        _compression(info, ending.fax)


def _compression(info: MachineInfo, fax: FaxResult) -> None:
    if fax.encoding_name == "T.6":
        info.set("supportsMMR", True)
        info.set("supports2DEncoding", True)
    elif fax.encoding_name == "T.4 2-D":
        info.set("supports2DEncoding", True)
    if fax.ecm and fax.encoding_name in ("T.4 1-D", "T.4 2-D"):
        info.set("supportsMMR", False)
    if fax.encoding_name == "T.4 1-D":
        info.set("supports2DEncoding", False)
