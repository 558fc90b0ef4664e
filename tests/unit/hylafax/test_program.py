"""Small programs are asked, and none of them can keep us waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gofaxpy.hylafax.program import answer_of


def open_descriptors() -> list[str]:
    return os.listdir("/proc/self/fd")


def test_what_it_prints_is_the_answer_whatever_its_status() -> None:
    before = open_descriptors()
    assert answer_of([b"/bin/cat"], "90 0123 é\n".encode(), 5) == "90 0123 é\n".encode()
    assert answer_of([b"/bin/sh", b"-c", b"echo out; echo err >&2; exit 3"], b"", 5) == b"out\n"
    assert open_descriptors() == before


def test_one_that_reads_nothing_is_no_trouble() -> None:
    assert answer_of([b"/bin/true"], b"x" * 4096, 5) == b""


def test_one_that_is_not_there_and_a_question_too_long_are_errors() -> None:
    before = open_descriptors()
    with pytest.raises(OSError, match="No such file"):
        answer_of([b"/no/such/program"], b"", 5)
    with pytest.raises(OSError, match="too long"):
        answer_of([b"/bin/cat"], b"x" * 4097, 5)
    assert open_descriptors() == before


@pytest.mark.parametrize("words", ["sleep 60", "while :; do echo x; done"])
def test_one_that_does_not_end_is_killed(tmp_path: Path, words: str) -> None:
    pid = tmp_path / "pid"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        answer_of([b"/bin/sh", b"-c", f"echo $$ > {pid}; exec >&1; {words}".encode()], b"", 0.5)
    assert time.monotonic() - began < 10
    assert not os.path.exists(f"/proc/{pid.read_text().strip()}")


def test_what_gofaxsend_needs_for_a_number_does_not_load_subprocess() -> None:
    program = "import gofaxpy.hylafax.dialrules, sys; sys.exit('subprocess' in sys.modules)"
    lib = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))), "lib")
    assert subprocess.run([sys.executable, "-S", "-c", program], env={"PYTHONPATH": lib}, check=False).returncode == 0
