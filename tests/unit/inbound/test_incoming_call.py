"""The facts of a call as they are read from its channel, and what decides before it is answered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, Inbound
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.inbound.answer import CALLER_GONE, NO_ROOM, IncomingCall, answer_fax
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Api, Call
from rig.channel import UUID, Commands, OwnSpool, Session

CALLER = {
    "caller_id_number": "+49 30-1", "caller_id_name": "ACME", "sip_to_user": "4711", "destination_number": "4700",
    "sip_gateway": "trunk",
}
FACTS = ("+49301", "ACME", "4711", "trunk")


@pytest.mark.parametrize(("source", "variables", "facts"), [
    ("to", {}, FACTS), ("request", {"sip_req_user": "sip:4712@h"}, ("+49301", "ACME", "4712", "trunk")),
    ("request", {}, ("+49301", "ACME", "4700", "trunk")),       # not there: what the dialplan was entered with
    ("to", {"sip_to_user": "", "sip_gateway": "", "sip_gateway_name": "other"}, ("+49301", "ACME", "4700", "other")),
    ("diversion", {"sip_h_Diversion": "<sip:1@h>"}, ("+49301", "ACME", "1", "trunk")),
    ("diversion", {"sip_h_Diversion": "<sip:1@h>", "sip_i_diversion": "ARRAY::<sip:2@h>|:<sip:1@h>"},
     ("+49301", "ACME", "2", "trunk")),
    ("to", {"sip_i_diversion": "<sip:2@h>"}, FACTS),
    ("to", {"caller_id_number": "anonymous", "caller_id_name": "a\nb\x1b[31m"}, ("anonymous", "a b [31m", "4711", "trunk")),
    ("to", dict.fromkeys(CALLER, ""), ("", "", "", "")),
])
def test_the_facts_of_a_call(source: str, variables: Mapping[str, str], facts: tuple[str, ...]) -> None:
    call = IncomingCall.read(Call(Session({**CALLER, **variables})), Config(inbound=Inbound(recipient_from=source)))
    assert (call.caller_number, call.caller_name, call.recipient, call.gateway) == facts
    assert call.uuid == UUID and list(call.facts()) == ["uuid", "caller_number", "caller_name", "recipient", "gateway"]


def take(session: Session) -> None:
    answer_fax(Call(session), Api(Commands()))


def left(setting: Setting, *where: str) -> list[str]:
    """What is in a directory of the spool."""
    directory = setting.spool.path(*where)
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def assert_nothing_is_left(setting: Setting) -> None:
    assert left(setting, "gofax", "journal") == left(setting, "lock") == []
    assert [name for name in left(setting, "recvq") if name != "seqf"] == []


def calls_in_the_accounting(setting: Setting) -> list[tuple[str, str]]:
    """Type and reason of each record."""
    path = Path(setting.xferfaxlog)
    fields = [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []
    return [(line[1], line[13].strip('"')) for line in fields]


def test_a_spool_without_room_refuses_before_there_is_anything_to_clear_away(own_spool: OwnSpool) -> None:
    setting = own_spool.configure("inbound: {min_free: 1000000}\n")
    session = Session(CALLER)
    take(session)
    assert session.executed == [("respond", NO_ROOM)]
    assert_nothing_is_left(setting)
    assert left(setting, "log") == [] and "call from +49301 refused" in own_spool.lines[-1]


def test_another_users_freeswitch_refuses_every_call(own_spool: OwnSpool) -> None:
    own_spool.user = "daemon"
    own_spool.configure()
    session = Session(CALLER)
    take(session)
    assert session.executed == [("respond", NO_ROOM)] and "run it as daemon" in own_spool.lines[-1]


def test_a_directory_that_cannot_be_numbered_in_refuses_and_gives_the_modem_back(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    (own_spool.path / "log" / "seqf").mkdir()
    session = Session(CALLER)
    take(session)
    assert session.executed == [("respond", NO_ROOM)]
    assert_nothing_is_left(setting)


@pytest.mark.parametrize(("wish", "refused"), [("require", True), ("prefer", False)])
def test_without_a_free_modem_the_wish_decides(own_spool: OwnSpool, wish: str, refused: bool) -> None:
    setting = own_spool.configure(f"inbound: {{allocate_modems: {wish}, no_modem_cause: NORMAL_CIRCUIT_CONGESTION}}\n")
    locks = [UUCPLock(setting.spool.lock_dir, device) for device in setting.config.hylafax.devices()]
    assert all(lock.acquire() for lock in locks)
    session = Session(CALLER)
    session.up = refused        # otherwise its caller has gone already
    take(session)
    assert session.cause == ("NORMAL_CIRCUIT_CONGESTION" if refused else "")
    assert calls_in_the_accounting(setting) == ([] if refused else [("CALL", CALLER_GONE)])
    assert all(lock.owned_by_me for lock in locks)


def test_a_caller_who_hangs_up_while_it_rings_leaves_a_call_record_and_no_file(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    session = Session(CALLER, {"sleep": lambda session: session.hangup("ORIGINATOR_CANCEL")})
    take(session)
    assert [app for app, _ in session.executed] == ["ring_ready", "sleep", "answer", "sleep"]
    assert_nothing_is_left(setting)
    assert calls_in_the_accounting(setting) == [("CALL", CALLER_GONE)]
    assert CALLER_GONE in (own_spool.path / "log" / "c000000001").read_text()


def test_a_far_end_that_is_no_fax_machine_leaves_a_call_record_and_is_not_announced(own_spool: OwnSpool) -> None:
    def rxfax(session: Session) -> None:
        assert session.getVariable("gofax_document") == str(own_spool.path / "recvq" / "fax000000001.tif")
        session.variables.update({"fax_success": "0", "fax_result_code": "3"})

    setting = own_spool.configure("inbound: {answer_after: 0, wait_time: 0}\n")
    session = Session(CALLER, {"rxfax": rxfax})
    take(session)
    assert [app for app, _ in session.executed] == ["answer", "sched_hangup", "rxfax"]
    assert session.ran("rxfax") == ["${gofax_document}"] and session.cause == "NORMAL_CLEARING"
    assert_nothing_is_left(setting)
    [(kind, reason)] = calls_in_the_accounting(setting)
    assert kind == "CALL" and reason


def screened(own_spool: OwnSpool, script: str, inbound: str = "") -> tuple[Setting, Session]:
    """A call that a DynamicConfig of these commands has been asked about, from a caller who has hung up meanwhile."""
    path = own_spool.path / "etc" / "DynamicConfig"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    setting = own_spool.configure(f"inbound: {{dynamic_config: etc/DynamicConfig, log_calls: true{inbound}}}\n")
    session = Session(CALLER, {"sleep": lambda session: session.hangup("ORIGINATOR_CANCEL")})
    take(session)
    return setting, session


def test_a_rejected_call_gets_its_status_and_is_never_answered(own_spool: OwnSpool) -> None:
    setting, session = screened(own_spool, 'printf "%s|" "$@" > asked; echo "RejectCall: yes"', ", reject_status: 603")
    assert session.executed == [("respond", "603")]
    assert (own_spool.path / "asked").read_text() == "/dev/freeswitch1|+49301|ACME|4711|trunk|"
    assert_nothing_is_left(setting)
    [(kind, reason)] = calls_in_the_accounting(setting)
    assert kind == "CALL" and "reject" in reason.lower()


@pytest.mark.parametrize(("mode", "made"), [("0640", 0o640), ("0044", 0o644), ("rw", 0o600)])
def test_the_script_says_with_which_mode_the_file_is_made(own_spool: OwnSpool, mode: str, made: int) -> None:
    modes: list[int] = []

    def answer(session: Session) -> None:
        modes.append(os.stat(own_spool.path / "recvq" / "fax000000001.tif").st_mode & 0o777)
        session.up = False

    path = own_spool.path / "etc" / "DynamicConfig"
    path.write_text(f'#!/bin/sh\necho "RecvFileMode: {mode}"\n')
    path.chmod(0o755)
    own_spool.configure("inbound: {dynamic_config: etc/DynamicConfig, answer_after: 0}\n")
    take(Session(CALLER, {"answer": answer}))
    assert modes == [made]


@pytest.mark.parametrize(("decision", "first"), [("accept", "ring_ready"), ("reject", "respond")])
def test_a_script_that_fails_is_logged_and_the_call_answered_or_rejected_as_configured(
    own_spool: OwnSpool, decision: str, first: str
) -> None:
    setting, session = screened(own_spool, "exit 3", f", dynamic_config_on_error: {decision}")
    assert session.executed[0][0] == first
    assert any("ended with status 3" in line for line in own_spool.lines)
    assert_nothing_is_left(setting)
