"""A run's directory and its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from rig import RunDir
from rig.rundir import wait_ended

SLEEP = ["/bin/sleep", "60"]


def test_only_processes_of_the_run_are_found() -> None:
    with RunDir() as directory, subprocess.Popen(SLEEP) as stranger:
        with subprocess.Popen(SLEEP, env=directory.environ) as ours:
            assert directory.processes() == [ours.pid]
            ours.kill()
        stranger.kill()


def test_a_process_that_left_session_and_group_is_ended_too() -> None:
    with RunDir() as directory, subprocess.Popen(SLEEP, env=directory.environ, start_new_session=True) as ours:
        assert directory.end_processes() == [ours.pid]
        assert ours.wait(10) == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    with RunDir() as directory:
        stubborn = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
        with subprocess.Popen(stubborn, env=directory.environ, stdout=subprocess.PIPE) as ours:
            assert ours.stdout is not None
            assert ours.stdout.readline() == b"ready\n"
            directory.end_processes(grace=0.3)
            assert ours.wait(10) == -signal.SIGKILL


def test_closing_removes_the_directory_and_may_be_repeated() -> None:
    directory = RunDir()
    os.makedirs(os.path.join(directory.path, "a", "b"))
    directory.close()
    directory.close()
    assert not os.path.exists(directory.path)


def test_closing_can_keep_the_directory(tmp_path: os.PathLike[str]) -> None:
    os.chmod(tmp_path, 0o755)
    directory = RunDir()
    directory.close(keep=True)
    assert os.path.isdir(directory.path)
    os.rmdir(directory.path)


def test_a_run_killed_without_warning_leaves_neither_processes_nor_files() -> None:
    program = (
        "import os, subprocess, sys, time\n"
        "from rig.rundir import RunDir\n"
        "directory = RunDir()\n"
        f"child = subprocess.Popen({SLEEP}, env=directory.environ, start_new_session=True)\n"
        "print(directory.path, child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        path, pid = run.stdout.readline().split()
        run.kill()
    assert wait_ended(int(pid), 15)
    deadline = time.monotonic() + 15
    while os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(path)


def test_the_environment_of_a_run_has_nothing_of_the_callers_shell() -> None:
    with RunDir() as directory:
        assert set(directory.environ) <= {"PATH", "LC_ALL", "TZ", "HOME", "GOFAXPY_RIG", "GOFAX_CONFIG"}
        assert directory.environ["PATH"].startswith("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
