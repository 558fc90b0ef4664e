"""The tests on a machine where the package is installed, configured and in use: none takes that for its own, or changes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig import RunDir
from rig.install import CHECKOUT
from rig.namespaces import IN_USE
from rig.rundir import system_environment

# Those that had found the installed library, the configuration or the spool before the checkout's, and one of each other kind.
PART = (
    "tests/unit/ctl/test_output.py", "tests/unit/config/test_live.py",
    "tests/hylafax/test_doctor.py::test_what_is_broken_is_named_with_its_remedy[FreeSWITCH finds no gofaxpy]",
    "tests/hylafax/test_docs_commands.py::test_the_installation",
    "tests/hylafax/test_private_hylafax.py::test_a_waiting_job_can_be_altered",
)
_LOOK = """
look() { find /var/spool/hylafax /etc/hylafax /etc/gofax.yaml -printf '%p %i %m %u %s %T@\\n' | sort; }
faxstat -h 127.0.0.1:4559 -s | grep -c 'Running and idle' || :
look >/before
"$@" || echo "pytest ended with status $?"
look | diff /before - && echo untouched
faxstat -h 127.0.0.1:4559 -s | head -n 1
"""


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("overlays")
def test_on_a_machine_that_is_in_use_the_tests_pass_and_touch_nothing(run_dir: RunDir) -> None:
    dist = run_dir.sub("dist")
    subprocess.run(
        ["make", "-s", "-C", CHECKOUT, "deb", f"DIST={dist}", f"BUILD={run_dir.sub('build')}"], check=True, capture_output=True,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    [package] = Path(dist).glob("*.deb")
    pytest_command = [sys.executable, "-m", "pytest", "-q", "--rootdir", CHECKOUT, *PART]
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", IN_USE, "machine", run_dir.sub("machine"),
         str(package), "/bin/sh", "-c", f"cd {CHECKOUT}; {_LOOK}", "look", *pytest_command],
        capture_output=True, text=True, check=False, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
        env={**system_environment(), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and "untouched" in lines, done.stdout + done.stderr
    assert lines[0] == "2" and lines[-1].startswith("HylaFAX scheduler on "), "the server there is up, before and after"
    assert "pytest ended" not in done.stdout and " passed" in lines[-3], done.stdout
