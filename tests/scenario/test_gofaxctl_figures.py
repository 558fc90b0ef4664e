"""gofaxctl report and metrics as an operator runs them, over faxes that went through; and log.metrics_file after each."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig import Installed, RunDir
from rig.house import House, HouseMaker
from rig.rundir import FAX_USER

OK, PROBLEM, USAGE = 0, 1, 2
ACCOUNTING = Path(__file__).parents[1] / "data" / "native"


def run(installed: Installed, *words: str, status: int = OK, **options: object) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(   # type: ignore[call-overload]
        [installed.gofaxctl, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
        **options,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }


def textfile(house: House) -> dict[tuple[str, ...], float]:
    return samples(Path(house.path("gofax.prom")).read_text())


def test_each_fax_brings_the_text_file_up_to_date(make_house: HouseMaker, document: str) -> None:
    house = make_house({"log": {"metrics_file": "gofax.prom"}})
    assert house.gofaxsend(house.job("1000")) == 2
    found = textfile(house)
    assert found["gofax_transfers_total", "send", "freeswitch0", "ok"] == 1
    assert found["gofax_pages_total", "send", "freeswitch0"] == 3
    assert found["gofax_negotiated_total", "send", "14400", "on"] == 1
    assert found["gofax_modems", "idle"] == 2 and found["gofax_journal_entries", "send"] == 0
    assert found["gofax_supervisor_up",] == 1 and found["gofax_metrics_problems",] == 0
    assert house.gofaxsend(house.job("2000")) == 0
    assert textfile(house)["gofax_failures_total", "send", "busy"] == 1
    assert house.switch.place_call("4711", document).answered
    house.switch.wait_calls_over()
    received = ("gofax_transfers_total", "recv", "freeswitch1", "ok")
    house.wait("the received fax in the text file", lambda: received in textfile(house))
    found = textfile(house)
    assert found["gofax_pages_total", "recv", "freeswitch1"] == 3
    assert found["gofax_transfers_total", "call", "freeswitch1", "ok"] == 1
    assert os.stat(house.path("gofax.prom")).st_mode & 0o777 == 0o644


def test_gofaxctl_prints_the_same_and_goes_on_counting(make_house: HouseMaker) -> None:
    house = make_house({"log": {"metrics_file": "gofax.prom"}})
    assert house.gofaxsend(house.job("1000")) == 2
    options = {"env": house.run_dir.environ}
    printed = samples(run(house.installed, "-C", house.config, "metrics", **options).stdout)
    assert {key: value for key, value in printed.items() if "total" in key[0]} == {
        key: value for key, value in textfile(house).items() if "total" in key[0]
    }
    assert house.gofaxsend(house.job("1000")) == 2, "as user uucp, after root has been at the counters"
    assert textfile(house)["gofax_transfers_total", "send", "freeswitch0", "ok"] == 2
    stamp = textfile(house)["gofax_metrics_timestamp_seconds",]
    run(house.installed, "-C", house.config, "metrics", "--textfile", **options)
    assert textfile(house)["gofax_metrics_timestamp_seconds",] > stamp
    data = json.loads(run(house.installed, "-C", house.config, "metrics", "--json", **options).stdout)
    assert data['gofax_transfers_total{type="send",modem="freeswitch0",result="ok"}'] == 2


def test_somebody_who_may_not_write_gets_the_figures_that_he_may_read(make_house: HouseMaker) -> None:
    house = make_house()
    assert house.gofaxsend(house.job("1000")) == 2
    done = run(house.installed, "-C", house.config, "metrics", user="nobody", extra_groups=(), env=house.run_dir.environ)
    found = samples(done.stdout)
    assert found["gofax_transfers_total", "send", "freeswitch0", "ok"] == 1
    assert found["gofax_modems", "idle"] == 2


def test_a_metrics_file_that_cannot_be_written_costs_no_fax(make_house: HouseMaker, document: str) -> None:
    house = make_house({"log": {"metrics_file": "/nowhere/gofax.prom"}})
    assert house.gofaxsend(house.job("1000")) == 2
    assert house.switch.place_call("4711", document).answered
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: not house.journal())
    assert [(record[1], record[10], record[13]) for record in house.records()] == [
        ("SEND", "3", ""), ("RECV", "3", ""), ("CALL", "0", ""),
    ]


def test_the_report_of_faxes_that_went_through(make_house: HouseMaker, document: str) -> None:
    house = make_house()
    assert house.gofaxsend(house.job("1000")) == 2
    assert house.gofaxsend(house.job("2000")) == 0
    assert house.switch.place_call("4711", document).answered
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: not house.journal())
    options = {"env": house.run_dir.environ, "user": FAX_USER, "extra_groups": ()}
    found = json.loads(run(house.installed, "-C", house.config, "report", "--last", "1h", "--t38", "--json", **options).stdout)
    assert (found["sent"]["total"]["count"], found["sent"]["total"]["failed"], found["sent"]["total"]["pages"]) == (2, 1, 3)
    assert found["received"]["total"]["pages"] == 3 and found["calls"]["total"]["count"] == 0
    by = found["sent"]["by"]
    assert [item["name"] for item in by["cause"]] == ["Busy signal detected"]
    assert [(item["name"], item["count"]) for item in by["rate"]] == [("14400 bit/s", 1)]
    assert len(by["media"]) == 1 and len(found["received"]["by"]["media"]) == 1
    assert [item["name"] for item in found["received"]["by"]["recipient"]] == ["4711"]
    text = run(house.installed, "-C", house.config, "report", "--last", "1h", **options).stdout
    assert "Jobs: 1 delivered, 1 not, or not yet" in text and "Busy signal detected" in text


@pytest.fixture
def accounting(run_dir: RunDir) -> str:
    """All native records in one log, a line that is none, and a configuration beside it."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(ACCOUNTING.glob("*/xferfaxlog")))
    path = run_dir.sub("log") + "/xferfaxlog"
    Path(path).write_text(text + "gar\x1b[2Jbage\n", encoding="utf-8")
    sections = "freeswitch: {}\ninbound: {}\noutbound: {}\nlog: {}\n"
    Path(run_dir.path, "gofax.yaml").write_text(f"{sections}hylafax: {{spooldir: {run_dir.path}}}\n")
    return path


