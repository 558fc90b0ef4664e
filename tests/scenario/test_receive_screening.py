"""Before the answer: room, modems, DynamicConfig, the recipient; and what DynamicConfig asks for after it."""

from __future__ import annotations

import os
import shutil
import socket
import stat

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import announced, faxrcvd, finished, receive, script
from rig.rundir import FAX_USER

DYNAMIC = {"inbound": {"dynamic_config": "etc/DynamicConfig"}}


def dynamic(house: House, text: str) -> None:
    script(house, "etc/DynamicConfig", f"#!/bin/sh\n{text}\n")


def test_require_refuses_before_the_answer_when_no_modem_is_free(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"allocate_modems": "require"}}, speed=20)
    faxrcvd(house)
    calls = [house.switch.place_call("4711", document) for _ in range(3)]
    assert [call.cause for call in calls] == ["", "", "USER_BUSY"]
    finished(house)
    assert sorted(record[3] for record in house.records() if record[1] == "RECV") == ["freeswitch0", "freeswitch1"]


def test_the_cause_of_a_refusal_for_want_of_a_modem_can_be_chosen(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"allocate_modems": "require", "no_modem_cause": "CALL_REJECTED"}, "hylafax": {"modems": 1}})
    lock = os.path.join(house.lock_dir, "LCK..freeswitch0")
    with open(lock, "w", encoding="ascii") as file:
        file.write(f"{os.getpid():10d}\n")
    assert house.switch.place_call("4711", document).cause == "CALL_REJECTED"


def test_off_leaves_the_modems_to_outgoing_jobs(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"allocate_modems": "off"}})
    faxrcvd(house)
    receive(house, document)
    assert {record[3] for record in house.records()} == {"freeswitch"}


def test_too_little_room_refuses_before_the_answer(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"min_free": 1 << 20}})
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    assert house.records() == [] and house.received() == [] and house.journal() == []


def test_a_journal_that_cannot_be_written_refuses_before_the_answer(house: House, document: str) -> None:
    house.wait("the supervisor to make the directory", lambda: os.path.isdir(house.path("gofax")))
    os.chmod(house.path("gofax"), 0o500)
    earlier = house.path("log", "c000000001")       # log/seqf was set back
    with open(earlier, "w", encoding="ascii") as file:
        file.write("of another call\n")
    for _ in range(2):
        assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    house.wait("the modem to be free", lambda: not os.listdir(house.lock_dir))
    with open(earlier, encoding="ascii") as file:
        assert file.read() == "of another call\n"
    assert not os.path.exists(house.path("log", "c000000002"))


@pytest.mark.parametrize(("on_error", "answered"), [("accept", True), ("reject", False)])
@pytest.mark.parametrize("text", ["exit 3", "sleep 30"])
def test_a_dynamic_config_that_fails_is_judged_as_configured(
    make_house: HouseMaker, document: str, on_error: str, answered: bool, text: str
) -> None:
    house = make_house({"inbound": {
        "dynamic_config": "etc/DynamicConfig", "dynamic_config_on_error": on_error, "dynamic_config_timeout": 1,
        "reject_status": 486,
    }})
    faxrcvd(house)
    dynamic(house, text)
    call = house.switch.place_call("4711", document)
    assert (call.answered, call.cause) == (answered, "" if answered else "USER_BUSY")
    finished(house)
    assert "DynamicConfig: " in house.session_log("000000001")


def test_a_rejected_call_leaves_a_session_log_and_a_call_record(make_house: HouseMaker, document: str) -> None:
    house = make_house(DYNAMIC)
    dynamic(house, 'echo "RejectCall: on"')
    assert house.switch.place_call("4711", document).cause == "UNALLOCATED_NUMBER"
    finished(house)
    [record] = house.records()
    assert (record[1], record[13], record[15]) == ("CALL", "ANSWER: CALL REJECTED", "030123456")
    log = house.session_log("000000001")
    assert "ANSWER: CALL REJECTED" in log and "SESSION END" in log
    assert house.received() == [] and announced(house) == []


