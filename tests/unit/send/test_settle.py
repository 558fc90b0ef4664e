"""What is written down at the end of an attempt whose call may go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.connection import Connection
from gofaxpy.send.settle import settle
from gofaxpy.setting import Setting
from gofaxpy.switch.client import never


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    for name in ("sendq", "log", "info", "status"):
        (tmp_path / name).mkdir()
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path))))


@pytest.fixture
def attempt(setting: Setting, tmp_path: Path) -> Iterator[Attempt]:
    """Of a job that may be dialled once more."""
    path = tmp_path / "sendq" / "q1"
    path.write_text("jobid:1\nnumber:1000\nexternal:1000\ntotpages:3\ntotdials:0\nmaxdials:1\ntottries:0\nmaxtries:3\n")
    with QFileHandle.open(str(path)) as handle:
        yield Attempt(setting, handle, "000000001", "freeswitch0", Connection(setting.config.freeswitch, 0, never))


@pytest.mark.parametrize(("kept", "returned", "dials", "records"), [
    (True, Returned.RETRY, 0, 0),       # faxq starts no job whose dials are used up, and the fax may have arrived
    (False, Returned.FAILED, 1, 1),     # the call was withdrawn: it sends nothing any more
])
def test_a_call_that_may_go_on_is_left_to_the_next_attempt(
    setting: Setting, attempt: Attempt, kept: bool, returned: Returned, dials: int, records: int
) -> None:
    assert settle(attempt, Ending(Stage.UNKNOWN, 3, 1, kept=kept)) is returned
    assert attempt.handle.qfile.number("totdials") == dials
    log = Path(setting.xferfaxlog)
    assert (len(log.read_text().splitlines()) if log.exists() else 0) == records
