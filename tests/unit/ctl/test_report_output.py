"""The forms of a report: nothing that a far end calls itself becomes a formula, an escape sequence or a part of the page."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.ctl.report import svg
from gofaxpy.ctl.report.export import COLUMNS, cell, csv_text, data
from gofaxpy.ctl.report.figures import clock, percent
from gofaxpy.ctl.report.page import page
from gofaxpy.ctl.report.period import Period
from gofaxpy.ctl.report.tally import Report, count
from gofaxpy.hylafax.accounting import Malformed
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.xferfaxlog import Record, RecordType

HOSTILE = "<script>alert(1)</script>"
NAMES = (
    HOSTILE, '"><img src=x onerror=alert(2)>', "'); alert(3); ('", "=cmd|' /C calc'!A0", "\x1b]0;owned\x07", "a\udcffb",
    "\u202egnp.exe",
)
WEEK = Period(datetime(2026, 11, 16), datetime(2026, 11, 23))
MADE = datetime(2026, 11, 25, 12, 0)


def report(names: Sequence[str] = NAMES) -> Report:
    records = []
    for number, name in enumerate(names):
        at = datetime(2026, 11, 16 + number % 7, 8 + number % 12).timestamp()
        more = {"dest": name, "station": name, "reason": name if number % 2 else "", "cid_number": name, "cid_rest": name}
        params = FaxParams(br=number % 14, ec=number % 3)
        for kind in (RecordType.SEND, RecordType.RECV, RecordType.CALL):
            records.append(Record(
                kind, at, f"{kind.value}{number}", name, name, name, name, params=params, pages=2, conn_seconds=40, owner=name,
                **more,     # type: ignore[arg-type]
            ))
    return count(records, WEEK)


def html(found: Report, bad: Sequence[Malformed] = ()) -> str:
    return page(found, [f"log/{HOSTILE}"], bad, len(bad), MADE, 25, HOSTILE)


class Outline(HTMLParser):
    """The elements of a page, their attributes and its text; fails on what is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_no_element_and_no_attribute_that_is_not_its_own() -> None:
    outline = Outline(html(report(), [Malformed(f"log/{HOSTILE}", 3, HOSTILE, "x")]))
    tags = {tag for tag, _ in outline.seen}
    assert not tags & {"script", "img", "iframe", "object", "embed", "a", "form", "image", "use"}
    for tag, attributes in outline.seen:
        assert not any(name.startswith("on") or name in ("src", "srcset", "xlink:href", "style") for name in attributes), tag
        assert attributes.get("href", "data:,") == "data:,"
    assert HOSTILE in outline.text
    assert not re.search(r"url\(|@import|https?:", html(report()))


def test_what_cannot_be_shown_does_not_reach_the_page() -> None:
    text = html(report())
    assert text.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_name_gives_a_well_formed_page(names: list[str]) -> None:
    Outline(html(report(names)))


def test_an_empty_report_is_a_page_as_well() -> None:
    outline = Outline(html(count([], WEEK)))
    assert "0of 0 jobs delivered" in outline.text and "–of 0 attempts" in outline.text


def test_every_plot_says_what_it_shows_and_has_its_figures_beside_it() -> None:
    outline = Outline(html(report(["030"] * 7)))
    plots = [attributes for tag, attributes in outline.seen if tag == "svg" and attributes.get("role") == "img"]
    assert [plot["aria-label"] for plot in plots] == [
        "Day by day: sent 4, received 4, failed 6", "By hour of day: sent 4, received 4, failed 6",
        "By day of the week: sent 4, received 4, failed 6",
    ]
    assert sum(tag == "details" for tag, _ in outline.seen) == 3
    bars = [attributes for tag, attributes in outline.seen if tag == "svg" and attributes.get("class") == "bar"]
    assert bars and all(bar["aria-hidden"] == "true" for bar in bars)


def test_columns_are_as_high_as_their_values() -> None:
    text = svg.columns(["a", "b"], [("good", [10, 0]), ("bad", [5, 20])], "t")
    heights = {
        (class_, float(height)) for class_, height in re.findall(r'<rect class="(s\d)"[^>]* height="([\d.]+)"', text)
    }
    full = svg.HEIGHT - svg.TOP - svg.BOTTOM
    assert heights == {("s0", full / 2), ("s1", full / 4), ("s1", float(full))}