@pytest.mark.parametrize("number", ["0900123", "0-900-123", "0.900.123"])
def test_a_caller_is_the_same_however_the_number_is_written(make_house: HouseMaker, document: str, number: str) -> None:
    house = make_house(DYNAMIC)
    dynamic(house, 'case $2 in 0900*) echo "RejectCall: true" ;; esac')
    assert house.switch.place_call("4711", document, caller_number=number).cause
    [record] = house.records()
    assert (record[1], record[15]) == ("CALL", "0900123")


def test_dynamic_config_sets_identifier_mode_and_faxrcvd_for_this_call_only(make_house: HouseMaker, document: str) -> None:
    house = make_house(DYNAMIC)
    faxrcvd(house)
    faxrcvd(house, 'echo other > log/other', "bin/other")
    dynamic(house, '[ "$2" = 0301 ] || exit 0; echo "LocalIdentifier: +1 234 567"\n'
                   'echo "RecvFileMode: 0440"; echo "FaxRcvdCmd: bin/other"')
    call = receive(house, document, caller_number="0301")
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        assert call.uuid in file.read()
    first, = house.received()
    assert stat.S_IMODE(os.stat(first).st_mode) == 0o640, "SpanDSP must be able to write"
    assert os.path.exists(house.path("log", "other"))
    os.unlink(house.path("log", "other"))
    receive(house, document, caller_number="0302")
    assert stat.S_IMODE(os.stat(house.received()[1]).st_mode) == 0o644
    assert not os.path.exists(house.path("log", "other"))


def test_max_recv_pages_ends_the_call_and_keeps_the_pages(make_house: HouseMaker, document: str) -> None:
    house = make_house(DYNAMIC, speed=20)
    faxrcvd(house)
    dynamic(house, 'echo "MaxRecvPages: 1"')
    receive(house, document)
    [fax] = house.received()
    assert len(read_pages(fax)) == 2, "the page that was too many had come when it was noticed"
    assert house.records()[0][13] == "Maximum receive page count exceeded, call terminated"
    assert announced(house)[3] == "Maximum receive page count exceeded, call terminated"


DENIED = "Permission denied (unnacceptable client TSI)"


@pytest.mark.parametrize(("rules", "pages"), [("^\\+49 30\n", 3), ("!FAR\n.*\n", 0)])
def test_qualify_tsi_decides_by_the_senders_identifier(
    make_house: HouseMaker, document: str, rules: str, pages: int
) -> None:
    house = make_house(DYNAMIC, speed=20)
    faxrcvd(house)
    dynamic(house, "echo QualifyTSI: etc/tsi")
    with open(house.path("etc", "tsi"), "w", encoding="utf-8") as file:
        file.write(rules)
    receive(house, document)
    recv, _call = house.records()
    assert int(recv[10]) == pages
    assert recv[13] == ("" if pages else DENIED)
    assert announced(house)[3] == recv[13]


def test_a_station_that_nobody_could_refuse_in_time_is_told_of_all_the_same(make_house: HouseMaker, document: str) -> None:
    """Without the supervisor no event tells who the sender is; its pages are confirmed, and so they are kept."""
    house = make_house(DYNAMIC, startup_scripts=())
    faxrcvd(house)
    dynamic(house, "echo QualifyTSI: etc/tsi")
    with open(house.path("etc", "tsi"), "w", encoding="utf-8") as file:
        file.write("!FAR\n.*\n")
    receive(house, document)
    recv, call = house.records()
    assert (recv[10], recv[13], call[13]) == ("3", DENIED, DENIED)
    assert announced(house)[3] == DENIED
    assert f"terminated abnormally: {DENIED}" in house.session_log("000000001")


@pytest.mark.parametrize(("source", "diversion", "expected"), [
    ("to", "<sip:0815@pbx>", "4711"), ("request", "", "4711"),
    ("diversion", '"Sales, dept" <sip:+49-30-55@pbx>;reason=unconditional, <sip:99@pbx>', "+493055"),
    ("diversion", "<tel:+49-30-55>", "+493055"), ("diversion", "", "4711"),
])
def test_the_recipient_is_where_the_configuration_says(
    make_house: HouseMaker, document: str, source: str, diversion: str, expected: str
) -> None:
    house = make_house({"inbound": {"recipient_from": source}})
    faxrcvd(house)
    receive(house, document, diversion=diversion)
    assert announced(house)[6] == expected


