"""Receiving beside Debian's own HylaFAX: what faxstat and faxwatch show, faxstate, faxq restarted, faxrcvd's mail."""

from __future__ import annotations

import re
import subprocess

from rig import JobState, PrivateHylaFAX
from rig.guard import hylafax_program
from rig.pages import read_pages
from rig.server import ServerMaker, idle, recorded, wait


def test_clients_see_a_fax_come_in(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=15)
    watch = hylafax.faxwatch()
    assert switch.place_call("4711", document).answered
    assert wait(lambda: 'Receiving from "+49 30 FAR"' in hylafax.faxstat("-s"))
    assert idle(hylafax) == 1
    assert wait(lambda: re.search(r"\s[12]\*.*fax000000001\.tif", hylafax.faxstat("-r"))), hylafax.faxstat("-r")
    assert recorded(hylafax, "CALL")
    assert wait(lambda: re.search(r"\s3 .*\+49 30 FAR.*fax000000001\.tif", hylafax.faxstat("-r"))), hylafax.faxstat("-r")
    assert wait(lambda: idle(hylafax) == 2)
    text = watch.stop()
    for wanted in ('"030123456","ACME Corp"', "page 1 in", "page 3 in", "14400 bit/s", "Marked busy", "Marked ready"):
        assert wanted in text, text


def test_a_modem_switched_down_gets_no_jobs_until_it_is_switched_up(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    for modem in ("freeswitch0", "freeswitch1"):
        faxstate(hylafax, modem, "down")
    assert wait(lambda: hylafax.faxstat("-s").count("Waiting for modem to come ready") == 2), hylafax.faxstat("-s")
    job = hylafax.sendfax([document], "1000")
    assert not wait(lambda: hylafax.job(job).state is not JobState.READY, 4)
    faxstate(hylafax, "freeswitch1", "ready")
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"]) == (JobState.DONE, "3")
    assert [record[3] for record in hylafax.xferfaxlog() if record[1] == "SEND"] == ["freeswitch1"]


def test_faxq_restarted_while_a_fax_comes_in_learns_of_the_modems(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=15)
    assert switch.place_call("4711", document).answered
    assert wait(lambda: 'Receiving from "+49 30 FAR"' in hylafax.faxstat("-s"))
    hylafax.stop_faxq()
    hylafax.start_faxq()
    job = hylafax.sendfax([document], "1000")
    assert hylafax.wait_job(job).state is JobState.DONE
    assert recorded(hylafax, "RECV")
    assert {(record[1], record[3]) for record in hylafax.xferfaxlog()} >= {("SEND", "freeswitch0"), ("RECV", "freeswitch1")}
    second = hylafax.sendfax([document], "1000")
    assert hylafax.wait_job(second).state is JobState.DONE


def test_jobs_and_calls_never_share_a_modem(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=20)
    overlaps: list[str] = []
    jobs = []
    for number in range(4):
        jobs.append(hylafax.sendfax([document], "1000"))
        assert switch.place_call("4711", document, caller_number=f"030{number}").answered
    for job in jobs:
        qfile = hylafax.wait_job(job)
        assert (qfile.state, qfile["npages"]) == (JobState.DONE, "3")
    assert recorded(hylafax, "RECV", 4)
    used = [(record[3], *span(hylafax, record[2])) for record in hylafax.xferfaxlog() if record[1] in ("SEND", "RECV")]
    for index, (device, begin, end) in enumerate(used):
        overlaps += [
            f"{device} {begin}-{end} {other}" for other in used[:index]
            if device == other[0] != "freeswitch" and begin < other[2] and other[1] < end
        ]
    assert overlaps == []
    assert [len(read_pages(fax)) for fax in hylafax.received()] == [3] * 4
    assert wait(lambda: idle(hylafax) == 2), hylafax.faxstat("-s")


def test_debians_faxrcvd_mails_the_fax_where_faxdispatch_says(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server()
    with open(hylafax.path("etc", "FaxDispatch"), "w", encoding="utf-8") as file:
        file.write('case "$CALLID3" in\n4711) SENDTO=sales@example.com; FILETYPE=tif;;\n*) SENDTO=other@example.com;;\nesac\n')
    switch.place_call("4711", document)
    assert recorded(hylafax, "CALL")
    mails = [mail.arguments + mail.text for mail in hylafax.wait_mails(2)]
    [sales] = [text for text in mails if "sales@example.com" in text]
    assert "fax000000001" in sales and "+49 30 FAR" in sales
    assert not any("other@example.com" in text for text in mails)


def faxstate(hylafax: PrivateHylaFAX, modem: str, state: str) -> None:
    """Debian's faxstate(8); the name in /usr/sbin leads to a wrapper for the machine's own spool."""
    subprocess.run([hylafax_program("faxstate"), "-q", hylafax.spool, "-s", state, modem], check=True)


def span(hylafax: PrivateHylaFAX, commid: str) -> tuple[str, str]:
    """When a session began and ended, as its log says."""
    with open(hylafax.path("log", f"c{commid}"), encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    begin = next(line for line in lines if "SESSION BEGIN" in line)
    end = next((line for line in lines if "SESSION END" in line), lines[-1])
    return begin[7:18], end[7:18]
