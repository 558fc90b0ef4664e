"""Spools that are named no more, in which something is still to be done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.inbound.recovery import LeftSpools
from gofaxpy.journal import Step
from gofaxpy.setting import Setting


def setting(root: Path) -> Setting:
    (root / "recvq").mkdir(parents=True)
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(root), lock_dir=str(root / "lock"))))


@pytest.mark.parametrize("mount_point", [True, False])
def test_a_spool_that_is_not_mounted_for_a_while_is_not_forgotten(tmp_path: Path, mount_point: bool) -> None:
    now, old = setting(tmp_path / "now"), setting(tmp_path / "old")
    old.journal.create("1-000000001", Step.OPENED).close()
    left = LeftSpools()
    left.add(old)
    os.rename(old.spool.root, tmp_path / "away")
    if mount_point:
        os.mkdir(old.spool.root)
    assert list(left.recover(now)) == []
    if mount_point:
        os.rmdir(old.spool.root)
    os.rename(tmp_path / "away", old.spool.root)
    assert [found.spool.root for found in left.recover(now)] == [old.spool.root]
    os.unlink(os.path.join(old.journal.directory, "1-000000001"))
    assert list(left.recover(now)) == []
    old.journal.create("1-000000002", Step.OPENED).close()
    assert list(left.recover(now)) == [], "all was done"
