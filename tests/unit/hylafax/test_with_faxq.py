"""What this package writes, put before Debian's own faxq, hfaxd and their clients in a private spool."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator

import pytest

from gofaxpy.hylafax import events, fifo, modemstatus
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.recvtags import PageTags, description, write_receive_tags
from gofaxpy.hylafax.sequence import recv_name
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.uucplock import UUCPLock
from rig import JobState, PrivateHylaFAX, QFile, RunDir
from rig.pages import make_tiff
from rig.rundir import fax_ids

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
LIBRARY = os.path.join(os.path.dirname(__file__), "..", "..", "..", "lib", "gofaxpy")
PARAMS = FaxParams(df=3, ec=2)

# A SendFaxCmd that "sends" at most a given number of pages a call, all by means of this package.
SENDER = """#!/usr/bin/python3 -I
import sys, time
sys.path.insert(0, {library!r})
from gofaxpy.hylafax import events, fifo, xferfaxlog
from gofaxpy.hylafax.pages import advance, release_document, remaining_pages
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.hylafax.sequence import commid
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.tiff import page_count

spool, params, most = Spool("."), FaxParams(df=3, ec=2), {most}
with QFileHandle.open(sys.argv[-1]) as handle:
    qfile, call = handle.qfile, commid(spool)
    job, start = qfile.get("jobid"), time.time()
    count = lambda file: page_count(spool.inside(file))
    log = SessionLog.create(spool, call, qfile.get("number"))
    log.begin()
    qfile.set("returned", 0)
    qfile.set("commid", call)
    qfile.set("csi", "+49 30 FAR")
    for tag in ("totdials", "tottries"):
        qfile.set(tag, qfile.number(tag) + 1)
    fifo.send(spool.fifo, events.job_call_placed(job))
    fifo.send(spool.fifo, events.job_connected(job))
    advance(qfile, 0, count)
    handle.rewrite()
    sent = 0
    while sent < most and (left := remaining_pages(qfile, count)):
        log.line(f"SEND file {{left[0].file}} page {{left[0].directory}}")
        done = advance(qfile, 1, count)
        handle.rewrite()
        sent += 1
        pages = qfile.number("npages")
        fifo.send(spool.fifo, events.job_page_sent(job, events.SendInfo(4, pages, params, call, left[0].file)))
        for file in done:
            release_document(spool, file, job)
            fifo.send(spool.fifo, events.job_document_sent(job, events.SendInfo(9, pages, params, call, file)))
    failed = StatusCode.NO_RESPONSE_PPS if remaining_pages(qfile, count) else StatusCode.NONE
    qfile.set("status", failed.text)
    qfile.set("statuscode", failed)
    qfile.set("tts", int(time.time()) + 1)
    qfile.set("returned", 0 if failed else 2)
    qfile.set("signalrate", params.signalrate)
    qfile.set("dataformat", params.dataformat)
    xferfaxlog.append(spool.path("log", "xferfaxlog"), xferfaxlog.Record(
        xferfaxlog.RecordType.SEND, start, call, sys.argv[sys.argv.index("-m") + 1], job, qfile.get("jobtag"),
        qfile.get("mailaddr"), qfile.get("external"), qfile.get("csi"), params, sent, 9, 5, failed.text,
        owner=qfile.get("owner"), dcs=params.dcs(),
    ))
    handle.rewrite()
    log.end()
sys.exit(0 if failed else 2)
"""

Start = Callable[[int], PrivateHylaFAX]


@pytest.fixture
def start(run_dir: RunDir) -> Iterator[Start]:
    """Starts a private HylaFAX whose SendFaxCmd sends at most so many pages a call."""
    with PrivateHylaFAX(run_dir) as hylafax:

        def started(most: int) -> PrivateHylaFAX:
            library = run_dir.sub("lib")
            shutil.copytree(os.path.join(LIBRARY, "hylafax"), os.path.join(library, "gofaxpy", "hylafax"))
            for name in ("__init__.py", "values.py"):
                shutil.copy(os.path.join(LIBRARY, name), os.path.join(library, "gofaxpy"))
            sender = os.path.join(run_dir.sub("bin"), "sender")
            with open(sender, "w", encoding="utf-8") as file:
                file.write(SENDER.format(library=library, most=most))
            os.chmod(sender, 0o755)
            hylafax.start(sender)
            hylafax.announce_modems()
            return hylafax

        yield started


def over(hylafax: PrivateHylaFAX, job: int) -> QFile:
    """The job when it is done.  faxq forgets a job that comes at a bad moment after another's end; a poke reminds it."""
    for _ in range(15):
        try:
            return hylafax.wait_job(job, timeout=4)
        except TimeoutError:
            assert fifo.send(Spool(hylafax.spool).fifo, events.SCHEDULER_POKE)
    return hylafax.wait_job(job, timeout=4)


def watched(lines: list[str], job: int) -> list[str]:
    """faxwatch's words about sending, without times and what differs from run to run."""
    found = []
    for line in lines:
        text = re.search(rf"JOB {job} .*?: (SEND FAX: (?:Call|Connected|Page|Document).*)", line)
        if text:
            found.append(re.sub(r"\d:\d\d:\d\d", "TIME", re.sub(r"doc\d+", "doc", text[1])))
    return found


