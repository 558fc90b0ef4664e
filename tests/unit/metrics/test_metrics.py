"""Figures for Prometheus: its own parser reads them, counters never go back, and a spool full of surprises does no harm."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gofaxpy.config.keys import Config, HylaFax, Log
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.xferfaxlog import Record, RecordType, append, format
from gofaxpy.journal import Step
from gofaxpy.metrics import state, textfile
from gofaxpy.metrics.counters import Counters, cause
from gofaxpy.metrics.exposition import Metric, render
from gofaxpy.metrics.gauges import gauges, modem_state
from gofaxpy.setting import Setting
from gofaxpy.values import replace
from rig.driven import burden

Samples = dict[tuple[str, ...], float]
NOW = 1795474140.0
PARAMS = FaxParams(ec=2)
SEND = Record(
    RecordType.SEND, NOW, "1", "freeswitch0", "4", pages=3, job_seconds=60, conn_seconds=40, params=PARAMS, dcs=PARAMS.dcs()
)


def parsed(text: str) -> Samples:
    """Every sample by its name and the values of its labels, as Prometheus' own client reads them."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """A spool with nothing in it."""
    for name in ("log", "sendq", "recvq", "status", "gofax", "lock"):
        (tmp_path / name).mkdir()
    hylafax = HylaFax(spooldir=str(tmp_path), modems=3, lock_dir=str(tmp_path / "lock"))
    return Setting.of(Config(hylafax=hylafax, log=Log(metrics_file="m.prom")))


@pytest.fixture
def log(setting: Setting) -> str:
    """The path of its accounting."""
    return setting.spool.path("log", "xferfaxlog")


def written(setting: Setting) -> Samples:
    """log.metrics_file after one more fax."""
    complaints: list[str] = []
    textfile.after_fax(setting, complaints.append)
    assert complaints == []
    return parsed(Path(textfile.path_of(setting)).read_text())


def sent(samples: Samples, result: str = "ok") -> float:
    return sum(value for key, value in samples.items() if key[:2] == ("gofax_transfers_total", "send") and key[3] == result)


def test_records_become_counters(setting: Setting, log: str) -> None:
    append(log, SEND)
    append(log, replace(SEND, reason="Busy signal detected; too many attempts to dial", pages=0, conn_seconds=0, params=None))
    append(log, replace(SEND, type=RecordType.RECV, device="freeswitch1"))
    found = written(setting)
    assert found["gofax_transfers_total", "send", "freeswitch0", "ok"] == 1
    assert found["gofax_transfers_total", "send", "freeswitch0", "failed"] == 1
    assert found["gofax_transfers_total", "recv", "freeswitch1", "ok"] == 1
    assert found["gofax_pages_total", "send", "freeswitch0"] == 3
    assert found["gofax_connected_seconds_total", "send", "freeswitch0"] == 40
    assert found["gofax_failures_total", "send", "busy"] == 1
    assert found["gofax_negotiated_total", "send", "14400", "on"] == 1
    assert found["gofax_last_success_timestamp_seconds", "send"] == NOW + 60
    assert found["gofax_last_failure_timestamp_seconds", "send"] == NOW + 60
    assert found["gofax_accounting_malformed_lines_total",] == 0


@pytest.mark.parametrize("code", [code for code in StatusCode if code.text], ids=lambda code: code.name)
def test_every_status_of_hylafax_is_a_cause_of_its_own(code: StatusCode) -> None:
    assert cause(code.text) == code.name.lower()
    assert cause(f"{code.text}: more: of it; too many attempts to send") in (code.name.lower(), "too_many_tries")


def test_what_hylafax_does_not_know_is_other() -> None:
    assert [cause(text) for text in ("", "\x00", "USER_BUSY", ": ; ")] == ["other"] * 4


def test_each_record_is_counted_once_however_often_one_looks(setting: Setting, log: str) -> None:
    for number in range(1, 4):
        append(log, SEND)
        assert sent(written(setting)) == number
        assert sent(written(setting)) == number


def test_only_what_is_new_is_read(setting: Setting, log: str) -> None:
    for _ in range(3):
        append(log, SEND)
    written(setting)
    with open(log, "r+b") as file:      # whoever reads it again finds garbage
        file.write(b"x")
    append(log, SEND)
    found = written(setting)
    assert (sent(found), found["gofax_accounting_malformed_lines_total",]) == (4, 0)


