"""The systemd units: understood by systemd, and without what would keep faxrcvd from mailing (systemd.exec(5))."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.install import CHECKOUT

UNITS = os.path.join(CHECKOUT, "conf", "systemd")
FREESWITCH = "freeswitch.service"
FAXQ = "faxq.service.d/gofax.conf"
# Debian's unit of hylafax-server 3:6.0.7-5, as far as it matters to the drop-in.
FAXQ_UNIT = "[Service]\nType=forking\nExecStart=/usr/sbin/faxq\nBindPaths=/etc/hylafax:/var/spool/hylafax/etc\n"
# systemd.exec(5): each of these implies NoNewPrivileges=yes for a unit with User=; no set-user-ID mail program works then.
IMPLY_NO_NEW_PRIVILEGES = re.compile(
    r"(NoNewPrivileges|DynamicUser|LockPersonality|MemoryDenyWriteExecute|PrivateDevices|ProtectClock|ProtectHostname|"
    r"ProtectKernel\w+|Restrict\w+|SystemCall\w+)$"
)


def settings(name: str) -> list[tuple[str, str]]:
    """The settings of a unit in order."""
    with open(os.path.join(UNITS, name), encoding="utf-8") as file:
        return re.findall(r"^([A-Za-z]+)=(.*)$", file.read(), re.M)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze on this machine")
def test_systemd_understands_them(tmp_path: Path) -> None:
    with open(os.path.join(UNITS, FREESWITCH), encoding="utf-8") as file:
        text = file.read().replace("/usr/bin/freeswitch", "/bin/true")
    (tmp_path / FREESWITCH).write_text(text)
    (tmp_path / "faxq.service").write_text(FAXQ_UNIT.replace("/usr/sbin/faxq", "/bin/true"))
    shutil.copytree(os.path.join(UNITS, "faxq.service.d"), tmp_path / "faxq.service.d")
    units = [str(tmp_path / name) for name in (FREESWITCH, "faxq.service")]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_keeps_faxrcvd_from_mailing() -> None:
    found = [name for name, _ in settings(FREESWITCH) if IMPLY_NO_NEW_PRIVILEGES.match(name)]
    assert found == []
    assert "ProtectHome" not in dict(settings(FREESWITCH)), "mail is delivered into homes"


def test_freeswitch_runs_as_the_user_and_with_the_path_that_everything_else_expects() -> None:
    unit = settings(FREESWITCH)
    assert ("User", "uucp") in unit and ("BindPaths", "/etc/hylafax:/var/spool/hylafax/etc") in unit
    assert ("Environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") in unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze on this machine")
def test_its_exposure_is_no_worse_than_it_was() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=70", os.path.join(UNITS, FREESWITCH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
