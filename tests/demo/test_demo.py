"""`make demo` as a person runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from rig import Installed, RunDir
from rig.install import CHECKOUT
from rig.pages import compare_documents, read_pages

OK = "demo: OK – 3 pages sent, 3 pages received, identical"


def start(directory: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def run_directories(output: str) -> list[str]:
    return [word.rstrip(":") for word in output.split() if "/gofaxpy-" in word]


def test_the_demo_ends_well_twice_at_the_same_time_and_leaves_what_it_received(tmp_path: os.PathLike[str]) -> None:
    directories = [os.path.join(tmp_path, name) for name in ("one", "two")]
    for directory in directories:
        os.mkdir(directory)
    for directory, demo in [(directory, start(directory)) for directory in directories]:
        output, _ = demo.communicate(timeout=90)
        assert (demo.returncode, output.strip().split("\n")[-1]) == (0, OK), output
        assert not any(os.path.exists(path) for path in run_directories(output))
        out = os.path.join(directory, "demo-out")
        sent, received = (read_pages(os.path.join(out, name)) for name in ("sent.tif", "received.tif"))
        assert [page.identical for page in compare_documents(sent, received)] == [True] * 3
        assert os.path.getsize(os.path.join(out, "received.png")) > 1000
        assert {"xferfaxlog", "freeswitch.log", "faxstat.txt"} <= set(os.listdir(out))


def test_a_second_demo_replaces_what_the_first_one_left(tmp_path: os.PathLike[str]) -> None:
    out = os.path.join(tmp_path, "demo-out")
    os.mkdir(out)
    stale = os.path.join(out, "c000000099")
    open(stale, "w", encoding="ascii").close()
    with start(os.fspath(tmp_path)) as demo:
        output, _ = demo.communicate(timeout=90)
    assert demo.returncode == 0, output
    assert not os.path.exists(stale)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_while_it_sends_leaves_nothing_running(
    tmp_path: os.PathLike[str], sign: signal.Signals
) -> None:
    with start(os.fspath(tmp_path)) as demo:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "answered after" in line:
                demo.send_signal(sign)
        assert demo.wait(60) == 130
    output = "".join(lines)
    assert output.strip().split("\n")[-1] == "demo: stopped, nothing is left running"
    (path,) = run_directories(output)
    assert not os.path.exists(path)
    assert _processes_with(path) == []


def test_a_demo_that_fails_says_why_and_where_to_look(tmp_path: os.PathLike[str], run_dir: RunDir) -> None:
    broken = os.path.join(run_dir.path, "checkout")
    for part in ("bin", "lib", "fs_scripts", "dialplan", "conf", "tests/mocks"):
        shutil.copytree(os.path.join(CHECKOUT, part), os.path.join(broken, part))
    with open(Installed(broken).gofaxsend, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 1\n")
    program = f"import sys; from demo.show import main; sys.exit(main({broken!r}))"
    environ = {**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "tests")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, encoding="utf-8", timeout=90, check=False)
    lines = done.stdout.strip().split("\n")
    assert done.returncode == 1
    assert lines[-1].startswith("demo: FAILED – job 1 ")
    assert "look at demo-out/" in done.stdout
    assert "doneq" not in lines[-1]


def _processes_with(mark: str) -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark.encode() in file.read():
                    found.append(pid)
        except OSError:
            continue
    return found
