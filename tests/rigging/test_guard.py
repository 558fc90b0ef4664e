"""No run of the rig's reaches the machine's own fax server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gofaxpy.config.keys import config_path
from rig import Installed, PrivateHylaFAX, RigError, RunDir, StandIn, gofaxyaml
from rig.guard import LIVE_PORTS, PROGRAMS, WRAPPER, own, port, program
from rig.spool import make_spool

TESTS = Path(__file__).parents[1]
LIVE = {"spool": "/var/spool/hylafax", "lock_dir": "/var/lock", "path": "/etc/gofax.yaml"}


def test_what_lies_in_a_directory_of_a_run_is_its_own_until_the_run_is_over() -> None:
    with RunDir() as directory:
        inside = os.path.join(directory.path, "spool", "not", "there", "yet")
        assert own(inside) == inside
    with pytest.raises(RigError, match="not in a directory of this run"):
        own(inside)


@pytest.mark.parametrize("path", ["/", "/tmp", *LIVE.values(), "{0}/../x", "{0}-2/spool"])
def test_what_lies_elsewhere_is_refused(run_dir: RunDir, path: str) -> None:
    with pytest.raises(RigError, match="may be the machine's own"):
        own(path.format(run_dir.path))


def test_a_link_out_of_the_run_is_refused(run_dir: RunDir) -> None:
    link = os.path.join(run_dir.path, "spool")
    os.symlink("/var/spool/hylafax", link)
    with pytest.raises(RigError, match=r"which leads to /var/spool/hylafax"):
        own(os.path.join(link, "etc"))


def made_spool(run_dir: RunDir, spool: str, lock_dir: str, path: str) -> None:
    make_spool(spool, lock_dir, sendfaxcmd="/bin/true", sendmail="/bin/true", modems=())


def made_config(run_dir: RunDir, spool: str, lock_dir: str, path: str) -> None:
    gofaxyaml(path, spool=spool, lock_dir=lock_dir, esl_port=1234)


def made_switch(run_dir: RunDir, spool: str, lock_dir: str, path: str) -> None:
    StandIn(run_dir, Installed(run_dir.path), gofaxyaml=path)


@pytest.mark.parametrize(("maker", "given"), [
    (made_spool, "spool"), (made_spool, "lock_dir"), (made_config, "spool"), (made_config, "lock_dir"), (made_config, "path"),
    (made_switch, "path"),
])
def test_nothing_is_made_on_the_machines_own_places(run_dir: RunDir, maker: Callable[..., None], given: str) -> None:
    places = {name: os.path.join(run_dir.path, name) for name in LIVE} | {given: LIVE[given]}
    before = os.path.exists(LIVE[given]) and os.stat(LIVE[given]).st_mtime_ns
    with pytest.raises(RigError, match=f"{LIVE[given]}.* may be the machine's own"):
        maker(run_dir, **places)
    assert before == (os.path.exists(LIVE[given]) and os.stat(LIVE[given]).st_mtime_ns)
    assert not os.path.exists(places["spool"]) or given == "spool"


@pytest.mark.parametrize("number", LIVE_PORTS)
def test_the_ports_of_an_installed_server_are_refused(run_dir: RunDir, number: int) -> None:
    with pytest.raises(RigError, match=f"port {number} "):
        port(number)
    path = os.path.join(run_dir.path, "gofax.yaml")
    with pytest.raises(RigError, match=f"port {number} "):
        gofaxyaml(path, spool=f"{run_dir.path}/spool", lock_dir=f"{run_dir.path}/lock", esl_port=number)


def test_debians_wrapper_is_refused_by_every_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WRAPPER).write_text("#!/bin/sh\n")
    (tmp_path / WRAPPER).chmod(0o755)
    (tmp_path / "faxcron").symlink_to(WRAPPER)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in (str(tmp_path / "faxcron"), "faxcron", WRAPPER):
        with pytest.raises(RigError, match=f"wrapper for the machine's own spool: run {PROGRAMS}/"):
            program(name)
    assert program("/bin/sh") == "/bin/sh"


def test_the_rig_runs_no_wrapper(run_dir: RunDir, tmp_path: Path) -> None:
    (tmp_path / WRAPPER).write_text("#!/bin/sh\n")
    (tmp_path / "faxmsg").symlink_to(WRAPPER)
    with PrivateHylaFAX(run_dir) as hylafax:
        os.mkdir(hylafax.spool)
        with pytest.raises(RigError, match="wrapper"):
            hylafax._run([str(tmp_path / "faxmsg")], check=False)


def test_without_a_word_the_configuration_is_none_of_the_machines(run_dir: RunDir) -> None:
    """In this process, and in those of a run."""
    assert not config_path().startswith("/etc/")
    assert own(run_dir.environ["GOFAX_CONFIG"])


# Where a test is about the wrapper itself, on a copy of it or in a mount name space of its own.
ABOUT_IT = {"hylafax/test_conf_debian12.py", "hylafax/test_doctor.py", "rig/guard.py", "unit/test_rig_guard.py"}
# Debian 12's and 13's links to it, and any that this machine has besides.
NAMES = set(
    "choptest cqtest dialtest faxaddmodem faxadduser faxconfig faxcron faxdeluser faxinfo faxmodem faxmsg faxqclean faxsend "
    "faxsetup faxstate faxwatch lockname ondelay pagesend probemodem recvstats tagtest tiffcheck tsitest xferfaxstats".split()
)


def test_no_test_names_a_wrapper_by_the_place_that_leads_to_it() -> None:
    links = {path.name for path in Path("/usr/sbin").iterdir() if os.path.basename(os.path.realpath(path)) == WRAPPER}
    places = re.compile(rf"/s?bin/(?:{'|'.join(sorted(NAMES | links))})\b|\b{WRAPPER}\b")
    found = []
    for path in sorted([*TESTS.rglob("*.py"), *TESTS.rglob("*.sh")]):
        name = str(path.relative_to(TESTS))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if name not in ABOUT_IT and places.search(line.replace(PROGRAMS, "")):
                found.append(f"{name}:{number}: {line.strip()}")
    assert not found, "\n".join(found)
