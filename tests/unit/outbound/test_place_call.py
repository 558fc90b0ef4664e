"""An order to call: what is refused before anything is dialled, and what FreeSWITCH is asked to do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gofaxpy.config.keys import Config, FreeSwitch, Outbound
from gofaxpy.journal import Step
from gofaxpy.outbound.call import channel_variables, opened_facts, place_call
from gofaxpy.setting import Setting
from gofaxpy.switch.arguments import encode_args
from gofaxpy.switch.boundary import Api
from rig.channel import UUID, Commands, OwnSpool

REF = "7-000000017"
JOB = "aaaaaaaa-89ab-4def-8123-456789abcdef"
TAKEN = {"bgapi ": f"+OK Job-UUID: {JOB}"}
FACTS: Mapping[str, object] = {"number": "099010", "destination": "99010", "first": 0, "last": 2}


def opened(setting: Setting, own_spool: OwnSpool, launched: str = UUID, **facts: object) -> str:
    """The arguments of an order whose journal entry says this."""
    document = own_spool.path / "docq" / "doc1.tif"
    document.write_bytes(b"")
    entry = setting.journal.create(REF, Step.OPENED, **{"document": str(document), **FACTS, **facts})
    entry.note(Step.LAUNCHED, uuid=launched)
    entry.close()
    return order()


def order(**changes: str) -> str:
    return encode_args({"ref": REF, "uuid": UUID, "job_uuid": JOB, "gateway": "trunk", **changes})


def test_the_call_is_ordered_in_the_background_with_nothing_but_the_name_of_its_entry(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    args = opened(setting, own_spool, header="Böse ${system x}", cid_name="A, B")
    api = Commands(TAKEN)
    assert place_call(Api(api), args) == "+OK\n"
    [command] = [line for line in api.given if not line.startswith("db ")]
    assert command.startswith(f"bgapi uuid:{JOB} originate {{")
    assert command.endswith(f"sofia/gateway/trunk/099010 '&python(outbound_fax {REF})'")
    assert f"origination_uuid='{UUID}'" in command and "${" not in command


def test_what_mod_db_remembers_goes_along_and_is_noted_line_by_line(own_spool: OwnSpool) -> None:
    setting = own_spool.configure("freeswitch: {softmodem_fallback: true}\noutbound: {ladder: true}\n")
    args = opened(setting, own_spool)
    api = Commands(TAKEN | {
        "db exists/fallback/99010": "true", "db exists/": "false", "db list/override-099010": "fax_use_ecm,origination_uuid",
        "db select/override-099010/fax_use_ecm": "false", "db select/override-099010/origination_uuid": "a\nb",
    })
    first, *notes = place_call(Api(api), args).splitlines()
    assert first == "+OK" and len(notes) == 3
    assert "Softmodem fallback" in notes[0] and "fax_use_ecm='false'" in notes[1]
    assert "origination_uuid" in notes[2] and "gofax sets this variable itself" in notes[2]
    assert "fax_enable_t38='false'" in api.given[-1] and "fax_use_ecm='false'" in api.given[-1]


def test_a_name_in_mod_db_adds_no_line_to_the_reply(own_spool: OwnSpool) -> None:
    args = opened(own_spool.configure(), own_spool)
    api = Commands(TAKEN | {"db list/override-099010": "fax_use_ecm\n-ERR forged", "db select/": "x"})
    first, note = place_call(Api(api), args).splitlines()
    assert first == "+OK" and note.startswith("Overrides of 099010: ") and "holds a control character" in note


@pytest.mark.parametrize(("changes", "problem"), [
    ({"ref": "8-000000018"}, "has no entry '8-000000018': is hylafax.spooldir the same"),
    ({"ref": "../x"}, "has no entry '../x'"), ({"uuid": JOB}, "is not this attempt's"),
    ({"gateway": "a/b"}, "is no name of a gateway"), ({"job_uuid": "x"}, "is no UUID"),
])
def test_an_order_that_does_not_fit_its_entry_is_refused(
    own_spool: OwnSpool, changes: Mapping[str, str], problem: str
) -> None:
    opened(own_spool.configure(), own_spool)
    assert_refused(order(**changes), problem)


@pytest.mark.parametrize(("facts", "problem"), [
    ({"number": "09'9"}, "cannot be dialled"), ({"number": "W123"}, "cannot be dialled"),
    ({"document": "/no/such.tif"}, "/no/such.tif cannot be read by the user FreeSWITCH runs as"),
])
def test_an_entry_that_cannot_be_sent_is_refused(own_spool: OwnSpool, facts: Mapping[str, object], problem: str) -> None:
    assert_refused(opened(own_spool.configure(), own_spool, **facts), problem)


@pytest.mark.parametrize(("args", "problem"), [
    ("", "no arguments"), ("a b", "no URL-safe base64"), ("W10", "not names and values"),
])
def test_arguments_that_are_none_are_refused(own_spool: OwnSpool, args: str, problem: str) -> None:
    own_spool.configure()
    assert_refused(args, problem)


def test_an_order_without_a_uuid_is_refused(own_spool: OwnSpool) -> None:
    opened(own_spool.configure(), own_spool)
    assert_refused(encode_args({"ref": REF}), "'uuid'")


def test_a_call_that_was_withdrawn_is_not_placed(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    args = opened(setting, own_spool)
    entry = setting.journal.open(REF)
    assert entry is not None
    with entry:
        entry.note(Step.WITHDRAWN, uuid=UUID)
    assert_refused(args, "the call was withdrawn")


def test_an_entry_that_does_not_say_what_to_send_is_refused(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    setting.journal.create(REF, Step.LAUNCHED, uuid=UUID).close()
    assert_refused(order(), "does not say what is to be sent")
    entry = setting.journal.open(REF)
    assert entry is not None
    with entry, pytest.raises(LookupError, match=REF):
        opened_facts(entry)


def test_another_users_freeswitch_places_no_call(own_spool: OwnSpool) -> None:
    args = opened(own_spool.configure(), own_spool)
    own_spool.user = "daemon"
    own_spool.configure()
    assert_refused(args, "run it as daemon (hylafax.user)")


def test_a_switch_that_does_not_take_the_command_is_a_refusal(own_spool: OwnSpool) -> None:
    args = opened(own_spool.configure(), own_spool)
    api = Commands({"bgapi ": "-ERR no"})
    assert place_call(Api(api), args) == "-ERR FreeSWITCH does not take the command: -ERR no\n"


def assert_refused(args: str, problem: str) -> None:
    api = Commands(TAKEN)
    reply = place_call(Api(api), args)
    assert reply.startswith("-ERR ") and problem in reply and reply.count("\n") == 1
    assert not [line for line in api.given if line.startswith("bgapi")]


PLAIN = {
    "origination_uuid": UUID, "ignore_early_media": "true", "originate_timeout": "60", "fax_use_ecm": "true",
    "fax_disable_v17": "false", "fax_enable_t38": "true", "fax_enable_t38_request": "true", "fax_verbose": "false",
    "fax_start_page": "0", "fax_end_page": "2", "leg_progress_timeout": "15",
}


@pytest.mark.parametrize(("config", "facts", "differs"), [
    (Config(), {}, {}),
    (Config(outbound=Outbound(enable_t38=False)), {}, {"fax_enable_t38": "false", "fax_enable_t38_request": "false"}),
    (Config(outbound=Outbound(request_t38=False)), {}, {"fax_enable_t38_request": "false"}),
    (Config(outbound=Outbound(progress_timeout=0, ring_timeout=9)), {}, {"leg_progress_timeout": None, "originate_timeout": "9"}),
    (Config(freeswitch=FreeSwitch(verbose=True)), {}, {"fax_verbose": "true"}),
    (Config(), {"ecm": False, "v17": False}, {"fax_use_ecm": "false", "fax_disable_v17": "true"}),
    (Config(), {"cid_number": "+49 30/1", "cid_name": 'A "B"', "ident": "+49 30", "first": 3, "last": 7}, {
        "origination_caller_id_number": "+49301", "origination_caller_id_name": "A 'B'", "fax_ident": "%2B49%2030",
        "fax_start_page": "3", "fax_end_page": "7",
    }),
])
def test_the_channel_variables(config: Config, facts: Mapping[str, object], differs: Mapping[str, str | None]) -> None:
    found = channel_variables(config, {**FACTS, **facts}, UUID)
    header = found.pop("fax_header")
    assert header and found == {name: value for name, value in {**PLAIN, **differs}.items() if value is not None}


def test_pages_must_be_said() -> None:
    with pytest.raises(KeyError, match="first"):
        channel_variables(Config(), {"number": "1"}, UUID)
