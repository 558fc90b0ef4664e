"""What dead processes left is cleared away, and nothing else."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.inbound import recovery
from gofaxpy.journal import Step
from gofaxpy.modems.getty import Getty
from gofaxpy.send.document import JOIN_TIMEOUT
from gofaxpy.setting import Setting
from gofaxpy.supervisor import sweep
from gofaxpy.switch.faxresult import FaxResult, ResultCode

LATER = 7200 + 60.0
YEAR = 365 * 86400.0


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    for name in ("sendq", "recvq", "lock", "log"):
        (tmp_path / name).mkdir()
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path / "lock"), modems=2)))


class Told(list[str]):
    """The log: its lines."""

    def __call__(self, level: str, text: str) -> None:
        self.append(f"{level}: {text}")


@pytest.fixture
def told() -> Told:
    return Told()


def entries(setting: Setting) -> list[str]:
    return sorted(os.listdir(setting.journal.directory))


def document_of(tmp_path: Path, name: str) -> Path:
    directory = tmp_path / "gofax" / "tmp" / name
    directory.mkdir(parents=True)
    (directory / "joined.tif").write_bytes(b"")
    return directory


def test_entries_of_jobs_that_are_gone_go_when_no_call_can_go_on(setting: Setting, tmp_path: Path, told: Told) -> None:
    (tmp_path / "sendq" / "q2").write_text("jobid:2")
    leftover = document_of(tmp_path, "1-000000001")
    for name in ("1-000000001", "2-000000002", "c000000003", "5-000000005", "6-000000006"):
        with setting.journal.create(name, Step.OPENED) as entry:
            if name != "1-000000001":
                entry.mark(Step.LAUNCHED, uuid="u")
            if name == "6-000000006":
                entry.mark(Step.FAX_OVER, uuid="u")
    with setting.journal.create("4-000000004", Step.OPENED):
        sweep.around(setting, time.time(), told)
        # 2: has a job; 4: somebody works on it; 5: its call may go on; c…: a call that came in
        assert entries(setting) == ["2-000000002", "4-000000004", "5-000000005", "c000000003"]
        assert not leftover.exists()
        sweep.around(setting, time.time() + LATER, told)
        assert entries(setting) == ["2-000000002", "4-000000004", "c000000003"]


def test_a_call_whose_job_was_removed_is_in_the_log_once(setting: Setting, told: Told) -> None:
    """gofaxsend killed, the job removed, and the call goes on: there is nobody else left to write its record."""
    fax = FaxResult(success=True, code=ResultCode.OK, ecm=True, rate=14400, remote_station="+49 30 FAR", pages_transferred=2)
    with setting.journal.create(
        "7-000000007", Step.OPENED, job="7", owner="anna", destination="030123", device="freeswitch1", jobtag="case\t4711",
        mailaddr="anna@example.org", pages=2,
    ) as entry:
        entry.mark(Step.LAUNCHED, uuid="u")
        entry.mark(Step.CONNECTED, uuid="u")
        entry.mark(Step.FAX_OVER, uuid="u", fax=fax.facts())
        entry.mark(Step.LAUNCHED, uuid="never noted")
    with setting.journal.create("8-000000008", Step.OPENED, job="8", pages=1):
        pass            # never called: nothing to note
    sweep.around(setting, time.time(), told)
    with setting.journal.create("7-000000007", Step.OPENED, job="7", pages=2) as entry:     # as before its removal
        entry.mark(Step.LAUNCHED, uuid="u")
    sweep.around(setting, time.time() + LATER, told)
    [record] = Path(setting.xferfaxlog).read_text(encoding="utf-8").splitlines()
    fields = record.split("\t")
    assert fields[1:7] == ["SEND", "000000007", "freeswitch1", "7", '"case 4711"', "anna@example.org"]
    assert fields[7:9] == ['"030123"', '"+49 30 FAR"']
    assert fields[10] == "2" and fields[13] == '""', fields
    assert fields[17] == chr(34) + "anna" + chr(34)
    assert len([line for line in told if "job 7 is gone, but it had a call: 2 pages to 030123" in line]) == 1


def test_an_entry_whose_handler_is_at_work_stays(setting: Setting, told: Told) -> None:
    with setting.journal.create("6-000000006", Step.OPENED) as entry:
        entry.mark(Step.LAUNCHED, uuid="u")
        entry.mark(Step.FAX_OVER, uuid="u")
    handler = setting.journal.open("6-000000006")
    assert handler is not None
    with handler:
        assert handler.hold()
        sweep.around(setting, time.time(), told)
        assert entries(setting) == ["6-000000006"]
    sweep.around(setting, time.time(), told)
    assert entries(setting) == []


@pytest.mark.parametrize("shift", [-YEAR, -3600.0, 3600.0, YEAR])
def test_what_is_at_work_stays_whatever_the_clock_is_set_to(setting: Setting, tmp_path: Path, told: Told, shift: float) -> None:
    received = tmp_path / "recvq" / "fax000000003.tif"
    received.write_bytes(b"")
    with (
        setting.journal.create("1-000000001", Step.OPENED) as sending,
        setting.journal.create("c000000003", Step.ACCEPTED, commid="000000003", device="freeswitch1"),
        open(received, "rb") as receiving,
    ):
        sending.mark(Step.LAUNCHED, uuid="u")
        setting.journal.create("2-000000002", Step.OPENED).close()      # its gofaxsend has died, its job was removed,
        handler = setting.journal.open("2-000000002")                   # but its call goes on
        assert handler is not None
        handler.mark(Step.LAUNCHED, uuid="u")
        fcntl.flock(receiving, fcntl.LOCK_EX)
        documents = [document_of(tmp_path, name) for name in ("1-000000001", "2-000000002")]
        with handler:
            assert handler.hold()
            sweep.around(setting, time.time() + shift, told)
            recovery.recover(setting, announced=False)
            assert entries(setting) == ["1-000000001", "2-000000002", "c000000003"]
            assert received.exists() and all(document.exists() for document in documents)
        sweep.around(setting, time.time() + shift, told)
        gone = abs(shift) > LATER
        assert entries(setting) == ["1-000000001", *([] if gone else ["2-000000002"]), "c000000003"], "nobody is at work"
    assert not [line for line in told if line.startswith("err")]


def test_what_is_left_from_before_the_clock_was_set_back_goes(setting: Setting, tmp_path: Path, told: Told) -> None:
    leftover = document_of(tmp_path, "7-000000007")
    sweep.around(setting, time.time() - YEAR, told)
    assert not leftover.exists()


def test_documents_without_an_entry_go_when_they_are_old(setting: Setting, tmp_path: Path, told: Told) -> None:
    leftover = document_of(tmp_path, "7-000000007")
    setting.journal.create("8-000000008", Step.OPENED).close()
    (tmp_path / "sendq" / "q8").write_text("jobid:8")
    used = document_of(tmp_path, "8-000000008")
    hidden = Path(setting.journal.directory) / ".9-000000009.abcdef01"
    hidden.write_text("")
    sweep.around(setting, time.time(), told)
    assert leftover.exists() and hidden.exists(), "a gofaxsend may just be making them"
    sweep.around(setting, time.time() + JOIN_TIMEOUT, told)
    assert leftover.exists(), "tiffcp may take so long for it"
    sweep.around(setting, time.time() + LATER, told)
    assert not leftover.exists() and not hidden.exists() and used.exists()


def test_an_empty_received_file_that_nobody_receives_into_goes(setting: Setting, tmp_path: Path, told: Told) -> None:
    recvq = tmp_path / "recvq"
    for name in ("fax000000001.tif", "fax000000002.tif", "fax000000003.tif", "other.tif"):
        (recvq / name).write_bytes(b"page" if name == "fax000000003.tif" else b"")
    with open(recvq / "fax000000002.tif", "rb") as receiving:
        fcntl.flock(receiving, fcntl.LOCK_EX)
        sweep.around(setting, time.time(), told)
        assert (recvq / "fax000000001.tif").exists(), "it may be about to be locked"
        sweep.around(setting, time.time(), told, young=0.0)
    assert sorted(item.name for item in recvq.iterdir()) == ["fax000000002.tif", "fax000000003.tif", "other.tif"]


def test_thousands_of_received_faxes_are_not_opened(setting: Setting, tmp_path: Path, told: Told) -> None:
    """Four times a minute, in the thread that looks after all calls."""
    opened: list[str] = []
    over = False

    def note(event: str, args: tuple[object, ...]) -> None:     # it stays for good, and notes nothing after this
        if not over and event == "open" and "/recvq/" in str(args[0]):
            opened.append(str(args[0]))

    recvq = tmp_path / "recvq"
    for number in range(1000):
        (recvq / f"fax{number:09d}.tif").write_bytes(b"page" if number else b"")
    sys.addaudithook(note)
    sweep.around(setting, time.time(), told, young=0.0)
    over = True
    assert opened == [str(recvq / "fax000000000.tif")]
    assert len(os.listdir(recvq)) == 999


@pytest.mark.parametrize("shift", [-YEAR, -1.0, YEAR], ids=["old", "young", "from before the clock was set back"])
def test_at_the_start_modems_of_dead_processes_are_free_again(setting: Setting, told: Told, shift: float) -> None:
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    locks = [UUCPLock(setting.spool.lock_dir, f"freeswitch{number}", pid=pid) for number, pid in enumerate((dead.pid, 1))]
    assert all(lock.acquire() for lock in locks)
    os.utime(locks[0].path, (time.time() + shift, time.time() + shift))
    sweep.at_start(setting, told)
    assert not os.path.exists(locks[0].path) and os.path.exists(locks[1].path)


def test_trouble_with_one_thing_keeps_nothing_else_waiting(setting: Setting, tmp_path: Path, told: Told) -> None:
    first = document_of(tmp_path, "1-000000001")
    (first / "directory").mkdir()       # nothing of ours: it cannot be unlinked
    second = document_of(tmp_path, "2-000000002")
    sweep.around(setting, time.time() + LATER, told)
    assert first.exists() and not second.exists()
    assert len(told) == 1 and str(first) in told[0]


@pytest.mark.parametrize(("shift", "abandoned"), [(0.0, False), (-60.0, True), (YEAR, True)])
def test_a_call_is_taken_for_given_up_though_the_clock_was_set_back(setting: Setting, shift: float, abandoned: bool) -> None:
    setting.journal.create("c000000003", Step.ACCEPTED, commid="000000003").close()
    os.utime(os.path.join(setting.journal.directory, "c000000003"), (time.time() + shift, time.time() + shift))
    entry = setting.journal.open("c000000003")
    assert entry is not None
    with entry:
        assert recovery._abandoned(entry) is abandoned


@pytest.mark.parametrize(("silence", "abandoned"), [(200.0, False), (301.0, True)])
@pytest.mark.parametrize("last", [Step.ANNOUNCING, Step.UNANNOUNCED])
def test_a_faxrcvd_whose_end_nobody_noted_is_looked_after_in_the_running_switch(
    setting: Setting, last: Step, silence: float, abandoned: bool
) -> None:
    with setting.journal.create("c000000003", Step.ACCEPTED, commid="000000003") as entry:
        entry.note(Step.ANNOUNCING)
        entry.note(last)
    before = time.time() - silence
    os.utime(entry.path, (before, before))
    found = setting.journal.open("c000000003")
    assert found is not None
    with found:
        assert recovery._abandoned(found) is abandoned


def test_an_entry_that_cannot_be_finished_is_told_of_once(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: lines.append(text)))
    setting.journal.create("c000000003", Step.ACCEPTED, device="freeswitch1", pid="none").close()
    for _ in range(3):
        recovery.recover(setting)
    assert len(lines) == 1 and "c000000003 could not be finished: ValueError" in lines[0]


def test_fifos_that_are_gone_with_their_spool_are_told_of_once(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: lines.append(text)))
    (tmp_path / "status").mkdir()
    getty = Getty(setting, lambda uuid: None, time.monotonic)
    tmp_path.rename(tmp_path.with_name("unmounted"))
    for _ in range(3):
        getty.refresh(setting)
    assert len(lines) == 2 and all("cannot open the FIFO" in line for line in lines)
    tmp_path.with_name("unmounted").rename(tmp_path)
    getty.close()
