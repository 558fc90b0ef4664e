"""gofaxctl on a spool that is odd: files that power failures, rotations and other users have left."""

from __future__ import annotations

import json
import os
import runpy
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.ctl.command import PROBLEM
from gofaxpy.ctl.console import answer
from gofaxpy.ctl.doctor.access import calls
from gofaxpy.ctl.doctor.checks import examine
from gofaxpy.ctl.doctor.finding import Level
from gofaxpy.ctl.doctor.hylafax import send_command
from gofaxpy.ctl.doctor.spool import same_spool
from gofaxpy.ctl.doctor.subject import Subject
from gofaxpy.ctl.doctor.switch import from_inside
from gofaxpy.ctl.main import build_parser, run
from gofaxpy.ctl.output import Output, Switch
from gofaxpy.ctl.trouble import Trouble
from gofaxpy.journal import Step
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Reply
from rig.rundir import RunDir

DIRECTORIES = ("log", "sendq", "doneq", "status", "recvq", "etc")


def nobody(config: Config) -> Switch:
    raise Trouble("nobody answers")


class Shell:
    """What gofaxctl says in a spool."""

    def __init__(self, root: Path) -> None:
        for name in DIRECTORIES:
            (root / name).mkdir()
        self.config = Config(hylafax=HylaFax(spooldir=str(root), modems=1, user="uucp"))
        self.text = self.complaints = ""

    def __call__(self, *words: str) -> int:
        output = Output(self._write, self._complain, nobody)
        output.use(self.config)
        return run(words, output, build_parser())

    def _write(self, text: str) -> None:
        self.text += text

    def _complain(self, text: str) -> None:
        self.complaints += text


