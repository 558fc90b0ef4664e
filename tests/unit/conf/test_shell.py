"""Shell scripts that are for operators: shellcheck finds nothing in them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from rig.install import CHECKOUT

SCRIPTS = (
    "conf/hylafax/DynamicConfig", "conf/hylafax/DynamicConfigOutgoing", "conf/hylafax/FaxDispatch", "conf/hylafax/FaxNotify",
    "conf/systemd/debian12-workaround",
)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="there is no shellcheck on this machine")
@pytest.mark.parametrize("path", SCRIPTS)
def test_shellcheck_finds_nothing(path: str) -> None:
    done = subprocess.run(["shellcheck", os.path.join(CHECKOUT, path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", [path for path in SCRIPTS if not path.endswith(("FaxDispatch", "FaxNotify"))])
def test_they_can_be_executed(path: str) -> None:
    assert os.access(os.path.join(CHECKOUT, path), os.X_OK)