@pytest.mark.parametrize(("most", "step", "top"), [
    (0, 1, 1), (1, 1, 1), (5, 1, 5), (7, 2, 8), (23, 5, 25), (60, 20, 60), (4711, 1000, 5000),
])
def test_axes_have_round_steps(most: int, step: int, top: int) -> None:
    assert svg.scale(most) == (step, top)


@settings(deadline=None)
@given(st.integers(0, 10**7))
def test_axes_have_room_and_few_steps(most: int) -> None:
    step, top = svg.scale(most)
    assert top >= most and top % step == 0 and top // step <= 5


def test_csv_has_the_totals_and_every_group() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(report(["030", "031"]), ()))))
    assert list(rows[0]) == list(COLUMNS)
    totals = {row["direction"]: (row["count"], row["failed"], row["pages"]) for row in rows if row["group"] == "total"}
    assert totals == {"sent": ("2", "1", "4"), "received": ("2", "1", "4"), "calls": ("2", "1", "4")}
    assert [row["name"] for row in rows if (row["direction"], row["group"]) == ("sent", "destination")] == ["030", "031"]
    assert sum(row["group"] == "day" for row in rows) == 14
    only = list(csv.DictReader(io.StringIO(csv_text(report(["030"]), ("cause",)))))
    assert {row["group"] for row in only} <= {"total", "cause"}


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_cell_is_a_formula_and_all_come_back(name: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(report([name]), ()))))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    for row in rows:
        for text in row:
            assert not text.lstrip().startswith(("=", "@", "-")) and "\n" not in text
            assert not text.lstrip().startswith("+") or re.fullmatch(r"\s*\+[0-9 ]+", text)


@pytest.mark.parametrize(("text", "written"), [
    ("=1+1", "'=1+1"), (" =1+1", "' =1+1"), ("+49 30 555", "+49 30 555"), ("+cmd|x", "'+cmd|x"), ("-2", "'-2"),
    ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "' =1"), ("Busy", "Busy"), ("\x1b[31m", " [31m"),
])
def test_cells(text: str, written: str) -> None:
    assert cell(text) == written


def test_data_for_json_is_complete_and_clean() -> None:
    found = data(report(), ["log/xferfaxlog"], [Malformed("log/xferfaxlog", 7, "why", "\x1b[2J")], 1)
    assert found["sent"]["total"]["count"] == 7 and found["jobs"] == {"delivered": 4, "open": 3}
    assert found["malformed"] == {
        "count": 1, "lines": [{"file": "log/xferfaxlog", "line": 7, "why": "why", "text": " [2J"}],
    }
    assert found["over_time"]["step"] == "day" and len(found["over_time"]["steps"]) == 7
    assert "\x1b" not in str(found)


def test_figures_do_not_round_away_what_matters() -> None:
    assert [percent(share) for share in (None, 0, 1, 0.5, 0.9999, 0.00001)] == ["–", "0 %", "100 %", "50 %", "99.9 %", "0.1 %"]
    assert clock(3600 * 1234 + 61) == "1,234:01:01"


# -- as a browser sees it


def browse(path: Path, profile: Path) -> tuple[str, list[str]]:
    """The page as Chromium has it once it is loaded, and what Chromium has to say about it on its console."""
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=True, env={**os.environ, "HOME": str(profile)},
    )
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE:" in line or "CONSOLE(" in line]


@pytest.fixture(scope="module")
def chromium() -> None:
    """Chromium is among the packages that tests/rig/setup.sh installs; a machine without it has not run it."""
    assert shutil.which("chromium"), "chromium is missing: run tests/rig/setup.sh"


@pytest.mark.usefixtures("chromium")
def test_a_browser_opens_the_page_without_a_complaint(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html(report(), [Malformed("log/xferfaxlog", 3, HOSTILE, "x")]), encoding="utf-8")
    dom, said = browse(path, tmp_path / "profile")
    assert said == []
    assert "<title>Fax report 2026-11-16 to 2026-11-22</title>" in dom and "<script" not in dom
    assert dom.count('role="img"') == 3 and dom.rstrip().endswith("</body></html>")


@pytest.mark.usefixtures("chromium")
def test_the_browser_would_complain_and_the_page_forbids_what_might_slip_through(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    spoilt = html(report()).replace("</main>", "<script>document.title='owned'</script><img src='http://192.0.2.1/x'></main>")
    path.write_text(spoilt, encoding="utf-8")
    dom, said = browse(path, tmp_path / "profile")
    assert len(said) == 2 and all("Content Security Policy" in line for line in said)
    assert "owned</title>" not in dom