@pytest.fixture
def gofaxctl(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_empty_qfile_keeps_nobody_from_the_status(gofaxctl: Shell, tmp_path: Path) -> None:
    (tmp_path / "sendq" / "q7").touch()
    with Setting.of(gofaxctl.config).journal.create("7-000000012", Step.OPENED, number="030123"):
        assert gofaxctl("status") == PROBLEM
    assert "030123" in gofaxctl.text


def test_an_empty_qfile_keeps_nobody_from_the_logs_of_its_job(gofaxctl: Shell, tmp_path: Path) -> None:
    (tmp_path / "doneq" / "q7").touch()
    assert gofaxctl("log", "7") == PROBLEM
    assert "nothing is known of job 7" in gofaxctl.complaints


def test_the_last_log_is_found_while_others_go(gofaxctl: Shell, tmp_path: Path) -> None:
    (tmp_path / "log" / "c000000001").write_text("Nov 23 22:49:16.76: [28316]: SESSION BEGIN 000000001\n")
    (tmp_path / "log" / "c000000002").symlink_to(tmp_path / "gone")
    assert gofaxctl("log", "last") == 0
    assert "SESSION BEGIN 000000001" in gofaxctl.text


@pytest.mark.parametrize("rotated", [(), ("--rotated",)])
@pytest.mark.parametrize("name", ["typo", "file/xferfaxlog"])
def test_an_accounting_that_is_not_there_is_no_report_of_nothing(
    gofaxctl: Shell, tmp_path: Path, name: str, rotated: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    assert gofaxctl("report", "--log", str(tmp_path / name), *rotated) == PROBLEM
    assert str(tmp_path / name) in gofaxctl.complaints and not gofaxctl.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be given up")
def test_doctor_starts_the_program_of_hylafaxs_user_without_roots_group(gofaxctl: Shell, tmp_path: Path) -> None:
    program = Path("/tmp") / f"{os.getpid()}-gofaxsend"      # where uucp may look
    program.write_text("#!/bin/sh\necho $(id -u) $(id -g) $(id -G)\n")
    program.chmod(0o755)
    try:
        (tmp_path / "etc" / "config").write_text(f"SendFaxCmd: {program}\n")
        found = next(send_command(Subject("gofax.yaml", gofaxctl.config, [])))
    finally:
        program.unlink()
    assert found.text.endswith(": 10 10 10")


def test_doctor_says_so_when_freeswitch_stops_answering(gofaxctl: Shell) -> None:
    def silent(command: str, args: str) -> str:
        raise Trouble("127.0.0.1:8021: no answer within 30 s")

    subject = Subject("gofax.yaml", gofaxctl.config, [], api=silent)
    found = [one for one in examine(subject) if "no answer within 30 s" in one.text]
    assert found and {one.level for one in found} == {Level.PROBLEM}


@pytest.mark.parametrize(("theirs", "level"), [
    ("{0}", Level.OK), ("{0}/", Level.OK), ("{0}/link", Level.OK), ("/nowhere", Level.PROBLEM), ("{0}/log", Level.PROBLEM),
])
def test_doctor_knows_a_spool_by_every_name_of_it(gofaxctl: Shell, tmp_path: Path, theirs: str, level: Level) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    inside = {"spool": theirs.format(tmp_path), "config": "/etc/gofax.yaml", "config_problems": []}
    assert [one.level for one in same_spool(Subject("gofax.yaml", gofaxctl.config, [], inside=inside))] == [level]


def test_doctor_takes_no_spool_from_a_file_with_mistakes(gofaxctl: Shell) -> None:
    """What such a file names is a default, perhaps; `configuration` reports the file itself."""
    inside = {"spool": "/nowhere", "config": "/etc/gofax.yaml", "config_problems": ["Permission denied"]}
    assert not list(same_spool(Subject("gofax.yaml", gofaxctl.config, [], inside=inside)))


def configure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what runs inside FreeSWITCH."""
    (root / "gofax.yaml").write_text(
        f"hylafax: {{spooldir: {root}, modems: 60}}\n"
        "freeswitch: {servers: [{host: 127.0.0.1, port: 8021, password: secret}]}\ninbound: {}\noutbound: {}\nlog: {}\n"
    )
    monkeypatch.setenv("GOFAX_CONFIG", str(root / "gofax.yaml"))


def test_a_fault_inside_freeswitch_is_not_taken_for_a_missing_script(
    gofaxctl: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "gofaxpy.calls.registry", None)     # a library that is half there
    logged: list[str] = []
    freeswitch = SimpleNamespace(consoleLog=lambda level, text: logged.append(text), API=lambda: None)
    monkeypatch.setitem(sys.modules, "freeswitch", freeswitch)
    script = runpy.run_path(str(Path(__file__).parents[3] / "fs_scripts" / "gofax.py"))
    replies: list[str] = []
    script["fsapi"]("na", SimpleNamespace(write=replies.append), None, "status --json")
    assert replies == ["-ERR 'ModuleNotFoundError: import of gofaxpy.calls.registry halted; None in sys.modules'\n"]
    assert "ModuleNotFoundError" in logged[0]


@pytest.mark.parametrize("mark", [
    '{"step":"accepted","at":1e999}', '{"step":"accepted","at":NaN}', '{"step":"accepted","at":-1}', '{"step":"accepted"}',
    '{"step":["accepted"],"at":1}', '{"step":"accepted","at":1,"number":' + "[" * 5000, "[]", "1", "\0" * 100,
])
def test_a_mark_that_nobody_of_ours_has_written_keeps_nobody_from_the_status(
    gofaxctl: Shell, tmp_path: Path, mark: str
) -> None:
    journal = tmp_path / "gofax" / "journal"
    journal.mkdir(parents=True)
    (journal / "c000000012").write_text(mark + "\n")
    assert gofaxctl("status") == PROBLEM and "000000012" in gofaxctl.text


def test_a_journal_without_end_is_cut_and_that_is_told(
    gofaxctl: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gofaxpy.ctl.state.MOST_CALLS", 3)
    journal = tmp_path / "gofax" / "journal"
    journal.mkdir(parents=True)
    for number in range(5):
        (journal / f"c00000000{number}").write_text('{"step":"accepted","at":1}\n')
    assert gofaxctl("status") == PROBLEM
    assert gofaxctl.text.count("accepted") == 3 and "more than 3 entries" in gofaxctl.text


class Silent:
    """FreeSWITCH from inside, of which nothing is asked."""

    def command(self, name: str, args: str = "") -> str:
        raise AssertionError(name)


def test_the_state_of_three_hundred_calls_is_told_as_a_whole(
    gofaxctl: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch)
    journal = Setting.of(gofaxctl.config).journal
    for number in range(300):
        journal.begin(f"c{number:09d}", Step.ACCEPTED, device="freeswitch1", caller_number="+49301234567").close()
    written: list[str] = []
    Reply(SimpleNamespace(write=written.append)).write(answer(Silent(), "status --json"))
    assert len(json.loads("".join(written))["calls"]) == 300 and len(written) > 1


def test_no_remedy_of_doctor_holds_a_command_of_somebody_elses() -> None:
    """Whoever has FreeSWITCH, or HylaFAX's configuration, chooses these words; root is shown them to be typed."""
    trick = "$(reboot);reboot"
    with RunDir() as run_dir:
        spool = Path(run_dir.sub("spool"))
        logs = Path(run_dir.sub(f"spool/{trick}"))
        (logs / "freeswitch.log").touch(0o644)
        send = spool / f"gofaxsend{trick}"
        send.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
        send.chmod(0o755)
        (spool / "etc").mkdir()
        (spool / "etc" / "config").write_text(f"SendFaxCmd: {send}\n", encoding="ascii")

        def api(command: str, args: str) -> str:
            return str(logs) if (command, args) == ("global_getvar", "log_dir") else ""

        subject = Subject("gofax.yaml", Config(hylafax=HylaFax(spooldir=str(spool), user="uucp")), [], api=api)
        subject.no_inside = f"No module named 'yaml{trick}'"
        remedies = [one.remedy for check in (calls, from_inside, send_command) for one in check(subject)]
    assert any("chmod o-rwx" in remedy for remedy in remedies) and any("sudo -u uucp" in remedy for remedy in remedies)
    assert any("python3-yaml" in remedy for remedy in remedies)
    for remedy in remedies:
        assert "reboot" not in remedy.replace(shlex.quote(str(logs)), "").replace(shlex.quote(str(send)), "")
