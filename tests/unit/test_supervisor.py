"""The supervisor's loop, where a whole switch would be too much."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIBRARY = str(Path(__file__).parents[2] / "lib")
LATE = """
import os, sys
from types import SimpleNamespace
sys.modules["freeswitch"] = SimpleNamespace(consoleLog=lambda level, text: None)
others = [os.open(os.devnull, os.O_RDONLY) for _ in range(1030)]
from gofaxpy.bell import BELL
from gofaxpy.supervisor import Supervisor
assert BELL.fileno() > 1023
supervisor = Supervisor(SimpleNamespace(next=lambda: None), None)
BELL.ring()
supervisor.step()
"""


def test_descriptors_of_a_busy_switch_may_have_high_numbers(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": LIBRARY, "GOFAX_CONFIG": str(tmp_path / "none.yaml")}
    done = subprocess.run([sys.executable, "-c", LATE], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
