"""What is written down at the end of an attempt whose call may go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.outcome import Ending, Stage
from gofaxpy.send.report import JobReport
from gofaxpy.send.settle import settle
from gofaxpy.setting import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    for name in ("sendq", "log", "info", "status"):
        (tmp_path / name).mkdir()
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path))))


@pytest.fixture
def report(setting: Setting, tmp_path: Path) -> Iterator[JobReport]:
    """Of a job that may be dialled once more."""
    path = tmp_path / "sendq" / "q1"
    path.write_text("jobid:1\nnumber:1000\nexternal:1000\ntotpages:3\ntotdials:0\nmaxdials:1\ntottries:0\nmaxtries:3\n")
    with QFileHandle.open(str(path)) as handle:
        log = SessionLog.create(setting.spool, "000000001", "1000")
        yield JobReport(setting.spool, "freeswitch0", handle, log, "000000001")


@pytest.mark.parametrize(("kept", "returned", "dials", "records"), [
    (True, Returned.RETRY, 0, 0),       # faxq starts no job whose dials are used up, and the fax may have arrived
    (False, Returned.FAILED, 1, 1),     # the call was withdrawn: it sends nothing any more
])
def test_a_call_that_may_go_on_is_left_to_the_next_attempt(
    setting: Setting, report: JobReport, kept: bool, returned: Returned, dials: int, records: int
) -> None:
    assert settle(setting, report, Ending(Stage.UNKNOWN, 3, 1, kept=kept)) is returned
    assert report.handle.qfile.number("totdials") == dials
    log = Path(setting.xferfaxlog)
    assert (len(log.read_text().splitlines()) if log.exists() else 0) == records
