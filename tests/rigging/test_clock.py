"""The wall clock of a run can be set, for every process of it; the monotonic one goes on."""

from __future__ import annotations

import subprocess
import time

from rig.clock import HOUR, YEAR, Clock
from rig.install import SYSTEM_PYTHON
from rig.rundir import RunDir

PROGRAM = """
import datetime, sys, threading, time
for line in sys.stdin:
    began, wall = time.monotonic(), time.time()
    time.sleep(0.05)
    threading.Event().wait(0.05)
    print(round(wall), round(datetime.datetime.now().timestamp()), round(time.monotonic() - began, 2), flush=True)
"""


def test_all_processes_of_a_run_have_the_clock_that_is_set(run_dir: RunDir) -> None:
    clock = Clock(run_dir)
    commands = [[SYSTEM_PYTHON, "-I", "-S", "-c", PROGRAM], ["/bin/sh", "-c", 'exec "$@"', "sh", SYSTEM_PYTHON, "-c", PROGRAM]]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=run_dir.environ)
        for command in commands
    ]
    for shift in (0, HOUR, -HOUR, YEAR, -YEAR, 0):
        clock.jump(shift)
        for process in processes:
            assert process.stdin is not None and process.stdout is not None
            print(file=process.stdin, flush=True)
            wall, now, slept = process.stdout.readline().split()
            assert abs(int(wall) - time.time() - shift) < 5 and abs(int(now) - time.time() - shift) < 5
            assert 0.1 <= float(slept) < 5
    for process in processes:
        with process:
            assert process.stdin is not None
            process.stdin.close()
