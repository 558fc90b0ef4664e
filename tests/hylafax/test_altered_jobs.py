"""A client alters a waiting job after its sender was killed: real hfaxd, faxq and gofaxsend."""

from __future__ import annotations

import ftplib
import os
import re
import signal
import time

from rig import JobState, PrivateHylaFAX
from rig.driven import Switch
from rig.pages import NORMAL, make_tiff, read_pages
from rig.server import ServerMaker, wait


def sender_of(hylafax: PrivateHylaFAX) -> int:
    """The process number of the gofaxsend at work."""
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if any(word.endswith(b"gofaxsend") for word in words) and os.readlink(f"/proc/{pid}/cwd") == hylafax.spool:
                    return int(pid)
            except OSError:
                continue
    raise AssertionError("no gofaxsend is at work")


def killed_after_page(hylafax: PrivateHylaFAX, switch: Switch, document: str, page: int) -> int:
    """A job whose gofaxsend was killed after so many pages and whose call then went on to its end; it waits."""
    job = hylafax.sendfax([document], "1000")
    assert wait(lambda: hylafax.job(job)["npages"] == str(page))
    os.kill(sender_of(hylafax), signal.SIGKILL)
    hylafax.wait_job(job, {JobState.SLEEPING})
    assert wait(lambda: not switch.calls())
    return job


def alter(hylafax: PrivateHylaFAX, job: int, *commands: str, document: str = "") -> None:
    """Suspends the job, gives ``commands``, adds ``document`` and submits it again, to be sent now."""
    with ftplib.FTP() as hfaxd:
        hfaxd.connect("127.0.0.1", hylafax.port)
        for command in ("USER root", "TYPE I"):
            hfaxd.sendcmd(command)
        if document:
            with hfaxd.transfercmd("STOT") as upload, open(document, "rb") as file:
                upload.sendall(file.read())
            stored = re.search(r"FILE: ([^)]+)", hfaxd.voidresp())
            assert stored
            commands = (*commands, f"JPARM DOCUMENT {stored[1]}")
        hfaxd.sendcmd(f"JSUSP {job}")
        time.sleep(1.1)     # hfaxd sees that a qfile has changed by its time in whole seconds
        hfaxd.sendcmd(f"JOB {job}")
        for command in (*commands, "JPARM SENDTIME NOW", f"JSUBM {job}"):
            hfaxd.sendcmd(command)


def far_pages(switch: Switch) -> list[int]:
    paths = [os.path.join(switch.far, name) for name in os.listdir(switch.far) if name.endswith(".tif")]
    return [len(read_pages(path)) for path in sorted(paths, key=os.path.getmtime)]


def test_a_document_that_a_client_adds_after_the_sender_was_killed_is_sent(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(modems=1, speed=20)
    job = killed_after_page(hylafax, switch, document, 1)
    more = os.path.join(hylafax.spool, "tmp", "more.tif")
    make_tiff(more, 2, title="added later", dpi=NORMAL)
    alter(hylafax, job, document=more)
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"], qfile["totpages"], qfile["totdials"]) == (JobState.DONE, "5", "5", "2")
    assert far_pages(switch) == [3, 2]
    assert [record[10] for record in hylafax.xferfaxlog() if record[1] == "SEND"] == ["3", "2"]


def test_a_job_that_a_client_has_imaged_anew_after_the_sender_was_killed_is_not_sent_twice(
    make_server: ServerMaker, document: str
) -> None:
    hylafax, switch = make_server(modems=1, speed=20)
    job = killed_after_page(hylafax, switch, document, 1)
    alter(hylafax, job, "JPARM VRES 196")
    qfile = hylafax.wait_job(job)
    assert qfile.state is JobState.DONE
    assert far_pages(switch) == [3]


def test_another_number_after_the_sender_was_killed_gets_what_the_job_still_has(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(modems=1, speed=20)
    job = killed_after_page(hylafax, switch, document, 1)
    alter(hylafax, job, "JPARM DIALSTRING 4711", "JPARM EXTERNAL 4711")
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"]) == (JobState.DONE, "3")
    assert wait(lambda: bool(hylafax.received())) and [len(read_pages(fax)) for fax in hylafax.received()] == [2]
    sent = sorted((record[7].strip('"'), record[10]) for record in hylafax.xferfaxlog() if record[1] == "SEND")
    assert sent == [("1000", "3"), ("4711", "2")]