def test_a_whole_job_is_accepted_and_clients_see_what_native_shows_them(start: Start, run_dir: RunDir) -> None:
    hylafax = start(99)
    document = os.path.join(run_dir.path, "three.tif")
    make_tiff(document, 3)
    with hylafax.faxwatch() as watch:
        job = hylafax.sendfax([document], "900123", "-i", "my tag", "-l")
        done = over(hylafax, job)
        watch.wait_for("Job completed successfully")
        seen = watched(watch.lines, job)
    assert (done.state, done["npages"], done["status"], done["returned"]) == (JobState.DONE, "3", "", "2")
    with open(os.path.join(NATIVE, "send-ok", "faxwatch"), encoding="utf-8") as file:
        assert seen == watched(file.read().splitlines(), 4)
    assert not [name for name in os.listdir(hylafax.path("docq")) if ";" in name], "faxq keeps an imaged document"
    [record] = hylafax.xferfaxlog()
    assert (len(record), record[9], record[10], record[13]) == (19, "2220072", "3", '""')


def test_a_page_range_sent_in_two_calls_sends_each_page_once(start: Start, run_dir: RunDir) -> None:
    hylafax = start(1)
    first, second = (os.path.join(run_dir.path, name) for name in ("first.tif", "second.tif"))
    make_tiff(first, 3)
    make_tiff(second, 1)
    job = hylafax.sendfax([first, second], "900124", "-l", "-Z", "2,4")
    done = over(hylafax, job)
    assert (done.state, done["npages"], done["nskip"], done["pagehandling"]) == (JobState.DONE, "4", "2", "")
    assert (done["tottries"], done["commid"]) == ("2", "000000002")
    assert [(record[10], record[13]) for record in hylafax.xferfaxlog()] == [
        ("1", '"No response to PPS repeated 3 times."'), ("1", '""'),
    ]
    pages = []
    for log in ("c000000001", "c000000002"):
        with open(hylafax.path("log", log), encoding="utf-8") as file:
            pages += re.findall(r"SEND file docq/(doc\d+)\S* page (\d)", file.read())
    assert [page for _, page in pages] == ["1", "0"]
    assert pages[0][0] != pages[1][0]


def test_a_received_fax_is_listed_with_its_sender_and_pages(start: Start, run_dir: RunDir) -> None:
    hylafax = start(1)
    spool = Spool(hylafax.spool, hylafax.lock_dir)
    name = recv_name(spool)
    make_tiff(hylafax.path(name), 3)
    tags = PageTags(PARAMS.encode(), 4, PARAMS.dcs(), description("+49 30 FAR", ("030555123", "ACME")))
    write_receive_tags(hylafax.path(name), [tags] * 3)
    os.chmod(hylafax.path(name), 0o644)
    for path in (hylafax.path(name), hylafax.path("recvq", "seqf")):
        os.chown(path, *fax_ids())
    # without a DateTime in the file hfaxd shows none, or a time that it has left over
    assert re.search(r"-rw-r--  +3 +\S+ +\+49 30 FAR +(\S+ +)?fax000000001\.tif", hylafax.faxstat("-r"))


def test_a_modems_life_is_told_to_faxq_and_shown_to_clients(start: Start) -> None:
    hylafax = start(1)
    spool = Spool(hylafax.spool, hylafax.lock_dir)
    info = events.RecvInfo(
        11, 1, PARAMS, "recvq/fax000000003.tif", "000000023", "+49 30 FAR", "<UNSPECIFIED>", "", "",
        ("030555124", 'A "C" ME', "4711"),
    )
    with hylafax.faxwatch() as watch:
        watch_until_it_hears(watch.wait_for, lambda: fifo.send(spool.fifo, events.modem_busy("freeswitch1")))
        for message in (
            events.caller_id("freeswitch1", info.callid),
            events.recv_begin("freeswitch1"), events.recv_start("freeswitch1", info),
            events.recv_page("freeswitch1", info), events.recv_document("freeswitch1", info), events.recv_end("freeswitch1"),
            events.modem_ready("freeswitch1"),
        ):
            assert fifo.send(spool.fifo, message)
        watch.wait_for("MODEM freeswitch1: Marked ready")
        seen = "\n".join(watch.lines)
    modemstatus.write_status(spool, "freeswitch1", modemstatus.receiving_from("+49 30 FAR"))
    assert "MODEM freeswitch1: Caller-id information: \"030555124\",\"A 'C' ME\",\"4711\"" in seen
    assert (
        "RECV FAX: From +49 30 FAR (com 000000023), page 1 in 0:00:11"
        " <INF, 3.85 line/mm, 2-D MMR, 14400 bit/s, 0 ms/scanline>"
    ) in seen
    assert "RECV FAX: From +49 30 FAR (com 000000023), 1 pages in 0:00:11, file recvq/fax000000003.tif" in seen
    assert 'Receiving from "+49 30 FAR"' in hylafax.faxstat("-s")


def watch_until_it_hears(wait_for: Callable[[str, float], str], tell: Callable[[], bool]) -> None:
    """faxwatch needs a moment to register with faxq; nothing says when it has."""
    for _ in range(50):
        assert tell()
        try:
            wait_for("Marked busy", 0.2)
            return
        except TimeoutError:
            continue
    raise AssertionError("faxwatch hears nothing")


def test_faxq_leaves_a_modem_alone_that_we_have_locked(start: Start, run_dir: RunDir) -> None:
    hylafax = start(99)
    lock = UUCPLock(hylafax.lock_dir, "freeswitch0")
    assert lock.acquire()
    document = os.path.join(run_dir.path, "one.tif")
    make_tiff(document, 1)
    for number in range(3):  # faxq takes free modems in turn
        over(hylafax, hylafax.sendfax([document], f"90012{number}"))
    assert [record[3] for record in hylafax.xferfaxlog()] == ["freeswitch1"] * 3
    assert lock.owned_by_me
    lock.release()
    assert "LCK..freeswitch0" not in os.listdir(hylafax.lock_dir)