INVITE = """INVITE sip:4711@{to} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bK1
Max-Forwards: 70
From: <sip:030@{me}>;tag=1
To: <sip:4711@{to}>
Call-ID: several-diversions@{me}
CSeq: 1 INVITE
Contact: <sip:030@{me}>
Diversion: <sip:+49-30-55@pbx>;reason=unconditional
Diversion: <sip:+493099@pbx>;reason=user-busy
Content-Type: application/sdp
Content-Length: {length}

"""
SDP = """v=0
o=- 1 1 IN IP4 {host}
s=-
c=IN IP4 {host}
t=0 0
m=audio 40000 RTP/AVP 8
"""


@pytest.mark.live
def test_of_several_diversion_headers_the_first_counts(make_house: HouseMaker) -> None:
    screened = {"dynamic_config": "etc/DynamicConfig", "recipient_from": "diversion"}
    house = make_house({"inbound": screened})
    dynamic(house, 'echo "$4" > log/recipient; echo "RejectCall: true"')
    at = house.switch.at  # type: ignore[attr-defined]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((at.address, 0))
        body = SDP.format(host=at.address).replace("\n", "\r\n")
        me, to = f"{at.address}:{caller.getsockname()[1]}", f"{at.address}:{at.fax_port}"
        head = INVITE.format(me=me, to=to, length=len(body)).replace("\n", "\r\n")
        caller.sendto((head + body).encode("ascii"), (at.address, at.fax_port))
        house.wait("the question", lambda: os.path.exists(house.path("log", "recipient")))
    house.wait("the record", house.records)
    with open(house.path("log", "recipient"), encoding="ascii") as file:
        assert file.read() == "+493055\n"


def test_calls_are_not_recorded_where_that_is_not_wanted(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"log_calls": False}})
    faxrcvd(house)
    receive(house, document)
    assert [record[1] for record in house.records()] == ["RECV"]


def test_a_caller_who_hangs_up_while_it_rings_leaves_a_record_and_nothing_else(make_house: HouseMaker) -> None:
    house = make_house({"inbound": {"answer_after": 8000}}, speed=1)
    faxrcvd(house)
    variables = "{originate_timeout=2,origination_caller_id_number=0301}"
    assert house.switch.originate(f"{variables}sofia/far/4711", "playback(silence_stream://-1)").startswith("-ERR")
    finished(house)
    [record] = house.records()
    assert (record[1], record[13], record[15]) == ("CALL", "The caller has hung up before the answer", "0301")
    assert house.received() == [] and os.listdir(house.lock_dir) == [] and announced(house) == []
    log = house.session_log("000000001")
    assert "RECV FAX" not in log and "SESSION END" in log


def test_a_session_log_that_cannot_be_made_costs_no_fax(house: House, document: str) -> None:
    script(house, "bin/faxrcvd", "#!/bin/sh\necho \"$4\" >info/announced\n")
    for name in ("xferfaxlog", "seqf"):
        with open(house.path("log", name), "a", encoding="utf-8"):
            shutil.chown(house.path("log", name), FAX_USER, FAX_USER)
    os.chmod(house.path("log"), 0o555)
    receive(house, document)
    os.chmod(house.path("log"), 0o755)
    assert house.records()[0][10] == "3"
    with open(house.path("info", "announced"), encoding="utf-8") as file:
        assert file.read() == "\n"


def test_a_number_that_some_thousand_calls_have_had_costs_no_fax_its_log(house: House, document: str) -> None:
    """log/seqf after a restore, or after the file was lost."""
    faxrcvd(house)
    for number in range(1, 3001):
        os.mkdir(house.path("log", f"c{number:09d}"))
    receive(house, document)
    assert house.records()[0][10] == "3" and announced(house, "000003001")[3] == ""
    assert "SESSION END" in house.session_log("000003001")