def test_a_half_record_waits_for_its_other_half(setting: Setting, log: str) -> None:
    line = format(SEND)
    Path(log).write_text(line + line[:30])
    assert sent(written(setting)) == 1
    with open(log, "a") as file:
        file.write(line[30:])
    found = written(setting)
    assert (sent(found), found["gofax_accounting_malformed_lines_total",]) == (2, 0)


@pytest.mark.parametrize("rotate", ["rename", "savelog", "copytruncate", "replace", "lost"])
def test_a_rotation_loses_nothing_and_counts_nothing_twice(setting: Setting, log: str, rotate: str) -> None:
    append(log, SEND)
    written(setting)
    append(log, replace(SEND, commid="2"))      # comes after the last look, before the rotation
    if rotate in ("rename", "savelog"):
        os.rename(log, log + {"rename": ".1", "savelog": ".0"}[rotate])
    elif rotate == "copytruncate":
        assert sent(written(setting)) == 2
        os.truncate(log, 0)
    elif rotate == "replace":
        Path(log + ".new").write_text(format(replace(SEND, commid="9")) * 5)
        os.rename(log, log + ".1")
        os.rename(log + ".new", log)
        assert sent(written(setting)) == 7
        return
    else:
        os.unlink(log)
        append(log, replace(SEND, commid="3"))
        assert sent(written(setting)) == 2      # the record that was deleted is nowhere to be found
        return
    append(log, replace(SEND, commid="3"))
    append(log, replace(SEND, commid="4"))
    assert sent(written(setting)) == 4


def test_a_file_with_the_old_files_inode_is_not_taken_for_it(setting: Setting, log: str) -> None:
    append(log, SEND)
    written(setting)
    Path(log).write_text(format(replace(SEND, commid="7", pages=9)) * 3)     # in place: same inode, longer, other text
    assert sent(written(setting)) == 4


def test_an_old_log_is_begun_near_its_end_by_a_fax_and_counted_whole_by_gofaxctl(setting: Setting, log: str) -> None:
    line = format(SEND)
    Path(log).write_text(line * (2 * state.AT_ONCE // len(line)))
    count = Path(log).read_text().count("\n")
    found = sent(written(setting))
    assert count * 0.4 < found < count * 0.6
    os.unlink(setting.spool.path("gofax", state.NAME))
    counters = textfile.update(setting, state.EVERYTHING)
    assert sent(parsed(render(counters.all()))) == count


def test_a_backlog_is_taken_in_bounded_pieces(setting: Setting, log: str) -> None:
    append(log, SEND)
    written(setting)
    line = format(SEND)
    with open(log, "a") as file:
        file.write(line * (2 * state.AT_ONCE // len(line)))
    count = Path(log).read_text().count("\n")
    steps = [sent(written(setting)) for _ in range(4)]
    assert steps[0] < count * 0.7 and steps == sorted(steps) and steps[-1] == count


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"version":1}', '{"version":2}', '{"version":1,"counters":[],"device":1}', "null",
    '{"version":1,"counters":{},"device":1e999,"inode":1,"offset":1,"tail":""}', "[" * 100000,
    '{"version":1,"counters":{},"device":1,"inode":1,"offset":-5,"tail":""}',
    '{"version":1,"counters":{},"device":1,"inode":1,"offset":1,"tail":"0000"}',
    '{"version":1,"counters":{},"device":1,"inode":1,"offset":99999999999999999999,"tail":""}',
])
def test_a_state_that_cannot_be_understood_begins_anew(setting: Setting, log: str, text: str) -> None:
    append(log, SEND)
    Path(setting.spool.path("gofax", state.NAME)).write_text(text)
    assert sent(written(setting)) == 1


def test_a_hole_of_any_size_is_stepped_over_once(setting: Setting, log: str) -> None:
    append(log, SEND)
    assert sent(written(setting)) == 1
    with open(log, "r+b") as file:
        file.truncate(1 << 40)
    assert sent(written(setting)) == 1
    append(log, SEND)
    assert sent(written(setting)) == 2
    assert sent(written(setting)) == 2


def test_the_state_is_reached_from_its_directory_and_by_no_link(setting: Setting, log: str) -> None:
    append(log, SEND)
    written(setting)
    theirs = Path(setting.spool.root, "theirs")
    Path(setting.spool.path("gofax")).rename(theirs)
    Path(setting.spool.path("gofax")).symlink_to(theirs)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in theirs.iterdir())
    with pytest.raises(OSError):
        textfile.update(setting, state.EVERYTHING)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in theirs.iterdir()) == before


