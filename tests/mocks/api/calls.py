"""API commands about calls: originate, uuid_*, show, hupall, sched_hangup.

Source: FreeSWITCH `src/mod/applications/mod_commands/mod_commands.c`; columns of `show` from `switch_core_sqldb.c`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mocks.channel.causes import cause_name
from mocks.channel.channel import Channel
from mocks.channel.lifecycle import flip_caller_id, transfer
from mocks.channel.states import State
from mocks.esl.event import url_encode
from mocks.sip.dialstring import parse_application, parse_originate
from mocks.sip.tokens import separate

if TYPE_CHECKING:
    from mocks.switch import Switch

NO_CHANNEL = "-ERR No such channel!\n"
_ORIGINATE_USAGE = (
    "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>] "
    "[<timeout_sec>]\n"
)
_COLUMNS = (
    "uuid direction created created_epoch name state cid_name cid_num ip_addr dest application application_data "
    "dialplan context read_codec read_rate read_bit_rate write_codec write_rate write_bit_rate secure hostname "
    "presence_id presence_data accountcode callstate callee_name callee_num callee_direction call_uuid "
    "sent_callee_name sent_callee_num initial_cid_name initial_cid_num initial_ip_addr initial_dest "
    "initial_dialplan initial_context"
).split()


def _originate(switch: Switch, args: str, channel: Channel | None) -> str:
    command = parse_originate(args) if args else None
    if command is None:
        return _ORIGINATE_USAGE
    outcome = switch.originate(
        command.dialstring, command.timeout, command.caller_id_name, command.caller_id_number
    )
    answered = outcome.channel
    if answered is None:
        return f"-ERR {outcome.cause}\n"
    application = parse_application(command.extension)
    flip_caller_id(answered)
    if application is not None:
        answered.extension = [application]
        answered.set_state(State.EXECUTE)
    else:
        transfer(answered, command.extension, command.dialplan, command.context)
    answered.let_go()
    return f"+OK {answered.uuid}\n"


def _kill(switch: Switch, args: str, channel: Channel | None) -> str:
    uuid, _, cause = args.partition(" ")
    if not uuid:
        return "-USAGE: <uuid> [cause]\n"
    found = switch.locate(uuid)
    if found is None:
        return NO_CHANNEL
    found.hangup(cause_name(cause) if cause else "NORMAL_CLEARING")
    return "+OK\n"


def _exists(switch: Switch, args: str, channel: Channel | None) -> str:
    return "true" if switch.locate(args) is not None else "false"


def _dump(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 2)
    if not words:
        return "-USAGE: <uuid> [format]\n"
    found = switch.locate(words[0])
    if found is None:
        return NO_CHANNEL
    headers = [("Event-Name", "CHANNEL_DATA"), *found.headers("CHANNEL_DATA")]
    form = words[1].lower() if len(words) > 1 else "txt"
    if form == "json":
        return json.dumps(dict(headers))
    shown = "[{}]".format if form == "plain" else url_encode  # the names of the two are the wrong way round there
    return "".join(f"{name}: {shown(value)}\n" for name, value in headers) + "\n"


def _getvar(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 4)
    if len(words) < 2:
        return "-USAGE: <uuid> <var>\n"
    found = switch.locate(words[0])
    if found is None:
        return NO_CHANNEL
    value = found.get_variable(words[1])
    return "_undef_" if value is None else value


def _setvar(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 3)
    if len(words) < 2:
        return "-USAGE: <uuid> <var> [value]\n"
    found = switch.locate(words[0])
    if found is None:
        return NO_CHANNEL
    found.set_variable(words[1], words[2] if len(words) > 2 else None)
    return "+OK\n"


def _answer(switch: Switch, args: str, channel: Channel | None) -> str:
    found = switch.locate(args)
    if found is None:
        return NO_CHANNEL
    switch.applications.execute(found, "answer", "")
    return "+OK\n"


def _broadcast(switch: Switch, args: str, channel: Channel | None) -> str:
    """`uuid_broadcast UUID APP::ARGS`: only what ends a call or sets something makes sense while a fax runs."""
    words = separate(args, " ", 3)
    found = switch.locate(words[0]) if len(words) > 1 else None
    if found is None:
        return "-ERR No such channel!\n" if len(words) > 1 else "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
    name, _, data = words[1].partition("::")
    switch.applications.execute(found, name, data)
    return "+OK Message sent\n"


def _hupall(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 11)
    cause = cause_name(words[0]) if words else "MANAGER_REQUEST"
    pairs = list(zip(words[1::2], words[2::2], strict=False))
    for found in switch.channels():
        if all(found.get_variable(name) == value for name, value in pairs):
            found.hangup(cause)
    if not pairs:
        return f"+OK hangup all channels with cause {cause}\n"
    name, value = pairs[0]
    dots = "" if len(pairs) == 1 else "..."
    return f"+OK hangup all channels matching [{name}]=[{value}]{dots} with cause: {cause}\n"


def _sched_hangup(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 4)
    if len(words) < 2:
        return "-USAGE: [+]<time> <uuid> [<cause>]\n"
    done = switch.schedule_hangup(words[1], words[0], *words[2:3])
    return "+OK\n" if done else NO_CHANNEL


def _show(switch: Switch, args: str, channel: Channel | None) -> str:
    words = separate(args, " ", 6)
    what = words[0].lower() if words else ""
    if what not in ("channels", "calls"):
        return "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count]|...\n"
    form = words[-1].lower() if "as" in words[1:-1] else "delim"
    rows = [_row(switch, found) for found in switch.channels() if found.profile is not None]
    if "count" in words[1:]:
        return _json({"row_count": len(rows), "rows": []}) if form == "json" else f"\n{len(rows)} total.\n"
    if form == "json":
        return _json({"row_count": len(rows), "rows": rows}) if rows else '{"row_count": 0}\n'
    if form not in ("delim", "csv"):
        return f"-ERR Cannot find format {form}\n"
    lines = [",".join(_COLUMNS)] if rows else []
    lines += [",".join(row[column] for column in _COLUMNS) for row in rows]
    return "".join(f"{line}\n" for line in lines) + f"\n{len(rows)} total.\n"


def _json(tree: object) -> str:
    return json.dumps(tree, separators=(",", ":"))


def _row(switch: Switch, channel: Channel) -> dict[str, str]:
    profile = channel.profile
    assert profile is not None
    seconds = profile.times.created // 1_000_000
    row = dict.fromkeys(_COLUMNS, "")
    row.update(
        uuid=channel.uuid,
        direction=channel.direction,
        created=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)),
        created_epoch=str(seconds),
        name=channel.name,
        state=f"CS_{channel.running_state.name}",
        cid_name=profile.caller_id_name,
        cid_num=profile.caller_id_number,
        ip_addr=profile.network_addr,
        dest=profile.destination_number,
        application=channel.variables.get("current_application") or "",
        application_data=channel.variables.get("current_application_data") or "",
        dialplan=profile.dialplan,
        context=profile.context,
        read_codec=channel.read_codec,
        write_codec=channel.write_codec,
        hostname=switch.identity.hostname,
        callstate=channel.callstate.name,
        callee_name=profile.callee_id_name,
        callee_num=profile.callee_id_number,
        call_uuid=channel.variables.get("call_uuid") or "",
        initial_cid_name=profile.orig_caller_id_name,
        initial_cid_num=profile.orig_caller_id_number,
        initial_dest=profile.destination_number,
    )
    return row


COMMANDS: dict[str, Callable[[Switch, str, Channel | None], str]] = {
    "originate": _originate,
    "uuid_kill": _kill,
    "uuid_exists": _exists,
    "uuid_dump": _dump,
    "uuid_getvar": _getvar,
    "uuid_setvar": _setvar,
    "uuid_answer": _answer,
    "uuid_broadcast": _broadcast,
    "hupall": _hupall,
    "sched_hangup": _sched_hangup,
    "show": _show,
}
