"""Faxes that go out: gofaxsend, the event socket, the scripts in the switch, T.30, and what HylaFAX is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable

import pytest

from rig.house import House, HouseMaker
from rig.pages import compare_documents, read_pages
from rig.rundir import FAX_USER, RunDir
from rig.spool import QFile

RETRY, FAILED, DONE = 0, 1, 2


def test_a_three_page_fax_arrives_and_the_job_is_done(house: House) -> None:
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    qfile = house.qfile(job)
    assert (qfile["returned"], qfile["status"], qfile["statuscode"]) == ("2", "", "0")
    assert (qfile["npages"], qfile["totpages"], qfile["pagehandling"]) == ("3", "3", "")
    assert (qfile["ndials"], qfile["totdials"], qfile["tottries"], qfile["ntries"]) == ("0", "1", "1", "0")
    assert (qfile["csi"], qfile["signalrate"]) == ("+49 30 FAR", "14400 bit/s")
    assert qfile.items == (f"!tiff:0::docq/doc{job}0.tif",)
    [far] = house.far_received()
    sent = read_pages(house.sent[job][0])
    assert [page.identical for page in compare_documents(sent, read_pages(far))] == [True] * 3
    assert house.journal() == []


def test_the_send_record_and_the_session_log_read_as_native(house: House) -> None:
    job = house.job("1000")
    house.gofaxsend(job)
    [record] = house.records()
    commid = house.qfile(job)["commid"]
    assert record[1:6] == ["SEND", commid, "freeswitch0", str(job), "my tag"]
    assert record[6:9] == ["root@localhost", "1000", "+49 30 FAR"]
    assert (record[10], record[13], record[17]) == ("3", "", "root")
    assert int(record[9]) >> 21 == 1, "the version bit without which xferfaxstats decodes an older layout"
    log = house.session_log(commid)
    assert f"SESSION BEGIN {commid} 1000" in log and log.rstrip().endswith("SESSION END")
    begin = f"SEND FAX: JOB {job} DEST 1000 COMMID {commid} DEVICE '/dev/freeswitch0'"
    assert f"{begin} FROM 'Test <root@localhost>' USER root" in log
    assert 'REMOTE CSI "+49 30 FAR"' in log
    assert "(page 3 of 3[3,3,0,0]  sent in 0:00:" in log


def test_the_accounting_may_be_outside_of_the_spool(make_house: HouseMaker, run_dir: RunDir) -> None:
    path = os.path.join(run_dir.sub("accounting", owner=FAX_USER), "faxes")
    house = make_house({"hylafax": {"xferfaxlog": path}}, speed=20)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the first page", lambda: house.qfile(job)["npages"] == "1")
    process.kill()
    process.communicate()
    assert house.gofaxsend(job) == DONE
    with open(path, encoding="utf-8") as file:
        assert [line.split("\t")[1:5] for line in file] == [["SEND", "000000001", "freeswitch0", str(job)]]


def test_several_documents_go_in_one_call(house: House) -> None:
    job = house.job("1000", pages=(2, 1))
    assert house.gofaxsend(job) == DONE
    [far] = house.far_received()
    sent = [page for image in house.sent[job] for page in read_pages(image)]
    assert [page.identical for page in compare_documents(sent, read_pages(far))] == [True] * 3
    assert house.qfile(job).items == (f"!tiff:0::docq/doc{job}0.tif", f"!tiff:0::docq/doc{job}1.tif")
    assert os.listdir(house.path("gofax", "tmp")) == []


def test_pages_that_are_left_out_are_not_sent(house: House) -> None:
    job = house.job("1000", pagehandling="e1Xe1Se1P", skippages="1")
    assert house.gofaxsend(job) == DONE
    [far] = house.far_received()
    assert len(read_pages(far)) == 2
    assert (house.qfile(job)["npages"], house.qfile(job)["nskip"]) == ("3", "1")
    assert house.records()[0][10] == "2"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [("2000", "Busy signal detected", "1"), ("2003", "No local dialtone", "4")],
)
def test_a_call_that_fails_is_tried_again(house: House, number: str, status: str, code: str) -> None:
    job = house.job(number)
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert qfile["returned"] == "0" and qfile["status"].startswith(status) and qfile["statuscode"] == code
    assert (qfile["ndials"], qfile["totdials"], qfile["tottries"], qfile["npages"]) == ("1", "1", "0", "0")
    assert int(qfile["tts"]) > os.stat(qfile.path).st_mtime + 100
    [record] = house.records()
    assert (record[10], record[12], record[18]) == ("0", "0:00:00", "00 00 00") and record[13].startswith(status)
    assert house.journal() == [] and house.switch.calls() == []


def test_nobody_answers(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"ring_timeout": 5}})
    job = house.job("2001")
    assert house.gofaxsend(job) == RETRY
    assert (house.qfile(job)["status"], house.qfile(job)["statuscode"]) == ("No answer from remote", "3")


def test_what_rings_longer_than_a_gateway_may_be_silent_is_waited_for(make_house: HouseMaker) -> None:
    rings = [{"number": "1000", "does": "fax", "ring": 5}]
    house = make_house({"outbound": {"progress_timeout": 2, "ring_timeout": 30}}, far_ends=rings, speed=10)
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]


def test_a_gateway_that_is_silent_is_passed_over_soon(make_house: HouseMaker) -> None:
    house = make_house({"outbound": {"progress_timeout": 2}, "freeswitch": {"gateways": ["dead", "default"]}}, speed=10)
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "gateway dead" in log and "PROGRESS_TIMEOUT" in log and "DIAL 1000 (gateway default)" in log, log


@pytest.mark.parametrize(("status", "cause"), [("404", "UNALLOCATED_NUMBER"), ("403", "CALL_REJECTED"), ("603", "CALL_REJECTED")])
def test_a_number_that_does_not_exist_or_rejects_the_call_fails_the_job_for_good(
    make_house: HouseMaker, status: str, cause: str
) -> None:
    house = make_house(far_ends=[{"number": "2002", "does": "reject", "status": int(status)}])
    job = house.job("2002")
    assert house.gofaxsend(job) == FAILED
    qfile = house.qfile(job)
    assert qfile["returned"] == "1" and cause in qfile["status"] and status in qfile["status"]


def test_a_station_identifier_that_is_not_utf_8_is_written_down_as_it_came(make_house: HouseMaker) -> None:
    house = make_house(far_ends=[{"number": "1000", "does": "fax", "ident": "M\udcfcller \udcff"}])
    job = house.job("1000", pages=(1,))
    assert house.gofaxsend(job) == DONE
    [record] = house.records()
    assert (house.qfile(job)["csi"], record[8]) == ("M\udcfcller \udcff",) * 2
    assert 'REMOTE CSI "' in house.session_log(record[2])


def test_a_voice_that_answers_is_no_carrier(house: House) -> None:
    job = house.job("2004")
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert (qfile["status"], qfile["statuscode"], qfile["ndials"]) == ("No carrier detected", "2", "1")


def test_the_far_end_hangs_up_and_the_rest_goes_next_time(house: House) -> None:
    job = house.job("1001")
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert (qfile["npages"], qfile["pagehandling"], qfile["tottries"], qfile["ntries"]) == ("1", "e1Se1P", "1", "0")
    assert qfile["status"] == "Remote fax disconnected prematurely"
    assert qfile.items[-1] == f"fax:1::docq/doc{job}0.tif;e1"
    assert house.gofaxsend(job) == RETRY
    assert house.gofaxsend(job) == DONE
    assert [record[10] for record in house.records()] == ["1", "1", "1"]
    assert [len(read_pages(far)) for far in house.far_received()] == [1, 1, 1]


def test_a_job_with_nothing_left_is_done_without_a_call(house: House) -> None:
    job = house.job("1000")
    house.gofaxsend(job)
    assert house.gofaxsend(job) == DONE
    assert len(house.far_received()) == 1


def test_the_next_gateway_takes_what_the_first_cannot(make_house: HouseMaker) -> None:
    house = make_house({"freeswitch": {"gateways": ["nosuch", "closed", "default"]}})
    job = house.job("1000")
    assert house.gofaxsend(job) == DONE
    log = house.session_log(house.qfile(job)["commid"])
    assert "GATEWAY nosuch: INVALID_GATEWAY" in log and "GATEWAY closed: NORMAL_TEMPORARY_FAILURE" in log
    assert house.qfile(job)["totdials"] == "1"


def test_a_busy_number_is_not_tried_through_the_next_gateway(make_house: HouseMaker) -> None:
    house = make_house({"freeswitch": {"gateways": ["default", "closed"]}})
    job = house.job("2000")
    assert house.gofaxsend(job) == RETRY
    assert house.qfile(job)["statuscode"] == "1"


def test_without_a_switch_the_job_is_tried_later(house: House) -> None:
    house.switch.stop()
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert qfile["returned"] == "0" and "FreeSWITCH" in qfile["status"]
    assert (qfile["totdials"], qfile["tottries"]) == ("0", "0")


@pytest.mark.parametrize("number", ["", "12 ab#", "1';x='", "${system(id)}", "1|2"])
def test_what_cannot_be_dialled_is_never_given_to_the_switch(house: House, number: str) -> None:
    job = house.job(number)
    assert house.gofaxsend(job) == FAILED
    assert house.qfile(job)["returned"] == "1" and house.qfile(job)["totdials"] == "0"
    assert house.switch.calls() == []


def test_a_document_that_is_no_tiff_fails_the_job_with_a_reason(house: House) -> None:
    job = house.job("1000")
    with open(house.sent[job][0], "wb") as file:
        file.write(b"%PDF-1.4")
    assert house.gofaxsend(job) == FAILED
    assert "docq/" in house.qfile(job)["status"]


def sigterm_ends(house: House, job: int, moment: Callable[[], object]) -> QFile:
    """Ends the job's sender at that moment; the qfile, when the call is over too."""
    process = house.start_gofaxsend(job)
    house.wait("the moment", moment)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10 * house.switch.patience)
    assert process.returncode == RETRY
    house.wait("the end of the call", lambda: not house.switch.calls())
    assert house.journal() == []
    return house.qfile(job)


