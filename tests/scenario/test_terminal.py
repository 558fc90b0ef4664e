"""What root starts as somebody else has no terminal: whoever has one open can type on it (TIOCSTI, tty_ioctl(4))."""

from __future__ import annotations

import ast
import os
import pty
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.ctl.doctor.hylafax import send_command
from gofaxpy.ctl.doctor.subject import Subject
from rig import Installed, RunDir, gofaxyaml
from rig.install import CHECKOUT
from rig.rundir import FAX_USER
from rig.spool import make_spool

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs as others")
# Says its version, and types if it can.  What came of it goes where the test finds it.
TYPIST = """\
#!/usr/bin/python3 -I
import errno, fcntl, os, termios
print("gofaxsend 0")
try:
    fd = os.open("/dev/tty", os.O_RDWR)
    fcntl.ioctl(fd, termios.TIOCSTI, b"#")
    came = "typed"
except OSError as error:
    came = errno.errorcode[error.errno]
with open("{told}", "a") as file:
    file.write(f"{{came}} {{os.getuid()}}\\n")
"""


def typist(run_dir: RunDir, name: str) -> tuple[str, str]:
    """A program of that name, and the file that it writes."""
    told = os.path.join(run_dir.sub("told", owner=FAX_USER), name)
    path = os.path.join(run_dir.sub("programs"), name)
    with open(path, "w", encoding="ascii") as file:
        file.write(TYPIST.format(told=told))
    os.chmod(path, 0o755)
    return path, told


def on_a_terminal(command: list[str], environ: dict[str, str]) -> bytes:
    """Runs a command whose controlling terminal it is, as an administrator's shell does; what it prints there."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execve(command[0], command, environ)
        finally:
            os._exit(127)
    output = b""
    try:
        while octets := os.read(terminal, 4096):
            output += octets
    except OSError:     # EIO: nobody has it open any more
        pass
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] in (0, 256), output
    return output


def came_of(told: str) -> list[str]:
    with open(told, encoding="ascii") as file:
        return file.read().split()


def test_a_program_with_the_terminal_can_type_there(run_dir: RunDir) -> None:
    """Or else what follows would say nothing."""
    program, told = typist(run_dir, "gofaxsend")
    on_a_terminal([program], run_dir.environ)
    if came_of(told)[0] == "EIO":
        pytest.skip("this kernel lets nobody type (dev.tty.legacy_tiocsti=0)")
    assert came_of(told)[0] == "typed"


def test_doctor_starts_sendfaxcmd_without_a_terminal(run_dir: RunDir, installed: Installed) -> None:
    program, told = typist(run_dir, "gofaxsend")
    spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
    make_spool(spool, lock_dir, sendfaxcmd=program, sendmail="/bin/true", modems=["freeswitch0"])
    config = gofaxyaml(os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=9)
    output = on_a_terminal([installed.gofaxctl, "-C", config, "doctor"], run_dir.environ)
    assert b"SendFaxCmd: " in output and b"says gofaxsend 0" in output
    assert came_of(told)[0] == "ENXIO" and came_of(told)[1] != "0"


CALLS = {
    "tiffcp": "from gofaxpy.ctl import selftest_page; selftest_page._tiffcp('-v')",
    "dialtest": "from gofaxpy.hylafax.program import answer_of; answer_of([{program!r}.encode()], b'', 10)",
}


@pytest.mark.parametrize("name", CALLS)
def test_neither_have_the_programs_that_it_starts_when_it_has_given_root_up(
    run_dir: RunDir, installed: Installed, name: str
) -> None:
    program, told = typist(run_dir, name)
    call = f"import sys; sys.path.insert(0, {installed.lib!r}); {CALLS[name].format(program=program)}"
    environ = {**run_dir.environ, "PATH": f"{os.path.dirname(program)}:/usr/bin:/bin"}
    on_a_terminal([sys.executable, "-c", call], environ)
    assert came_of(told)[0] == "ENXIO"


def starts() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the library that starts a program."""
    for path in sorted(Path(CHECKOUT, "lib", "gofaxpy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if (owner, node.func.attr) in {
                    ("os", "posix_spawn"), ("os", "posix_spawnp"), ("os", "system"), ("os", "popen"), ("os", "fork"),
                    *(("subprocess", name) for name in ("run", "Popen", "call", "check_call", "check_output", "getoutput")),
                } or (owner == "os" and node.func.attr.startswith(("exec", "spawn"))):
                    yield f"{path.name}:{node.lineno}", node


def test_every_program_is_started_in_a_session_of_its_own() -> None:
    found = dict(starts())
    assert len(found) >= 5
    for where, call in found.items():
        words = {word.arg: word.value for word in call.keywords}
        session = words.get("start_new_session") or words.get("setsid")
        assert isinstance(session, ast.Constant) and session.value is True, where


def test_the_command_that_doctor_shows_for_it_gives_roots_terminal_to_nobody_either(run_dir: RunDir) -> None:
    program, told = typist(run_dir, "gofaxsend")
    spool = run_dir.sub("spool")
    Path(run_dir.sub("spool/etc"), "config").write_text(f"SendFaxCmd: {program}\n", encoding="ascii")
    subject = Subject("gofax.yaml", Config(hylafax=HylaFax(spooldir=spool, user=FAX_USER)), [])
    Path(program).write_text(Path(program).read_text(encoding="ascii").replace("gofaxsend 0", "trouble"), encoding="ascii")
    shown = next(one.remedy for one in send_command(subject) if "-V" in one.remedy).partition(", and")[0]
    os.unlink(told)
    output = on_a_terminal(["/bin/bash", "-c", f'{shown}; read -r -n 1 -t 1 key; echo "key:$key."'], run_dir.environ)
    assert Path(told).read_text(encoding="ascii").split()[1] == str(pwd.getpwnam(FAX_USER).pw_uid)
    assert b"key:." in output
