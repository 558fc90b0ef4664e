"""gofaxsend's command line and what it does about the way faxq starts programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gofaxpy.send.process import CommandLine, UsageError, parse

ROOT = Path(__file__).parents[3]


def test_what_faxq_writes_is_understood() -> None:
    line = parse(["-c", 'desiredec:"0"', "-c", 'faxnumber:"+49 30 99"', "-m", "freeswitch1", "sendq/q45", "sendq/q46"])
    assert line == CommandLine(
        "freeswitch1", ("sendq/q45", "sendq/q46"), overrides=(("desiredec", "0"), ("faxnumber", "+49 30 99"))
    )


def test_a_configuration_file_is_named_with_a_capital_c() -> None:
    assert parse(["-C", "/x.yaml", "-m", "freeswitch0", "sendq/q1"]).config == "/x.yaml"


@pytest.mark.parametrize(
    "argv", [[], ["sendq/q1"], ["-m", "freeswitch0"], ["-m"], ["-x", "-m", "a", "q"], ["-c", "nonsense", "-m", "a", "q"]]
)
def test_anything_else_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(argv)


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = ["/usr/bin/python3", "-I", str(ROOT / "bin" / "gofaxsend"), *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_the_version_is_printed() -> None:
    from gofaxpy import __version__

    ended = run("-V")
    assert (ended.returncode, ended.stdout) == (0, f"gofaxsend {__version__}\n")


@pytest.mark.parametrize("argv", [[], ["-m"], ["--help"], ["-m", "freeswitch0", "sendq/q1"]])
def test_no_command_line_ends_with_a_status_that_faxq_takes_for_done(argv: list[str], tmp_path: Path) -> None:
    assert run(*argv, cwd=tmp_path).returncode == 0


def test_without_usable_descriptors_the_answer_is_the_same(tmp_path: Path) -> None:
    script = "import os, sys; [os.close(fd) for fd in (0, 1, 2)]; os.open('/dev/full', 1); os.open('/dev/null', 0);" \
        "os.open('/dev/null', 0); os.execv(sys.argv[1], sys.argv[1:])"
    ended = subprocess.run(
        [sys.executable, "-c", script, "/usr/bin/python3", "-I", str(ROOT / "bin" / "gofaxsend"), "-m", "x", "sendq/q1"],
        cwd=tmp_path, check=False,
    )
    assert ended.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be given up")
def test_root_is_given_up_for_good(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from gofaxpy.send.process import give_up_root; import os;" \
        "os.setresgid(0, 10, 10); os.setresuid(0, 10, 10); give_up_root(); print(os.getresuid(), os.getresgid())"
    ended = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", code, str(ROOT / "lib")], capture_output=True, text=True, check=False, cwd="/"
    )
    assert ended.stdout == "(10, 10, 10) (10, 10, 10)\n", ended.stderr


def test_a_broken_installation_does_not_fail_the_jobs(tmp_path: Path) -> None:
    command = tmp_path / "gofaxsend"
    command.write_bytes((ROOT / "bin" / "gofaxsend").read_bytes())
    ended = subprocess.run(["/usr/bin/python3", "-I", "-S", str(command), "-m", "x", "sendq/q1"], cwd=tmp_path, check=False)
    assert ended.returncode == 0