def test_counters_survive_the_state_file() -> None:
    counters = Counters()
    counters.add(replace(SEND, reason="Busy signal detected", device='a "b" \\ \udcff'))
    again = Counters.from_json(json.loads(json.dumps(counters.to_json())))
    assert render(again.all()) == render(counters.all())


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False, width=32)), max_size=6))
def test_any_label_is_read_back_by_prometheus(samples: list[tuple[str, float]]) -> None:
    metric = Metric("gofax_test", "gauge", "A test.", ("name",))
    for name, value in samples:
        metric.set(value, name)
    found = parsed(render([metric]))
    assert len(found) <= len(metric.samples)
    assert sum(found.values()) == pytest.approx(sum(metric.samples.values()), abs=0.01, rel=1e-3)


def test_a_log_of_invented_modems_does_not_fill_prometheus(setting: Setting, log: str) -> None:
    with open(log, "w") as file:
        file.writelines(format(replace(SEND, device=f"m{number}")) for number in range(5000))
    counters = textfile.update(setting, state.EVERYTHING)
    assert len(counters.transfers.samples) < 2100 and sum(counters.transfers.samples.values()) == 5000


# -- gauges


def looked(setting: Setting) -> Samples:
    return parsed(render(gauges(setting)))


def test_modems_by_what_faxstat_shows(setting: Setting) -> None:
    for number, text in enumerate(("Running and idle", "Sending page 2")):
        Path(setting.spool.status(f"freeswitch{number}")).write_text(text + "\n")
    found = looked(setting)
    assert {key[1]: value for key, value in found.items() if key[0] == "gofax_modems"} == {
        "idle": 1, "sending": 1, "receiving": 0, "busy": 0, "down": 0, "unknown": 1,
    }


@pytest.mark.parametrize(("text", "expected"), [
    ("Running and idle", "idle"), ("Dialing 030", "sending"), ('Receiving from "x"', "receiving"),
    ("Answering the phone", "receiving"), ("Waiting for modem to come free", "busy"),
    ("Waiting for modem to come ready", "down"), ("FreeSWITCH is not running", "down"), ("", "unknown"),
])
def test_states_of_modems(text: str, expected: str) -> None:
    assert modem_state(text) == expected


def test_jobs_by_state(setting: Setting) -> None:
    for number, text in enumerate(("tts:1\nstate:3\n", "state:6\n", "state:3\nnumber:state:1\n", "nonsense")):
        Path(setting.spool.qfile(str(number))).write_text(text)
    (Path(setting.spool.path("sendq")) / "seqf").write_text("5")
    found = {key[1]: value for key, value in looked(setting).items() if key[0] == "gofax_jobs"}
    assert found == {"suspended": 0, "pending": 0, "sleeping": 2, "blocked": 0, "ready": 0, "active": 1, "unknown": 1}


def test_calls_are_entries_that_somebody_works_on(setting: Setting) -> None:
    call = setting.journal.create("c000000001", Step.ACCEPTED)
    job = setting.journal.create("7-000000002", Step.OPENED)
    announcing = setting.journal.create("c000000003", Step.ACCEPTED)
    announcing.mark(Step.RECEIVED)
    setting.journal.create("8-000000004", Step.OPENED).close()
    try:
        found = looked(setting)
    finally:
        for entry in (call, job, announcing):
            entry.close()
    assert (found["gofax_calls_in_progress", "recv"], found["gofax_calls_in_progress", "send"]) == (1, 1)
    assert (found["gofax_journal_entries", "recv"], found["gofax_journal_entries", "send"]) == (2, 2)
    after = looked(setting)
    assert (after["gofax_calls_in_progress", "recv"], after["gofax_calls_in_progress", "send"]) == (0, 0)


def test_the_supervisor_is_up_while_it_holds_its_lock(setting: Setting) -> None:
    assert looked(setting)["gofax_supervisor_up",] == 0
    with open(setting.spool.path("gofax", "supervisor.lock"), "w") as file:
        assert looked(setting)["gofax_supervisor_up",] == 0
        fcntl.flock(file, fcntl.LOCK_EX)
        assert looked(setting)["gofax_supervisor_up",] == 1


def test_space_is_that_of_recvq(setting: Setting) -> None:
    found = looked(setting)
    assert 0 < found["gofax_spool_free_bytes",] <= found["gofax_spool_size_bytes",]


def test_what_cannot_be_read_is_counted_and_the_rest_is_there(setting: Setting) -> None:
    os.rmdir(setting.spool.path("sendq"))
    Path(setting.spool.path("sendq")).write_text("")
    found = looked(setting)
    assert found["gofax_metrics_problems",] == 1
    assert not any(key[0] == "gofax_jobs" for key in found) and ("gofax_modems", "idle") in found


