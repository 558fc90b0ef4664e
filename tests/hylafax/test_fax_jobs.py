"""The whole house with Debian's own HylaFAX: sendfax to faxq to gofaxsend to the switch, and back through faxrcvd."""

from __future__ import annotations

import ftplib
import os
import re

from rig import JobState, PrivateHylaFAX
from rig.pages import compare_documents, read_pages
from rig.server import ServerMaker, idle, wait


def senders(hylafax: PrivateHylaFAX) -> list[str]:
    """The process number of the sender of each session, from the session logs."""
    found = []
    for name in sorted(os.listdir(hylafax.path("log"))):
        if name.startswith("c0"):
            with open(hylafax.path("log", name), encoding="utf-8") as file:
                found.append(file.readline().partition("[")[2].partition("]")[0].strip())
    return found


def test_modems_announce_themselves_and_show_in_faxstat(make_server: ServerMaker) -> None:
    hylafax, switch = make_server()
    assert wait(lambda: idle(hylafax) == 2), hylafax.faxstat("-s")
    switch.stop()
    assert "FreeSWITCH is not running" in hylafax.faxstat("-s")


def test_a_fax_to_our_own_number_is_sent_received_and_mailed(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    job = hylafax.sendfax([document], "4711", "-D")
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"], qfile["totpages"]) == (JobState.DONE, "3", "3")
    [fax] = hylafax.received()
    assert [page.identical for page in compare_documents(read_pages(document), read_pages(fax))] == [True] * 3
    types = sorted(record[1] for record in hylafax.xferfaxlog())
    assert types == ["CALL", "RECV", "SEND"]
    mails = [mail.text for mail in hylafax.wait_mails(2)]
    assert any("was completed successfully" in " ".join(text.split()) for text in mails), mails
    assert any("recvq/fax000000001.tif" in text and "Pages: 3" in text for text in mails), mails
    assert "fax000000001.tif" in hylafax.faxstat("-r")
    assert wait(lambda: idle(hylafax) == 2), hylafax.faxstat("-s")


def test_clients_see_each_page_and_the_modem_at_work(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server(speed=20)
    watch = hylafax.faxwatch()
    job = hylafax.sendfax([document], "1000")
    assert wait(lambda: "Sending job" in hylafax.faxstat("-s"))
    hylafax.wait_job(job)
    assert wait(lambda: idle(hylafax) == 2), hylafax.faxstat("-s")
    text = watch.stop()
    for wanted in ("Call placed", "Connected to remote device", "Page 1 sent", "Page 3 sent", "Document sent"):
        assert wanted in text, text


def test_a_busy_number_sleeps_and_is_tried_again(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    job = hylafax.sendfax([document], "2000")
    qfile = hylafax.wait_job(job, {JobState.SLEEPING})
    assert (qfile["status"], qfile["statuscode"], qfile["totdials"]) == ("Busy signal detected", "1", "1")
    assert qfile.number("tts") > os.stat(qfile.path).st_mtime + 100


def test_the_last_allowed_dial_fails_the_job_with_the_real_reason(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    job = hylafax.sendfax([document], "2000", "-T", "1")
    qfile = hylafax.wait_job(job)
    assert qfile.state is JobState.FAILED
    assert qfile["status"] == "Busy signal detected; too many attempts to dial"


def test_faxrm_in_mid_page_ends_call_and_job(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=10)
    job = hylafax.sendfax([document], "1000")
    assert wait(lambda: hylafax.job(job)["npages"] == "1")
    hylafax.faxrm(job)
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["statuscode"]) == (JobState.FAILED, "345")
    assert wait(lambda: not switch.calls(), 3), "the other end's leg goes a moment later"


def test_faxrm_while_it_rings_ends_call_and_job(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=1)
    job = hylafax.sendfax([document], "2001")
    assert wait(switch.calls)
    hylafax.faxrm(job)
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["statuscode"], qfile["npages"]) == (JobState.FAILED, "345", "0")
    assert wait(lambda: not switch.calls(), 3)


def test_a_job_of_several_documents_is_done(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    job = hylafax.sendfax([document, document], "4711")
    qfile = hylafax.wait_job(job)
    assert (qfile.state, qfile["npages"]) == (JobState.DONE, "6")
    [fax] = hylafax.received()
    sent = [*read_pages(document), *read_pages(document)]
    assert [page.identical for page in compare_documents(sent, read_pages(fax))] == [True] * 6


def test_a_page_range_sends_only_those_pages(make_server: ServerMaker, document: str) -> None:
    hylafax, _switch = make_server()
    job = hylafax.sendfax([document], "4711", "-Z", "2-3")
    assert hylafax.wait_job(job).state is JobState.DONE
    [fax] = hylafax.received()
    assert [page.identical for page in compare_documents(read_pages(document)[1:], read_pages(fax))] == [True] * 2


def test_a_text_that_a_client_uploads_as_it_is_fails_and_does_not_pass_for_sent(make_server: ServerMaker) -> None:
    """sendfax makes PostScript of a text before; other clients may not, and hfaxd and faxq let it through as `data`."""
    hylafax, switch = make_server(modems=1)
    wanted = {
        "FROMUSER": '"Test"', "LASTTIME": "000259", "MAXDIALS": "12", "MAXTRIES": "3", "SCHEDPRI": "127", "DIALSTRING": '"1000"',
        "EXTERNAL": '"1000"', "NOTIFYADDR": '"root@localhost"', "VRES": "98", "PAGEWIDTH": "209", "PAGELENGTH": "296",
        "NOTIFY": "none", "PAGECHOP": "default", "CHOPTHRESHOLD": "3",
    }
    with ftplib.FTP() as hfaxd:     # its protocol is FTP with jobs
        hfaxd.connect("127.0.0.1", hylafax.port)
        for command in ("USER root", "TYPE I"):
            hfaxd.sendcmd(command)
        with hfaxd.transfercmd("STOT") as upload:
            upload.sendall(b"The hearing is on Friday.\n" * 20)
        document = re.search(r"FILE: ([^)]+)", hfaxd.voidresp())
        job = re.search(r"jobid: (\d+)", hfaxd.sendcmd("JNEW"))
        assert document and job
        for command in (*(f"JPARM {name} {value}" for name, value in wanted.items()), f"JPARM DOCUMENT {document[1]}", "JSUBM"):
            hfaxd.sendcmd(command)
    qfile = hylafax.wait_job(int(job[1]))
    assert (qfile.state, qfile["totdials"]) == (JobState.FAILED, "0")
    assert "was not made into a fax" in qfile["status"]
    assert not (os.path.isdir(switch.far) and os.listdir(switch.far))


def test_faxq_restarted_while_a_fax_is_sent_does_not_send_it_twice(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(speed=20)
    job = hylafax.sendfax([document], "1000")
    assert wait(lambda: hylafax.job(job)["npages"] == "1")
    hylafax.stop_faxq()
    hylafax.start_faxq()
    qfile = hylafax.wait_job(job)
    assert qfile.state is JobState.DONE
    assert len([name for name in os.listdir(switch.far) if name.endswith(".tif")]) == 1


def test_a_batch_whose_faxq_was_killed_goes_on_under_the_next_one(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(modems=1, config_extra="MaxBatchJobs: 10\n", speed=15)
    jobs = [hylafax.sendfax([document], "1000") for _ in range(4)]      # the first one holds the modem while three gather
    hylafax.wait_job(jobs[0])
    assert wait(lambda: any(hylafax.job(job)["npages"] == "1" for job in jobs[1:]), 30)
    hylafax.kill_faxq()
    lock = os.path.join(hylafax.lock_dir, "LCK..freeswitch0")
    os.utime(lock, (os.stat(lock).st_mtime - 60,) * 2)      # HylaFAX leaves the lock of a dead faxq alone for 30 s
    hylafax.begin_faxq()
    for job in jobs:
        qfile = hylafax.wait_job(job)
        assert (qfile.state, qfile["npages"], qfile["status"]) == (JobState.DONE, "3", ""), qfile
    far = [read_pages(os.path.join(switch.far, name)) for name in os.listdir(switch.far) if name.endswith(".tif")]
    assert [len(pages) for pages in far] == [3] * 4, "each arrived once"


def test_statistics_count_our_record_as_a_success(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server()
    hylafax.wait_job(hylafax.sendfax([document], "1000"))
    text = hylafax.script("xferfaxstats", hylafax.path("log", "xferfaxlog"))
    [line] = [line for line in text.splitlines() if line.startswith("root@localhost")]
    pages, errors, rate, *dataformat = line.split()[2], line.split()[5], line.split()[6], line.split()[7:]
    assert (pages, errors, rate, dataformat) == ("3", "0", "14400", [["JBIG"] if switch.live else ["2-D", "MMR"]]), text


def test_faxq_images_for_what_we_have_noted_of_the_destination(make_server: ServerMaker, document: str) -> None:
    hylafax, _ = make_server()
    first = hylafax.wait_job(hylafax.sendfax([document], "2000"), {JobState.SLEEPING})
    assert first["pagehandling"].startswith("e"), "T.6 for a machine nothing is known of"
    path = hylafax.path("info", "49302000")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert 'lastDialFailure:"Busy signal detected"' in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("calledBefore:no", "calledBefore:yes").replace("supportsMMR:yes", "supportsMMR:no"))
    second = hylafax.wait_job(hylafax.sendfax([document], "2000"), {JobState.SLEEPING})
    assert second["pagehandling"].startswith("6"), "T.4 2-D for one that is known not to have it"


def test_a_batch_of_jobs_is_sent_one_after_the_other_and_each_is_done(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(modems=1, config_extra="MaxBatchJobs: 10\n", speed=30)
    jobs = [hylafax.sendfax([document], "1000") for _ in range(4)]
    assert [hylafax.wait_job(job).state for job in jobs] == [JobState.DONE] * 4
    assert len([name for name in os.listdir(switch.far) if name.endswith(".tif")]) == 4
    records = [record for record in hylafax.xferfaxlog() if record[1] == "SEND"]
    assert sorted(int(record[4]) for record in records) == sorted(jobs)
    assert len(set(senders(hylafax))) < 4, "no sender has had more than one job"


def test_the_second_job_of_a_batch_can_be_removed_and_the_others_are_sent(make_server: ServerMaker, document: str) -> None:
    hylafax, switch = make_server(modems=1, config_extra="MaxBatchJobs: 10\n", speed=8)
    before = hylafax.sendfax([document], "1000")       # holds the only modem while the batch gathers
    jobs = [hylafax.sendfax([document], "1000") for _ in range(3)]
    hylafax.wait_job(before)
    assert wait(lambda: any(hylafax.job(job)["npages"] == "1" for job in jobs[1:2]), 60)
    hylafax.faxrm(jobs[1])
    qfiles = [hylafax.wait_job(job) for job in jobs]
    assert [qfile.state for qfile in qfiles] == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert qfiles[1]["statuscode"] == "345" and qfiles[1]["npages"] in ("1", "2")
    assert wait(lambda: not switch.calls(), 3), "the other end's leg goes a moment later"


def test_a_job_that_fails_ends_its_batch_and_the_others_lose_nothing(make_server: ServerMaker, document: str) -> None:
    hylafax, _ = make_server(modems=1, config_extra="MaxBatchJobs: 10\n", speed=30)
    before = hylafax.sendfax([document], "1000")
    jobs = [hylafax.sendfax([document], "2000", "-T", "1") for _ in range(3)]
    assert hylafax.wait_job(before).state is JobState.DONE
    for job in jobs:
        qfile = hylafax.wait_job(job)
        assert (qfile.state, qfile["totdials"]) == (JobState.FAILED, "1")


def test_what_jobcontrol_says_reaches_the_sender(make_server: ServerMaker, document: str) -> None:
    hylafax, _ = make_server(config_extra="JobControlCmd: etc/jobcontrol\n")
    path = hylafax.path("etc", "jobcontrol")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho 'desiredec: 0'\n")
    os.chmod(path, 0o755)
    qfile = hylafax.wait_job(hylafax.sendfax([document], "1000"))
    assert qfile.state is JobState.DONE and qfile["desiredec"] == "2"
    with open(hylafax.path("log", f"c{qfile['commid']}"), encoding="utf-8") as file:
        assert "USE error correction mode" not in file.read()


def test_a_fax_the_operators_script_rejects_fails_at_once_and_the_user_reads_why(
    make_server: ServerMaker, document: str
) -> None:
    hylafax, _ = make_server({"outbound": {"dynamic_config": "etc/DynamicConfigOutgoing"}})
    path = hylafax.path("etc", "DynamicConfigOutgoing")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho 'RejectCall: true'\n")
    os.chmod(path, 0o755)
    qfile = hylafax.wait_job(hylafax.sendfax([document], "1000", "-D"))
    assert (qfile.state, qfile["statuscode"]) == (JobState.FAILED, "348")
    [mail] = hylafax.wait_mails(1)
    assert "DynamicConfigOutgoing has rejected this fax" in " ".join(mail.text.split())
