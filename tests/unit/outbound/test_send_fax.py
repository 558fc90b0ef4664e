"""An answered call: whether it still may send, and that its result is noted before it is hung up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from gofaxpy.calls.registry import CALLS, NEGOTIATE
from gofaxpy.journal import Entry, Step
from gofaxpy.outbound.call import send_fax
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Api, Call
from rig.channel import UUID, Commands, OwnSpool, Session

REF = "7-000000017"
OTHER = "aaaaaaaa-89ab-4def-8123-456789abcdef"
GONE = {"fax_success": "1", "fax_result_code": "0", "fax_transfer_rate": "14400", "fax_document_transferred_pages": "2"}
DROPPED = {"fax_success": "0", "fax_result_code": "49", "fax_transfer_rate": "14400", "fax_remote_station_id": "x"}


def opened(setting: Setting, document: str = "/docq/doc1.tif", launched: str = UUID) -> Entry:
    entry = setting.journal.create(REF, Step.OPENED, document=document, number="099010", destination="99010", first=0, last=1)
    entry.note(Step.LAUNCHED, uuid=launched)
    return entry


def answered(session: Session, api: Commands | None = None, ref: str = REF) -> list[str]:
    """The API commands of the handler."""
    commands = api or Commands()
    send_fax(Api(commands), Call(session), ref)
    assert session.cause == "NORMAL_CLEARING"
    return commands.given


def sets(variables: Mapping[str, str]) -> Callable[[Session], None]:
    """A txfax that leaves these variables."""
    return lambda session: session.variables.update(variables)


def test_the_result_is_noted_before_the_call_is_hung_up(own_spool: OwnSpool) -> None:
    with opened(own_spool.configure()) as entry:
        steps: list[list[Step]] = []
        session = Session({}, {"txfax": sets(GONE)}, lambda: steps.append([mark.step for mark in entry.marks()]))
        assert answered(session) == []
        assert steps == [[Step.OPENED, Step.LAUNCHED, Step.CONNECTED, Step.FAX_OVER]]
        connected, over = (entry.find(step) for step in (Step.CONNECTED, Step.FAX_OVER))
        assert connected is not None and over is not None
        assert (connected.facts["uuid"], connected.facts["held"]) == (UUID, True)
        assert over.facts["uuid"] == UUID and over.facts["fax"]["pages_transferred"] == 2
    assert session.ran("txfax") == ["${gofax_document}"] and session.variables["gofax_document"] == "/docq/doc1.tif"
    assert session.variables["execute_on_fax_result"].startswith("sched_hangup")


def test_the_entry_is_held_while_txfax_runs(own_spool: OwnSpool) -> None:
    held: list[bool | None] = []
    with opened(own_spool.configure()) as entry:
        answered(Session({}, {"txfax": lambda session: held.append(entry.in_work(UUID))}))
        assert held == [True] and entry.in_work(UUID) is False


def test_a_call_whose_entry_is_gone_sends_nothing(own_spool: OwnSpool) -> None:
    own_spool.configure()
    session = Session()
    answered(session)
    assert session.executed == [] and "is over; the call is hung up without sending" in own_spool.lines[-1]


@pytest.mark.parametrize(("step", "uuid", "text"), [
    (Step.FAX_OVER, OTHER, "has been sent by another call"), (Step.WITHDRAWN, UUID, "gofaxsend has given this call up"),
])
def test_a_call_that_comes_too_late_sends_nothing(own_spool: OwnSpool, step: Step, uuid: str, text: str) -> None:
    with opened(own_spool.configure()) as entry:
        entry.note(step, uuid=uuid)
        session = Session()
        answered(session)
        assert session.executed == [] and text in own_spool.lines[-1]
        assert [mark.facts["uuid"] for mark in entry.marks() if mark.step is Step.FAX_OVER] == [OTHER] * (uuid == OTHER)


def test_another_call_that_was_withdrawn_is_not_this_one(own_spool: OwnSpool) -> None:
    with opened(own_spool.configure()) as entry:
        entry.note(Step.WITHDRAWN, uuid=OTHER)
        session = Session({}, {"txfax": sets(GONE)})
        answered(session)
        assert entry.find(Step.FAX_OVER) is not None


def test_an_entry_of_the_same_name_in_another_spool_is_not_sent(own_spool: OwnSpool) -> None:
    with opened(own_spool.configure(), launched=OTHER) as entry:
        session = Session()
        answered(session)
        assert session.executed == [] and entry.find(Step.CONNECTED) is None
        assert "is another attempt's" in own_spool.lines[-1]


def test_a_path_that_would_be_expanded_is_not_given_to_txfax(own_spool: OwnSpool) -> None:
    with opened(own_spool.configure(), document="/docq/${system id}.tif") as entry:
        session = Session()
        answered(session)
        assert session.executed == [] and entry.find(Step.FAX_OVER) is None
        assert "is a path that cannot be given to txfax" in own_spool.lines[-1]


@pytest.mark.parametrize(("variables", "text"), [
    ({"current_application_response": "File not found"}, "File not found"), ({}, "see FreeSWITCH's log"),
])
def test_a_txfax_that_did_not_start_is_a_problem_and_no_result(
    own_spool: OwnSpool, variables: Mapping[str, str], text: str
) -> None:
    with opened(own_spool.configure()) as entry:
        answered(Session({}, {"txfax": sets(variables)}))
        over = entry.find(Step.FAX_OVER)
        assert over is not None and over.facts["problem"] == f"txfax of /docq/doc1.tif did not start: {text}"
        assert "fax" not in over.facts


def test_a_handler_that_fails_hangs_up_all_the_same(own_spool: OwnSpool) -> None:
    setting = own_spool.configure()
    setting.journal.create(REF, Step.LAUNCHED, uuid=UUID).close()
    session = Session()
    with pytest.raises(LookupError, match="does not say what is to be sent"):
        send_fax(Api(Commands()), Call(session), REF)
    assert session.cause == "NORMAL_CLEARING"


def test_a_result_that_gofaxsend_has_noted_first_stays(own_spool: OwnSpool) -> None:
    with opened(own_spool.configure()) as entry:
        def txfax(session: Session) -> None:
            entry.mark(Step.FAX_OVER, uuid=UUID, fax={"text": "first"})
            session.variables.update(GONE)

        answered(Session({}, {"txfax": txfax}))
        assert [mark.facts["fax"]["text"] for mark in entry.marks() if mark.step is Step.FAX_OVER] == ["first"]


@pytest.mark.parametrize(("disposition", "rung"), [("send_bye", None), ("recv_bye", "1")])
def test_only_a_far_end_that_hung_up_costs_a_rung(own_spool: OwnSpool, disposition: str, rung: str | None) -> None:
    setting = own_spool.configure("outbound: {ladder: true}\n")
    with opened(setting):
        session = Session({"sip_hangup_disposition": disposition}, {"txfax": sets(DROPPED)})
        given = answered(session, Commands({"db insert/": "+OK"}))
    [*inserted] = [line for line in given if line.startswith("db insert/gofax-ladder/099010/")]
    assert [line.split("/")[3][0] for line in inserted] == ([rung] if rung else [])


def test_a_database_that_fails_costs_nothing_but_a_line(own_spool: OwnSpool) -> None:
    def txfax(session: Session) -> None:
        for _ in range(2):
            CALLS.take(UUID, NEGOTIATE[1], {})
        session.variables.update(DROPPED)

    with opened(own_spool.configure("freeswitch: {softmodem_fallback: true}\n")) as entry:
        answered(Session({}, {"txfax": txfax}), Commands({"db ": "-ERR disk full"}))
        over = entry.find(Step.FAX_OVER)
        assert over is not None and over.facts["fax"]["negotiations"] == 2
    assert own_spool.lines[-1].startswith(f"err: gofax: {UUID}: ")
