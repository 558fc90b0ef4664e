"""Faxes that come in: the dialplan, the handler, T.30, recvq, records, and faxrcvd."""

from __future__ import annotations

import os
import re
import stat
import subprocess

from gofaxpy.hylafax.tiff import directories, page_count
from rig.guard import hylafax_program
from rig.house import House, HouseMaker
from rig.pages import compare_documents, read_pages
from rig.tiffs import libtiff_pages

FAXRCVD = """#!/bin/sh
{{ echo "$HANGUPCAUSE|$TRANSFER_RATE|$(ulimit -S -s)"; for word; do echo "[$word]"; done; }} >> {file}.new
mv {file}.new {file}
"""


def faxrcvd(house: House) -> str:
    """Puts a faxrcvd into the spool that writes down its arguments; returns the file it writes."""
    file = house.path("log", "faxrcvd-arguments")
    path = house.path("bin", "faxrcvd")
    with open(path, "w", encoding="utf-8") as script:
        script.write(FAXRCVD.format(file=file))
    os.chmod(path, 0o755)
    return file


def status(house: House, modem: str) -> str:
    with open(house.path("status", modem), encoding="utf-8") as file:
        return file.read()


def receive(house: House, document: str, **options: str) -> None:
    call = house.switch.place_call("4711", document, **options)  # type: ignore[arg-type]
    assert call.answered, call.reply
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: not house.journal())


def test_a_three_page_fax_is_received_recorded_and_announced(house: House, document: str) -> None:
    told = faxrcvd(house)
    receive(house, document)
    [fax] = house.received()
    assert os.path.basename(fax) == "fax000000001.tif"
    results = compare_documents(read_pages(document), read_pages(fax))
    assert [page.identical for page in results] == [True] * 3
    assert stat.S_IMODE(os.stat(fax).st_mode) == 0o644, "recv_file_mode of this configuration"
    recv, call = house.records()
    assert recv[1:5] == ["RECV", "000000001", "freeswitch1", "recvq/fax000000001.tif"]
    assert (recv[8], recv[10], recv[13]) == ("+49 30 FAR", "3", "")
    assert recv[14:17] == ["ACME Corp", "030123456", "4711::"]
    assert call[1:5] == ["CALL", "000000001", "freeswitch1", ""] and call[13] == ""
    with open(told, encoding="utf-8") as file:
        first, *arguments = file.read().splitlines()
    assert first == "NORMAL_CLEARING|14400|8192"
    assert arguments == [
        "[recvq/fax000000001.tif]", "[freeswitch1]", "[000000001]", "[]", "[030123456]", "[ACME Corp]", "[4711]", "[]"
    ]


def test_faxinfo_knows_sender_rate_and_caller(house: House, document: str) -> None:
    faxrcvd(house)
    receive(house, document)
    [fax] = house.received()
    info = subprocess.run([hylafax_program("faxinfo"), fax], capture_output=True, text=True, check=True).stdout
    for line in ("Sender: +49 30 FAR", "Pages: 3", "SignalRate: 14400 bit/s", "CallID1: 030123456", "CallID2: ACME Corp"):
        assert line in info, info
    assert re.search(r"Received: \d{4}:\d\d:\d\d \d\d:\d\d:\d\d", info), "hfaxd reads no other form"


def test_the_session_log_reads_as_native(house: House, document: str) -> None:
    faxrcvd(house)
    receive(house, document)
    log = house.session_log("000000001")
    for text in (
        "SESSION BEGIN 000000001", 'CallID: "030123456" "ACME Corp" "4711"', "ANSWER: FAX CONNECTION  DEVICE '/dev/freeswitch1'",
        "RECV FAX: begin", 'REMOTE TSI "+49 30 FAR"', "RECV FAX (000000001): from +49 30 FAR, page 3 in 0:00:",
        "RECV FAX (000000001): recvq/fax000000001.tif from +49 30 FAR, route to <unspecified>, 3 pages in",
        'RECV FAX: bin/faxrcvd "recvq/fax000000001.tif" "freeswitch1" "000000001" ""', "RECV FAX: end", "SESSION END",
    ):
        assert text in log, log