def test_sigterm_while_ringing_ends_the_call(make_house: HouseMaker) -> None:
    house = make_house(speed=1)
    qfile = sigterm_ends(house, house.job("2001"), house.switch.calls)
    assert (qfile["status"], qfile["statuscode"]) == ("Call aborted by user", "345")
    assert (qfile["ndials"], qfile["totdials"]) == ("0", "0"), "as native"
    assert "ABORT: job abort requested: Send aborted due to operator intervention" in house.session_log(qfile["commid"])


def test_sigterm_in_mid_page_ends_the_call(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    qfile = sigterm_ends(house, job, lambda: house.qfile(job)["npages"] == "1")
    assert qfile["statuscode"] == "345" and qfile["returned"] == "0" and qfile["npages"] in ("1", "2")


def killed_after_a_page(make_house: HouseMaker) -> tuple[House, int]:
    """A house, and the job of a sender that was killed when one of its three pages had been confirmed."""
    house = make_house(speed=20)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the first page", lambda: house.qfile(job)["npages"] == "1")
    process.kill()
    process.communicate()
    return house, job


def test_a_sender_that_was_killed_does_not_send_twice(make_house: HouseMaker) -> None:
    house, job = killed_after_a_page(make_house)
    assert house.qfile(job)["returned"] == "0"
    house.switch.wait_calls_over()
    assert house.gofaxsend(job) == DONE
    assert len(house.far_received()) == 1, "the call went on without its sender, and delivered everything"
    qfile = house.qfile(job)
    assert qfile["npages"] == "3" and house.journal() == []
    assert (qfile["totdials"], qfile["tottries"], qfile["ndials"]) == ("1", "1", "0"), "the attempt that was killed counts"
    [record] = house.records()
    assert record[1:5] == ["SEND", "000000001", "freeswitch0", str(job)] and record[8] == "+49 30 FAR"
    assert (record[10], record[13]) == ("3", "") and record[12] > "0:00:00" and record[18].startswith("00 46")


def test_a_sender_killed_in_the_last_call_that_was_allowed_leaves_no_further_one(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1001", maxdials="1")
    process = house.start_gofaxsend(job)
    house.wait("the first page", lambda: house.qfile(job)["npages"] == "1")
    process.kill()
    process.communicate()
    house.switch.wait_calls_over()
    assert house.gofaxsend(job) == FAILED
    assert len(house.far_received()) == 1
    qfile = house.qfile(job)
    assert (qfile["totdials"], qfile["npages"], qfile["statuscode"]) == ("1", "1", "333")
    assert "lost from sight" in qfile["status"] and "too many attempts to dial" in qfile["status"]


def test_the_call_of_a_job_that_goes_elsewhere_since_is_accounted_for(make_house: HouseMaker) -> None:
    """gofaxsend killed, and the user changes the number (faxalter -d) before the next attempt."""
    house = make_house(far_ends=[{"number": "1...", "does": "fax"}], speed=20)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("the first page", lambda: house.qfile(job)["npages"] == "1")
    process.kill()
    process.communicate()
    house.switch.wait_calls_over()
    path = house.path("sendq", f"q{job}")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("external:1000\nnumber:1000\n", "external:1111\nnumber:1111\n"))
    assert house.gofaxsend(job) == DONE
    assert [(record[2], record[7], record[10]) for record in house.records()] == [
        ("000000001", "1000", "3"), ("000000002", "1111", "2"),
    ]
    assert house.journal() == []


def test_the_next_sender_waits_for_a_call_that_still_goes_on(make_house: HouseMaker) -> None:
    house, job = killed_after_a_page(make_house)
    assert house.gofaxsend(job) == DONE
    assert len(house.far_received()) == 1
    assert [(record[2], record[10], record[13]) for record in house.records()] == [("000000001", "3", "")]


def test_a_stalled_t38_call_is_ended_and_the_fax_is_done(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1002")
    assert house.gofaxsend(job) == DONE
    house.wait("the end of the call", lambda: not house.switch.calls(), 3)


def test_a_document_that_vanishes_before_the_answer_is_told_as_such(make_house: HouseMaker) -> None:
    house = make_house(far_ends=[{"number": "1000", "does": "fax", "ring": 20}], speed=10)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("a call", house.switch.calls)
    os.unlink(house.sent[job][0])
    process.communicate(timeout=30 * house.switch.patience)
    assert process.returncode == RETRY
    assert "did not start: Cannot send non-existant fax file" in house.qfile(job)["status"]


def test_what_an_earlier_job_of_the_same_number_has_left_is_not_taken_for_this_one(house: House) -> None:
    directory = house.path("gofax", "journal")
    os.makedirs(directory)
    facts = {"uuid": "u", "fax": {"success": True, "code": "0", "pages_transferred": 3}}
    with open(os.path.join(directory, "1-000000099"), "w", encoding="ascii") as entry:
        for step, more in (("opened", {"same": "1|2|3|4", "pages": 3}), ("fax over", facts)):
            entry.write(json.dumps({"step": step, "at": 1.0, **more}) + "\n")
    for path in (house.path("gofax"), directory, os.path.join(directory, "1-000000099")):
        shutil.chown(path, "uucp", "uucp")
    job = house.job("1000")
    assert job == 1 and house.gofaxsend(job) == DONE
    assert [len(read_pages(far)) for far in house.far_received()] == [3]
    assert house.journal() == []