# -- the text file and those who write it


def test_the_file_is_for_everybody_and_nothing_is_left_beside_it(setting: Setting, log: str) -> None:
    append(log, SEND)
    mask = os.umask(0o077)
    try:
        written(setting)
    finally:
        os.umask(mask)
    path = textfile.path_of(setting)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    assert [name for name in os.listdir(setting.spool.root) if name.startswith("m.prom")] == ["m.prom"]
    assert sorted(os.listdir(setting.spool.path("gofax"))) == [state.NAME, state.LOCK]


def test_without_the_key_nothing_is_written(setting: Setting) -> None:
    off = replace(setting, config=replace(setting.config, log=Log()))
    textfile.after_fax(off, pytest.fail)
    assert os.listdir(setting.spool.path("gofax")) == []


def _break_directory(setting: Setting) -> Setting:
    return replace(setting, config=replace(setting.config, log=Log(metrics_file="none/m.prom")))


def _break_accounting(setting: Setting) -> Setting:
    os.mkdir(setting.spool.path("log", "xferfaxlog"))
    return setting


def _break_state(setting: Setting) -> Setting:
    os.mkdir(setting.spool.path("gofax", state.NAME))
    return setting


def _break_lock(setting: Setting) -> Setting:
    os.symlink("/etc/passwd", setting.spool.path("gofax", state.LOCK))
    return setting


@pytest.mark.parametrize("damage", [_break_directory, _break_accounting, _break_state, _break_lock])
def test_nothing_that_is_wrong_with_it_reaches_the_fax(setting: Setting, damage: Callable[[Setting], Setting]) -> None:
    complaints: list[str] = []
    textfile.after_fax(damage(setting), complaints.append)
    assert len(complaints) == 1 and complaints[0].startswith("log.metrics_file could not be written: ")


def test_who_finds_somebody_at_it_does_not_wait_for_him(setting: Setting, log: str) -> None:
    append(log, SEND)
    with state.opened(setting.spool.path("gofax")) as directory, state.locked(directory, 0) as mine:
        assert mine
        before = time.monotonic()
        textfile.after_fax(setting, pytest.fail)
        assert time.monotonic() - before < textfile.PATIENCE + burden()
    assert not os.path.exists(textfile.path_of(setting))
    assert sent(written(setting)) == 1      # the next one counts what was left


_WRITER = """
import sys
from gofaxpy.hylafax.xferfaxlog import Record, RecordType, append
from gofaxpy.config.file import load
from gofaxpy.metrics import textfile
from gofaxpy.setting import Setting
from gofaxpy.values import replace
setting = Setting.of(load(sys.argv[1]))
for number in range(40):
    append(setting.spool.path("log", "xferfaxlog"), Record(RecordType.SEND, 1795474140.0, "1", sys.argv[2]))
    textfile.after_fax(setting, sys.exit)
"""


def test_counters_in_the_file_never_go_back_while_many_write_it(setting: Setting, tmp_path: Path) -> None:
    config = tmp_path / "gofax.yaml"
    config.write_text(
        f"freeswitch: {{}}\ninbound: {{}}\noutbound: {{}}\nlog: {{metrics_file: m.prom}}\n"
        f"hylafax: {{spooldir: {tmp_path}, lock_dir: {tmp_path}/lock}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _WRITER, str(config)]
    writers = [subprocess.Popen([*command, f"freeswitch{number}"], env=environment) for number in range(3)]
    seen = [0.0]
    while any(writer.poll() is None for writer in writers):
        try:
            seen.append(sent(parsed((tmp_path / "m.prom").read_text())))
        except FileNotFoundError:
            time.sleep(0.01)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert seen == sorted(seen)
    assert sent(written(setting)) == 120


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(octets=st.binary(max_size=400))
def test_no_accounting_does_it_harm(setting: Setting, log: str, octets: bytes) -> None:
    Path(log).write_bytes(octets + b"\n" + format(SEND).encode())
    Path(setting.spool.path("gofax", state.NAME)).unlink(missing_ok=True)
    assert sent(written(setting)) >= 1


def test_the_documents_name_every_metric_and_its_labels(setting: Setting) -> None:
    text = (Path(__file__).parents[3] / "docs" / "figures.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`gofax_[^|]*) \|([^|]*)\|", text, re.M)
    documented = {
        name: tuple(label.strip() for label in labels.split(",") if label.strip())
        for names, labels in rows for name in re.findall("`([a-z_]+)`", names)
    }
    assert documented == {metric.name: metric.labels for metric in (*Counters().all(), *gauges(setting))}
