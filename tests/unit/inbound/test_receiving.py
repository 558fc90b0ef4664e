"""rxfax in a call: what it is given, what is noted before the call is hung up, and what ends it early."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gofaxpy.calls.registry import CALLS, NEGOTIATE, PAGE, RESULT
from gofaxpy.hylafax import events
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.receive import TIME_IS_UP, Receiving
from gofaxpy.inbound.result import NOT_KEPT
from gofaxpy.inbound.screening import Screening
from gofaxpy.journal import Step
from gofaxpy.modems.virtual import CallModem
from gofaxpy.switch.boundary import Api, Call
from rig.channel import UUID, Commands, OwnSpool, Session
from rig.pages import make_tiff

FILE = "recvq/fax000000001.tif"
STATION = "+49 30 1"
GOOD = {
    "fax_success": "1", "fax_result_code": "0", "fax_transfer_rate": "14400", "fax_remote_station_id": STATION,
    "fax_document_transferred_pages": "1",
}
FAILED = GOOD | {"fax_success": "0", "fax_result_code": "49", "fax_document_transferred_pages": "0"}
KILL = f"uuid_kill {UUID} NORMAL_CLEARING"


class Modem(CallModem):
    """Keeps what HylaFAX is shown."""

    device = "freeswitch1"

    def __init__(self) -> None:
        self.events: list[str] = []

    def event(self, message: str) -> None:
        self.events.append(message)


class Reception:
    """One call on whose channel rxfax does what the test says."""

    def __init__(self, own_spool: OwnSpool, inbound: str = "", screening: Screening | None = None, more: str = "") -> None:
        self.own_spool = own_spool
        self.setting = own_spool.configure(f"inbound: {{{inbound}}}\n{more}")
        self.screening = screening or Screening()
        self.modem = Modem()
        self.commands = Commands({"db insert": "+OK"})
        self.session = Session()

    def run(self, rxfax: Callable[[Session], None], variables: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The facts of the mark RECEIVED, which was there when the call was hung up."""
        setting = self.setting
        log = CallLog(setting, SessionLog.create(setting.spool, "000000003"))
        with setting.journal.create("c000000003", Step.ACCEPTED) as entry:
            noted: list[bool] = []
            self.session = Session(
                {"gofax_document": setting.spool.inside(FILE), **(variables or {})}, {"rxfax": rxfax},
                lambda: noted.append(entry.find(Step.RECEIVED) is not None),
            )
            call = Call(self.session)
            assert call.set("gofax_document", setting.spool.inside(FILE))
            info = events.RecvInfo(commid="000000003", callid=("0301", "ACME", "4711", "trunk"), qfile=FILE)
            receiving = Receiving(setting, call, Api(self.commands), self.modem, log, info, self.screening, 0.0)
            with CALLS.incoming(UUID):
                receiving.receive(entry)
            received = entry.find(Step.RECEIVED)
        log.end()
        assert noted == [True] and received is not None and self.session.cause == "NORMAL_CLEARING"
        return received.facts

    @property
    def log(self) -> str:
        return (self.own_spool.path / "log" / "c000000003").read_text()

    def transfer(
        self, result: Mapping[str, str], pages: int = 1, written: int = 1, negotiations: int = 1
    ) -> Callable[[Session], None]:
        """An rxfax with these events, of which ``written`` pages get into the file."""
        def rxfax(session: Session) -> None:
            for _ in range(negotiations):
                CALLS.take(UUID, NEGOTIATE[0], {"fax-remote-station-id": STATION, "fax-transfer-rate": "14400"})
            for number in range(1, pages + 1):
                if session.ready():
                    make_tiff(self.setting.spool.inside(FILE), min(number, written), dpi=98)
                    CALLS.take(UUID, PAGE[0], {"fax-document-transferred-pages": str(number), "fax-bad-rows": "2"})
            CALLS.take(UUID, RESULT[0], {})
            session.variables.update(result)

        return rxfax


def test_a_good_fax_has_no_reason_and_its_pages_their_durations(own_spool: OwnSpool) -> None:
    reception = Reception(own_spool)
    facts = reception.run(reception.transfer(GOOD | {"fax_document_transferred_pages": "2"}, pages=2, written=2))
    assert (facts["file"], facts["reason"], facts["hangup_cause"]) == (FILE, "", "NORMAL_CLEARING")
    assert facts["page_seconds"] == [0, 0] and 0 <= facts["fax_seconds"] <= facts["seconds"]
    assert (facts["fax"]["negotiations"], facts["fax"]["bad_rows"]) == (1, 4)
    assert reception.commands.given == []
    assert f'REMOTE TSI "{STATION}"' in reception.log and "page 2 in" in reception.log
    kinds = [message.removeprefix("@freeswitch1:")[:1] for message in reception.modem.events]
    assert len(kinds) == 4 and len(set(kinds[1:3])) == 1, "one of the session, one for each page, one of the document"


def test_what_rxfax_is_given(own_spool: OwnSpool) -> None:
    reception = Reception(own_spool, "call_timeout: 99", Screening(ident="+49 30"), "freeswitch: {ident: '+1'}\n")
    reception.run(reception.transfer(GOOD))
    variables = reception.session.variables
    given = [variables[name] for name in ("fax_ident", "fax_enable_t38", "fax_enable_t38_request")]
    assert given == ["%2B49%2030", "true", "true"]
    assert variables["execute_on_fax_result"].startswith("sched_hangup")
    assert reception.session.executed == [("sched_hangup", "+99 ALLOTTED_TIMEOUT"), ("rxfax", "${gofax_document}")]