def report(installed: Installed, run_dir: RunDir, *words: str, status: int = OK) -> subprocess.CompletedProcess[str]:
    given = any(word.startswith(("--since", "--last")) for word in words)
    period = [] if given else ["--since", "2026-11-23", "--until", "2026-11-23"]
    return run(installed, "-C", f"{run_dir.path}/gofax.yaml", "report", *period, *words, status=status)


@pytest.mark.usefixtures("accounting")
def test_tables_name_causes_and_bad_lines(installed: Installed, run_dir: RunDir) -> None:
    done = report(installed, run_dir)
    assert "Fax report 2026-11-23" in done.stdout
    assert "    2      0  Busy signal detected" in done.stdout and "No sender protocol" in done.stdout
    assert "1 line is no accounting record and not counted:" in done.stderr
    assert "log/xferfaxlog:22: 'gar\\x1b[2Jbage' is no date" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    only = report(installed, run_dir, "--by", "hour,rate,time", "--top", "3").stdout
    assert "HOUR" in only and "14400 bit/s" in only and "By hour" in only and "Busy" not in only


@pytest.mark.usefixtures("accounting")
def test_csv_and_html_go_where_they_are_told(installed: Installed, run_dir: RunDir) -> None:
    rows = list(csv.DictReader(io.StringIO(report(installed, run_dir, "--csv").stdout)))
    assert [row["count"] for row in rows if row["group"] == "total"] == ["13", "3", "2"]
    path = os.path.join(run_dir.path, "report.html")
    assert report(installed, run_dir, "--html", "-o", path).stdout == ""
    assert "1 line of the accounting is no record" in Path(path).read_text(encoding="utf-8")
    assert [name for name in os.listdir(run_dir.path) if name.startswith("report.html")] == ["report.html"]
    assert "cannot be written" in report(installed, run_dir, "--csv", "-o", f"{run_dir.path}/none/x", status=PROBLEM).stderr


@pytest.mark.parametrize(("words", "status", "says"), [
    (("--since", "tomorrow"), USAGE, "'tomorrow' is no date"), (("--last", "x"), USAGE, "is no length of time"),
    (("--by", "colour"), USAGE, "'colour' is no group"), (("-o", "x"), USAGE, "--output goes with"),
    (("--csv", "--html"), USAGE, "not allowed with"), (("--log", "/none/log"), PROBLEM, "/none/log: does not exist"),
    (("--log", "/tmp"), PROBLEM, "/tmp: cannot be read: Is a directory"),
])
@pytest.mark.usefixtures("accounting")
def test_mistakes_are_told(installed: Installed, run_dir: RunDir, words: tuple[str, ...], status: int, says: str) -> None:
    assert says in report(installed, run_dir, *words, status=status).stderr


def test_rotated_logs_are_read_when_asked_for(installed: Installed, run_dir: RunDir, accounting: str) -> None:
    os.rename(accounting, accounting + ".1")
    assert "does not exist" in report(installed, run_dir, status=PROBLEM).stderr
    assert "Busy signal detected" in report(installed, run_dir, "--rotated").stdout


def test_what_the_shell_has_opened_is_read_as_well(installed: Installed, run_dir: RunDir, accounting: str) -> None:
    command = f"{installed.gofaxctl} report --since 2026-11-23 --until 2026-11-23 --csv --log <(cat {accounting})"
    piped = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=run_dir.environ)
    assert piped.stdout == report(installed, run_dir, "--csv", "--log", accounting).stdout