def test_pages_before_a_hang_up_are_kept_and_announced_with_the_reason(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    told = faxrcvd(house)
    call = house.switch.place_call("4711", document)
    house.wait("page 1", lambda: house.received() and "page 1 in" in house.session_log("000000001"))
    house.switch.api(f"uuid_kill {call.uuid}")
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: not house.journal())
    [fax] = house.received()
    assert 1 <= len(read_pages(fax)) < 3
    with open(told, encoding="utf-8") as file:
        assert "[T.30 T2 timeout, expected signal not received]" in file.read()
    assert house.records()[0][13] == "T.30 T2 timeout, expected signal not received"


def test_a_caller_who_says_nothing_leaves_a_call_record_and_no_file(house: House) -> None:
    told = faxrcvd(house)
    reply = house.switch.originate("{origination_caller_id_number=0305}sofia/far/4711", "playback(silence_stream://-1)")
    assert reply.startswith("+OK")
    house.wait("the CALL record", house.records)
    house.switch.api("hupall")
    [record] = house.records()
    assert (record[1], record[13]) == ("CALL", "No sender protocol (T.30 T1 timeout)")
    assert house.received() == [] and not os.path.exists(told)


def test_a_spool_that_cannot_keep_a_fax_refuses_the_call(house: House, document: str) -> None:
    os.chmod(house.path("recvq"), 0o500)
    call = house.switch.place_call("4711", document)
    assert call.cause == "NORMAL_TEMPORARY_FAILURE", "503: the sender tries again later"
    assert house.journal() == []


def test_dynamic_config_rejects_before_the_answer(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}})
    with open(house.path("etc", "DynamicConfig"), "w", encoding="utf-8") as script:
        script.write('#!/bin/sh\n[ "$2" = 0666 ] && echo "RejectCall: true"\nexit 0\n')
    os.chmod(house.path("etc", "DynamicConfig"), 0o755)
    faxrcvd(house)
    assert house.switch.place_call("4711", document, caller_number="0666").cause == "UNALLOCATED_NUMBER"
    house.wait("the CALL record", house.records)
    assert (house.records()[0][1], house.records()[0][13]) == ("CALL", "ANSWER: CALL REJECTED")
    receive(house, document)


def test_a_modem_is_busy_for_the_time_of_the_call_and_free_afterwards(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    house.switch.place_call("4711", document)
    house.wait("the lock", lambda: os.path.exists(os.path.join(house.lock_dir, "LCK..freeswitch1")))
    house.wait("the status", lambda: status(house, "freeswitch1").startswith('Receiving from "+49 30 FAR"'))
    house.switch.wait_calls_over()
    house.wait("the lock to go", lambda: not os.path.exists(os.path.join(house.lock_dir, "LCK..freeswitch1")))
    assert status(house, "freeswitch1") == "Running and idle\n"


def test_more_calls_than_modems_are_taken_as_device_freeswitch(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    for number in range(4):
        assert house.switch.place_call("4711", document, caller_number=f"030{number}").answered
    house.switch.wait_calls_over()
    house.wait("the end of the journal entries", lambda: not house.journal())
    devices = sorted(record[3] for record in house.records() if record[1] == "RECV")
    assert devices == ["freeswitch", "freeswitch", "freeswitch0", "freeswitch1"]
    assert len(house.received()) == 4


def test_of_a_received_fax_libtiff_reads_what_we_do(house: House, document: str) -> None:
    faxrcvd(house)
    receive(house, document)
    [fax] = house.received()
    ours, theirs = directories(fax), libtiff_pages(fax)
    assert len(ours) == len(theirs) == page_count(fax) == len(read_pages(document))
    assert [(page.width, page.length, page.compression, page.resolution_unit) for page in ours] == [
        (page.width, page.length, page.compression, page.unit) for page in theirs
    ]
    assert all(page.bilevel for page in ours) and {page.ascii(270).partition("\n")[0] for page in ours} != {""}