@pytest.mark.parametrize(("fallback", "listed", "t38"), [
    (True, "true", "false"), (True, "false", "true"), (False, "true", "true"),
])
def test_a_listed_station_gets_no_t38_if_the_list_is_in_use(
    own_spool: OwnSpool, fallback: bool, listed: str, t38: str
) -> None:
    reception = Reception(own_spool, more=f"freeswitch: {{softmodem_fallback: {str(fallback).lower()}}}\n")
    reception.commands = Commands({"db exists/fallback/0301": listed})
    reception.run(reception.transfer(GOOD))
    variables = reception.session.variables
    assert (variables["fax_enable_t38"], variables["fax_enable_t38_request"]) == (t38, t38)
    assert bool(reception.commands.given) is fallback


@pytest.mark.parametrize(("result", "negotiations", "listed"), [(FAILED, 2, True), (FAILED, 1, False), (GOOD, 2, False)])
def test_a_fax_that_failed_after_two_negotiations_puts_its_caller_onto_the_list(
    own_spool: OwnSpool, result: Mapping[str, str], negotiations: int, listed: bool
) -> None:
    reception = Reception(own_spool, more="freeswitch: {softmodem_fallback: true}\n")
    reception.run(reception.transfer(result, pages=0, negotiations=negotiations))
    inserted = [line for line in reception.commands.given if line.startswith("db insert/fallback/0301/")]
    assert len(inserted) == listed


@pytest.mark.parametrize(("variables", "cause"), [
    ({"sip_term_cause": "16"}, "NORMAL_CLEARING"), ({"sip_term_cause": "17"}, "USER_BUSY"), ({}, "NORMAL_CLEARING"),
    ({"sip_term_cause": "x"}, "NORMAL_CLEARING"),
])
def test_the_hangup_cause_goes_to_faxrcvd_by_its_name(own_spool: OwnSpool, variables: Mapping[str, str], cause: str) -> None:
    reception = Reception(own_spool)
    assert reception.run(reception.transfer(FAILED, pages=0), variables)["hangup_cause"] == cause


def test_an_rxfax_that_did_not_start_is_noted_as_no_fax(own_spool: OwnSpool) -> None:
    facts = Reception(own_spool).run(lambda session: None)
    assert facts["fax"] is None and facts["reason"] == "" and facts["page_seconds"] == []


@pytest.mark.parametrize(("result", "timeout", "reason"), [
    (FAILED, 1, TIME_IS_UP), (GOOD, 1, ""), (FAILED, 7200, ""),
], ids=["failed", "good", "in time"])
def test_a_fax_that_failed_at_the_time_limit_has_it_for_its_reason(
    own_spool: OwnSpool, result: Mapping[str, str], timeout: int, reason: str
) -> None:
    reception = Reception(own_spool, f"call_timeout: {timeout}")
    assert reception.run(reception.transfer(result, pages=0))["reason"] == reason


@pytest.mark.parametrize(("rules", "refused"), [("^.49", False), ("!49", True), ("", True)])
def test_qualifytsi_decides_when_the_station_has_said_its_name(own_spool: OwnSpool, rules: str, refused: bool) -> None:
    reception = Reception(own_spool, screening=Screening(qualify_tsi="etc/tsi"))
    (own_spool.path / "etc" / "tsi").write_text(rules)
    facts = reception.run(reception.transfer(FAILED if refused else GOOD, pages=not refused))
    assert facts["reason"] == (StatusCode.TSI_DENIED.text if refused else "")
    assert reception.commands.given == ([KILL] if refused else [])


def test_a_station_is_refused_too_if_no_event_came_in_time(own_spool: OwnSpool) -> None:
    reception = Reception(own_spool, screening=Screening(qualify_tsi="etc/missing"))
    facts = reception.run(lambda session: session.variables.update(GOOD))
    assert facts["reason"] == StatusCode.TSI_DENIED.text and facts["fax"]["success"]
    assert "etc/missing: QualifyTSI cannot be read" in reception.log


@pytest.mark.parametrize(("pages", "ended"), [(2, False), (3, True)])
def test_the_first_page_beyond_the_limit_ends_the_call(own_spool: OwnSpool, pages: int, ended: bool) -> None:
    reception = Reception(own_spool, screening=Screening(max_pages=2))
    facts = reception.run(reception.transfer(FAILED if ended else GOOD, pages=pages, written=pages))
    assert reception.commands.given == ([KILL] if ended else [])
    assert facts["reason"] == (StatusCode.MAX_PAGES_RECEIVED.text if ended else "")


def test_a_page_that_is_not_in_the_file_ends_the_call(own_spool: OwnSpool) -> None:
    """SpanDSP confirms it all the same."""
    reception = Reception(own_spool)
    facts = reception.run(reception.transfer(FAILED, pages=2, written=1))
    assert reception.commands.given == [KILL] and facts["reason"] == NOT_KEPT


def test_a_result_that_cannot_be_noted_hangs_up_all_the_same(own_spool: OwnSpool) -> None:
    reception = Reception(own_spool)

    def rxfax(session: Session) -> None:
        session.variables.update(GOOD)
        raise RuntimeError("the channel is gone")

    with pytest.raises(RuntimeError):
        reception.run(rxfax)
    assert not CALLS.watched
