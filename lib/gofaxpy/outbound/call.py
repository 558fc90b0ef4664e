"""The half of sending that runs inside FreeSWITCH: :func:`place_call` orders a call, :func:`send_fax` runs in it.

The journal entry, which gofaxsend has created, says what to send; only the entry's name passes through FreeSWITCH.  A
call is hung up without sending if its entry is gone or belongs to another attempt: the process that removed the entry
has already reported to the user how the job ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from gofaxpy.calls.registry import CALLS
from gofaxpy.config.keys import Config
from gofaxpy.journal import Entry, Journal, JournalError, Step
from gofaxpy.local import boot_id
from gofaxpy.setting import Setting, current_setting, wrong_user
from gofaxpy.stations import fallback, ladder
from gofaxpy.stations.overrides import names_of, remembered
from gofaxpy.switch.arguments import decode_args
from gofaxpy.switch.boundary import Api, Call, log
from gofaxpy.switch.clean import one_line
from gofaxpy.switch.db import Db, DbError
from gofaxpy.switch.dialstring import DialstringError, caller_name, caller_number, fax_header, fax_ident, originate
from gofaxpy.switch.faxapp import DOCUMENT, HANG_UP_AFTER_RESULT, SECONDS_FOR_EVENTS, flag
from gofaxpy.switch.faxresult import FaxResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HANDLER = "outbound_fax"


def place_call(api: Api, args: str) -> str:
    """``outbound_fax::launch``: orders the call and returns at once with ``+OK`` or ``-ERR what is wrong``.

    ``args`` are gofaxsend's (:func:`gofaxpy.switch.arguments.encode_args`): ``ref`` the name of the journal entry,
    ``uuid`` of the channel, ``job_uuid`` of the originate, ``gateway``.  The lines after ``+OK`` are for the session log.
    """
    try:
        order = decode_args(args)
        setting = current_setting()
        problem = wrong_user(setting.config.hylafax.user)
        if problem:
            return f"-ERR {problem}\n"
        entry = _entry(setting.journal, str(order.get("ref", "")))
        uuid = str(order["uuid"])
        with entry:
            facts = opened_facts(entry)
            if not entry.launches(uuid):
                return f"-ERR {entry.path} is not this attempt's: is hylafax.spooldir the same on both sides?\n"
            if entry.withdrawn(uuid):
                return "-ERR the call was withdrawn\n"
        document = str(facts["document"])
        if not os.access(document, os.R_OK):
            return f"-ERR {document} cannot be read by the user FreeSWITCH runs as: run it as {setting.config.hylafax.user}\n"
        known = remembered(Db(api.command), _numbers(facts), setting.config, time.time())
        values = channel_variables(setting.config, facts, uuid) | known.values
        command = originate(values, str(order["gateway"]), str(facts["number"]), HANDLER, entry.name)
        api.background(str(order["job_uuid"]), command)
    except (DialstringError, JournalError, ValueError, KeyError, LookupError) as error:
        return f"-ERR {error}\n"
    return "\n".join(["+OK", *(one_line(note) for note in known.notes)]) + "\n"


def _numbers(facts: Mapping[str, Any]) -> list[str]:
    return names_of(str(facts["number"]), str(facts.get("destination", "")))


def _entry(journal: Journal, ref: str) -> Entry:
    entry = journal.open(ref)
    if entry is None:
        raise LookupError(f"{journal.directory} has no entry {ref[:80]!r}: is hylafax.spooldir the same on both sides?")
    return entry


def opened_facts(entry: Entry) -> dict[str, Any]:
    """What gofaxsend wrote when it opened the entry.  Raises LookupError if that is missing."""
    opened = entry.find(Step.OPENED)
    if opened is None:
        raise LookupError(f"{entry.path} does not say what is to be sent")
    return opened.facts


def channel_variables(config: Config, facts: Mapping[str, Any], uuid: str) -> dict[str, str]:
    """The variables that the call starts with (read by mod_spandsp_fax.c and switch_ivr_originate.c).

    ``facts`` are those of :func:`opened_facts`.  Empty variables are left out.  Raises DialstringError, KeyError.
    """
    outbound = config.outbound
    variables = {
        "origination_uuid": uuid,
        "origination_caller_id_number": caller_number(str(facts.get("cid_number", ""))),
        "origination_caller_id_name": caller_name(str(facts.get("cid_name", ""))),
        "ignore_early_media": "true",
        "originate_timeout": str(outbound.ring_timeout),
        "fax_ident": fax_ident(str(facts.get("ident", ""))),
        "fax_header": fax_header(str(facts.get("header", ""))),
        "fax_use_ecm": flag(bool(facts.get("ecm", True))),
        "fax_disable_v17": flag(not facts.get("v17", True)),
        "fax_enable_t38": flag(outbound.enable_t38),
        "fax_enable_t38_request": flag(outbound.enable_t38 and outbound.request_t38),
        "fax_verbose": flag(config.freeswitch.verbose),
        "fax_start_page": str(facts["first"]),
        "fax_end_page": str(facts["last"]),
    }
    if outbound.progress_timeout:
        # Not progress_timeout: without a calling channel that variable ends a call even though it rings
        # (switch_ivr_originate.c sets sent_ring only if there is a calling channel).
        variables["leg_progress_timeout"] = str(outbound.progress_timeout)
    return {name: value for name, value in variables.items() if value}


def send_fax(api: Api, call: Call, ref: str) -> None:
    """``outbound_fax.handler``: the far end has answered.  Sends, notes the result, then hangs up."""
    setting = current_setting()
    entry = setting.journal.open(ref.strip())
    if entry is None:
        log("warning", f"{call.uuid}: job {ref[:80]!r} is over; the call is hung up without sending")
        call.hangup()
        return
    with entry:
        try:
            _send(setting, api, call, entry)
        finally:
            call.hangup()


def _send(setting: Setting, api: Api, call: Call, entry: Entry) -> None:
    facts = opened_facts(entry)
    if not entry.launches(call.uuid):       # hylafax.spooldir was changed while it rang; the new spool has such a name, too
        log("err", f"{call.uuid}: {entry.path} is another attempt's; hanging up without sending")
        return
    if entry.find(Step.FAX_OVER) is not None:
        log("warning", f"{call.uuid}: {entry.name} has been sent by another call; hanging up")
        return
    held = entry.hold()     # until the result is noted: gofaxsend waits for as long as the entry is held
    entry.mark(Step.CONNECTED, uuid=call.uuid, held=held, boot=boot_id())   # boot: the kernel that has the hold
    if entry.withdrawn(call.uuid):
        log("warning", f"{call.uuid}: gofaxsend has given this call up; hanging up without sending")
        return
    if not call.set(DOCUMENT, str(facts["document"])):
        log("err", f"{call.uuid}: {facts['document']!r} is a path that cannot be given to txfax")
        return
    call.set("execute_on_fax_result", HANG_UP_AFTER_RESULT)
    with CALLS.watch(call.uuid) as watched:
        call.execute("txfax", f"${{{DOCUMENT}}}")
        fax = FaxResult.from_variables(call.get)
        if fax is not None:
            CALLS.wait_over(watched, SECONDS_FOR_EVENTS)
    if fax is None:
        text = call.get("current_application_response") or "see FreeSWITCH's log"
        problem = f"txfax of {facts['document']} did not start: {text}"
        log("err", f"{call.uuid}: {problem}")
        entry.mark(Step.FAX_OVER, uuid=call.uuid, problem=problem)
        return
    fax = fax.with_negotiations(watched.negotiations)
    if entry.find(Step.FAX_OVER) is None:
        entry.mark(Step.FAX_OVER, uuid=call.uuid, fax=fax.facts())
    _remember(setting.config, api, call, _numbers(facts)[-1], fax)


def _remember(config: Config, api: Api, call: Call, number: str, fax: FaxResult) -> None:
    """Notes in mod_db how the next fax to the same number is to be sent."""
    db = Db(api.command)
    now = time.time()
    try:
        if config.freeswitch.softmodem_fallback and fallback.points_to_t38(fax):
            fallback.enter(db, number, now)
            log("notice", f"{call.uuid}: faxes to {number} go without T.38 from now on (softmodem fallback)")
        if config.outbound.ladder:
            disposition = call.get("sip_hangup_disposition")
            rung = ladder.step(db, number, fax, disposition, now, config.outbound.ladder_days)
            if rung is not None:
                log("notice", f"{call.uuid}: {number} stands on rung {rung} now ({ladder.RUNGS[rung][0]})")
    except DbError as error:
        log("err", f"{call.uuid}: {number}: {error}")
