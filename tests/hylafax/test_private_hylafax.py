"""The private HylaFAX of the rig: Debian's faxq and hfaxd beside whatever else the machine runs."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import JobState, PrivateHylaFAX, RigError, RunDir
from rig.clock import Clock
from rig.pages import make_postscript, read_pages
from rig.server import wait

DONE = "sys.exit(2)"
# Keeps the document as faxq prepared it, then reports success.
KEEP = "import glob, shutil; [shutil.copy(name, 'tmp') for name in glob.glob('docq/*;*')]; sys.exit(2)"


@pytest.mark.parametrize("kind", ["postscript", "pdf", "tiff", "text"])
def test_a_document_of_any_kind_reaches_the_sender_as_fax_pages(
    kind: str, hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    source = os.path.join(hylafax.run_dir.path, "source.ps")
    if kind == "tiff":
        source = document
    elif kind == "text":
        with open(source, "w", encoding="ascii") as file:
            file.write("line\n" * 10 + "\f" + "page two\n\f" + "page three\n")
    else:
        make_postscript(source)
    if kind == "pdf":
        subprocess.run(["/usr/bin/ps2pdf", source, source + ".pdf"], check=True)
        source += ".pdf"
    hylafax.start(make_sender(KEEP))
    hylafax.announce_modems()
    job = hylafax.wait_job(hylafax.sendfax([source], "5551234"))
    assert job.state is JobState.DONE
    assert job["totpages"] == "3"
    (prepared,) = os.listdir(hylafax.path("tmp"))
    assert [page.width for page in read_pages(hylafax.path("tmp", prepared))] == [1728] * 3


def test_faxstat_shows_the_modems_with_their_numbers_and_the_jobs(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    hylafax.start(make_sender(DONE), modems=3)
    hylafax.announce_modems()
    job = hylafax.sendfax([document], "5551234")
    hylafax.wait_job(job)
    text = hylafax.faxstat("-s", "-d", "-r")
    for number in range(3):
        assert f"Modem freeswitch{number} (+49.30.1234{number}): Running and idle" in text
    assert f"\n{job}    127 D   root 5551234       0:3" in text


def test_the_sender_inherits_the_environment_given_at_start(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    sender = make_sender("open('tmp/env', 'w').write(os.environ['GOFAX_CONFIG']); sys.exit(2)")
    hylafax.start(sender, env={"GOFAX_CONFIG": "/some/where.yaml"})
    hylafax.announce_modems()
    hylafax.wait_job(hylafax.sendfax([document], "5551234"))
    with open(hylafax.path("tmp", "env"), encoding="ascii") as file:
        assert file.read() == "/some/where.yaml"


def test_config_extra_overrides_a_setting(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    hylafax.start(make_sender(DONE), config_extra="MaxSendPages: 2\n")
    hylafax.announce_modems()
    job = hylafax.wait_job(hylafax.sendfax([document], "5551234"))
    assert job.state is JobState.FAILED
    assert "Too many pages in submission; max 2" in job["status"]


def test_a_running_job_can_be_removed(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    hylafax.start(make_sender("time.sleep(60)"))
    hylafax.announce_modems()
    with hylafax.faxwatch() as watch:
        job = hylafax.sendfax([document], "5551234")
        hylafax.wait_job(job, {JobState.ACTIVE})
        watch.wait_for(f"JOB {job} .*Begin attempt")    # now faxwatch is known to listen
        assert f"Job {job} removed" in hylafax.faxrm(job)
        watch.wait_for(f"JOB {job} .*[Kk]illed")
    assert hylafax.wait_job(job).state is JobState.FAILED


def test_a_waiting_job_can_be_altered(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    hylafax.start(make_sender(DONE))
    job = hylafax.sendfax([document], "5551234")
    hylafax.faxalter(job, "-P", "200")
    assert hylafax.job(job)["priority"] == "200"


def test_a_job_that_hfaxd_forgets_while_it_is_told_is_submitted_again(
    run_dir: RunDir, make_sender: Callable[[str], str], document: str
) -> None:
    """By a clock that is behind that of the files until the job is refused, as at the end of a second it can be."""
    clock = Clock(run_dir)
    clock.jump(-5)
    with PrivateHylaFAX(run_dir) as hylafax:
        hylafax.start(make_sender(DONE))
        with ThreadPoolExecutor(1) as watcher:
            repeated = watcher.submit(lambda: wait(lambda: _number(hylafax.path("sendq", "seqf")) > 2) and clock.jump(0))
            job = hylafax.sendfax([document], "5551234")
            repeated.result()
        assert job > 1 and hylafax.job(job)["number"] == "5551234"
        assert [name for name in os.listdir(hylafax.path("sendq")) if name.startswith("q")] == [f"q{job}"]


def test_wait_job_says_where_a_job_stands_that_does_not_move(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    hylafax.start(make_sender(DONE))
    job = hylafax.sendfax([document], "5551234")
    with pytest.raises(TimeoutError, match=rf"job {job} is READY after \d+\.\d s"):
        hylafax.wait_job(job, timeout=0.2)


def test_a_script_of_hylafax_runs_on_the_private_spool(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str]) -> None:
    hylafax.start(make_sender(DONE))
    record = '01/02/{year} 10:00\tSEND\t000000001\tfreeswitch0\t1\t""\tann@example.com\t"1"\t"2"\t2220073\t3\t0:00:20'
    record += '\t0:00:20\t""\t""\t""\t""\t"ann"\t"00 46 78 01"\n'
    with open(hylafax.path("log", "xferfaxlog"), "w", encoding="ascii") as file:
        file.write(record.format(year=time.strftime("%y")))
    assert "ann@example.com" in hylafax.script("xferfaxstats", "-age", "400")


def test_mails_are_kept_and_leave_the_machine_alone(
    hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str
) -> None:
    hylafax.start(make_sender(DONE))
    hylafax.announce_modems()
    hylafax.wait_job(hylafax.sendfax([document], "5551234", "-D", sender="Ann <ann@example.com>"))
    (mail,) = hylafax.wait_mails(1)
    assert "ann@example.com" in mail.arguments
    assert "5551234" in mail.text


def test_two_of_them_run_side_by_side(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    sender = make_sender("time.sleep(1); sys.exit(2)")
    hylafax.start(sender)
    hylafax.announce_modems()
    with PrivateHylaFAX() as other:
        other.start(sender)
        other.announce_modems()
        jobs = [(fax, fax.sendfax([document], "5551234")) for fax in (hylafax, other) for _ in range(2)]
        assert [fax.wait_job(job).state for fax, job in jobs] == [JobState.DONE] * 4
        assert other.port != hylafax.port
    assert "Running and idle" in hylafax.faxstat("-s")


def test_the_daemons_and_their_files_belong_to_uucp(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str]) -> None:
    hylafax.start(make_sender(DONE))
    for name in ("", "sendq", "recvq", "etc", "etc/config.freeswitch0", "status", "FIFO"):
        assert pwd.getpwuid(os.stat(hylafax.path(name)).st_uid).pw_name == "uucp"


def test_the_machines_own_spool_stays_as_it_is(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    if _in_use("/var/spool/hylafax"):
        pytest.skip("HylaFAX itself changes its spool; tests/packages/test_in_use.py has one that is quiet")
    before = _tree("/var/spool/hylafax")
    hylafax.start(make_sender(DONE))
    hylafax.announce_modems()
    hylafax.wait_job(hylafax.sendfax([document], "5551234"))
    hylafax.stop()
    assert _tree("/var/spool/hylafax") == before


def test_nothing_is_left_after_the_end_even_of_a_sender_with_a_session_of_its_own(
    make_sender: Callable[[str], str], document: str
) -> None:
    with RunDir() as directory:
        with PrivateHylaFAX(directory) as hylafax:
            hylafax.start(make_sender("os.setsid(); open('tmp/pid', 'w').write(str(os.getpid())); time.sleep(60)"))
            hylafax.announce_modems()
            hylafax.wait_job(hylafax.sendfax([document], "5551234"), {JobState.ACTIVE})
            pid = _wait_number(hylafax.path("tmp", "pid"))
        assert pid in directory.processes()
    assert not os.path.exists(f"/proc/{pid}") or _is_zombie(pid)
    assert not os.path.exists(directory.path)
    assert directory.processes() == []


def test_a_start_that_fails_half_way_leaves_no_daemon(hylafax: PrivateHylaFAX) -> None:
    with pytest.raises(RigError, match="SendFaxCmd must be one absolute path"):
        hylafax.start("sender --with arguments")
    assert hylafax.run_dir.processes() == []


def test_faxq_can_be_restarted(hylafax: PrivateHylaFAX, make_sender: Callable[[str], str], document: str) -> None:
    hylafax.start(make_sender(DONE))
    job = hylafax.sendfax([document], "5551234")
    hylafax.stop_faxq()
    assert "Not running" in hylafax.faxstat("-s")
    hylafax.start_faxq()
    hylafax.announce_modems()
    assert hylafax.wait_job(job).state is JobState.DONE


def _tree(root: str) -> dict[str, tuple[int, int]]:
    found = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            status = os.lstat(os.path.join(directory, name))
            found[os.path.join(directory, name)] = (status.st_mtime_ns, status.st_size)
    return found


def _in_use(spool: str) -> bool:
    with contextlib.suppress(OSError):
        os.close(os.open(os.path.join(spool, "FIFO"), os.O_WRONLY | os.O_NONBLOCK))
        return True
    return False


def _number(path: str) -> int:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
        return int(file.read() or 0)
    return 0


def _wait_number(path: str) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if os.path.exists(path) and os.path.getsize(path):
            with open(path, encoding="ascii") as file:
                return int(file.read())
        time.sleep(0.05)
    raise TimeoutError(f"{path} was not written")


def _is_zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"
