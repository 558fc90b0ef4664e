"""faxrcvd runs in a process of its own, which holds the journal entry's lock and removes the entry at the end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.inbound import announce
from gofaxpy.journal import Step
from gofaxpy.setting import Setting

FAXRCVD = """#!/bin/sh
printf '%s|' "$@" "$HANGUPCAUSE" > ran.new
mv ran.new ran
while [ ! -e go ]; do sleep 0.02; done
"""


def wait_for(path: Path, there: bool = True) -> None:
    deadline = time.monotonic() + 20
    while path.exists() != there:
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")     # the runner outlives FreeSWITCH
def test_faxrcvd_runs_in_the_spool_with_its_arguments_while_the_entry_is_locked(tmp_path: Path) -> None:
    setting = Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path))))
    (tmp_path / "log").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "faxrcvd").write_text(FAXRCVD)
    (tmp_path / "bin" / "faxrcvd").chmod(0o755)
    with setting.journal.create("c000000003", Step.ACCEPTED, commid="000000003") as entry:
        path = Path(entry.path)
        announce.start(setting, entry, "bin/faxrcvd", ["recvq/fax1.tif", "$(id)", 'a "b"', ""], {"HANGUPCAUSE": "USER_BUSY"})
    wait_for(tmp_path / "ran")
    assert (tmp_path / "ran").read_text() == 'recvq/fax1.tif|$(id)|a "b"||USER_BUSY|'
    other = setting.journal.open("c000000003")
    assert other is not None
    with other:
        assert not other.lock(), "the runner has inherited the lock"
    (tmp_path / "go").touch()
    wait_for(path, there=False)
    assert not os.listdir(setting.journal.directory)
