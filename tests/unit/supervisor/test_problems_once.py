"""What a loop finds wrong in every round is logged once: until it reads differently, or was well in between."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.keys import Config, HylaFax, Log
from gofaxpy.modems.getty import POLL_LOCK, Getty
from gofaxpy.operatorlog import Problems
from gofaxpy.setting import Setting
from gofaxpy.supervisor import loop, sweep


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What FreeSWITCH's log has got."""
    found: list[str] = []
    module = SimpleNamespace(consoleLog=lambda level, text: found.append(f"{level}: {text}"))
    monkeypatch.setitem(sys.modules, "freeswitch", module)
    return found


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    for name in ("sendq", "recvq", "lock", "log", "status"):
        (tmp_path / name).mkdir()
    hylafax = HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path / "lock"), modems=2)
    return Setting.of(Config(hylafax=hylafax, log=Log(metrics_file="missing/gofax.prom")))


def test_a_problem_is_new_if_it_is_another_or_comes_again() -> None:
    problems = Problems()
    assert problems.is_new("a", "x") and not problems.is_new("a", "x")
    assert problems.is_new("b", "x") and problems.is_new("a", "y") and problems.is_new("a", "x")
    problems.passed("a")
    problems.passed("never there")
    assert problems.is_new("a", "x") and not problems.is_new("b", "x")


def test_lock_files_of_several_modems_that_cannot_be_read_are_logged_once_each(
    setting: Setting, tmp_path: Path, lines: list[str]
) -> None:
    locks = [tmp_path / "lock" / f"LCK..freeswitch{number}" for number in range(2)]
    for lock in locks:
        lock.symlink_to(lock)
    now = 100.0
    getty = Getty(setting, lambda uuid: None, lambda: now)
    for _ in range(5):
        now += POLL_LOCK
        getty.poll_locks(now)
    assert [sum(str(lock) in line for line in lines) for lock in locks] == [1, 1], lines
    locks[0].unlink()
    getty.poll_locks(now + POLL_LOCK)
    assert len(lines) == 2
    getty.close()


def test_what_cannot_be_cleared_away_is_logged_once_and_again_after_it_was_gone(
    setting: Setting, tmp_path: Path, lines: list[str]
) -> None:
    """Four times a minute."""
    directory = tmp_path / "gofax" / "tmp" / "1-000000001"
    (directory / "no file").mkdir(parents=True)
    log: list[str] = []
    later = time.time() + 3600
    for _ in range(4):
        sweep.around(setting, later, lambda level, text: log.append(text))
    [text] = log
    assert text.startswith(f"{directory} could not be cleared away")
    (directory / "no file").rmdir()
    sweep.around(setting, later, lambda level, text: log.append(text))
    assert not directory.exists() and len(log) == 1
    (directory / "no file").mkdir(parents=True)
    sweep.around(setting, later, lambda level, text: log.append(text))
    assert log == [text, text]


def test_metrics_and_a_journal_that_fail_at_every_sweep_are_logged_once_and_each_leaves_the_other_alone(
    setting: Setting, tmp_path: Path, lines: list[str]
) -> None:
    supervisor = loop.Supervisor(SimpleNamespace(next=lambda: None), SimpleNamespace(command=lambda name, args="": ""))
    (tmp_path / "gofax").mkdir(exist_ok=True)
    journal = tmp_path / "gofax" / "journal"
    journal.write_text("no directory")
    for _ in range(4):
        supervisor._sweep(setting)
    assert len(lines) == 2, lines
    assert "the spool cannot be swept" in lines[0] and str(journal) in lines[0]
    assert "log.metrics_file could not be written" in lines[1]
    journal.unlink()
    supervisor._sweep(setting)
    journal.write_text("no directory")
    supervisor._sweep(setting)
    assert len(lines) == 3 and lines[2] == lines[0]
