"""Commands of the documents, run: hook scripts in a spool, fs_cli on the switch, and the installation on a machine that is
this one with all its changes kept aside."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig import Installed, PrivateHylaFAX, RunDir, gofaxyaml
from rig.install import CHECKOUT, SYSTEM_PYTHON
from rig.markdown import Block, blocks
from rig.namespaces import BEFORE_INSTALLATION
from rig.ports import Port
from rig.rundir import FAX_USER, system_environment
from rig.spool import make_spool
from rig.switch import Switch, make_switch


def marked(mark: str) -> list[Block]:
    """The blocks that are to be run in one way, in the documents' order."""
    found = [block for block in blocks("sh") if block.mark == f"run: {mark}"]
    assert found, f"no block is marked `run: {mark}`"
    return found


def shown_after(block: Block) -> str:
    """The block without a language that comes next in the document: what the commands print, as the document says."""
    later = [other for other in blocks("") if other.path == block.path and other.line > block.line]
    return later[0].text if later and later[0].line - block.line < len(block.text.splitlines()) + 5 else ""


@pytest.fixture
def spool(run_dir: RunDir) -> str:
    """A spool with the examples for HylaFAX in its etc, as the documents install them."""
    spool = os.path.join(run_dir.path, "spool")
    make_spool(spool, os.path.join(run_dir.path, "lock"), sendfaxcmd="/bin/false", sendmail="/bin/true", modems=["freeswitch0"])
    for name in os.listdir(os.path.join(CHECKOUT, "conf", "hylafax")):
        if not name.startswith("config"):
            shutil.copy(os.path.join(CHECKOUT, "conf", "hylafax", name), os.path.join(spool, "etc", name))
    return spool


@pytest.mark.parametrize("block", marked("spool"), ids=str)
def test_in_the_spool(block: Block, spool: str, run_dir: RunDir) -> None:
    script = block.text.replace("/var/spool/hylafax", spool)
    done = subprocess.run(
        ["/bin/sh", "-e"], input=script, capture_output=True, text=True, check=False, env=run_dir.environ,
        user=FAX_USER, group=FAX_USER, extra_groups=(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == shown_after(block)


def test_on_a_spool_with_faxq(hylafax: PrivateHylaFAX) -> None:
    hylafax.start("/bin/false")
    for block in marked("faxq"):
        script = block.text.replace("/var/spool/hylafax", hylafax.spool)
        subprocess.run(["/bin/sh", "-e"], input=script, text=True, check=True, env=hylafax.run_dir.environ, timeout=10)
    assert "scheduler on" in hylafax.faxstat("-s") and os.path.exists(f"/proc/{hylafax.faxq_pid}")


@pytest.fixture
def switch(run_dir: RunDir, installed: Installed, spool: str) -> Iterator[Switch]:
    port = Port()
    lock_dir = os.path.join(run_dir.path, "lock")
    path = gofaxyaml(os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=port.number)
    with make_switch(run_dir, installed, gofaxyaml=path, port=port) as switch:
        switch.start()
        yield switch


def test_on_the_switch(switch: Switch) -> None:
    for block in marked("switch"):
        for line in block.text.splitlines():
            program, flag, command = shlex.split(line)
            assert (program, flag) == ("fs_cli", "-x"), block
            reply = switch.console(command)
            assert not reply.startswith(("-ERR", "-USAGE", "INVALID", "!err!")), f"{block}: {line}: {reply}"


# Everything but /proc, /sys and /dev is an overlay of what is there: what the commands change is gone with the namespace.
_ASIDE = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$1"
for d in etc usr var; do
    mkdir "$1/$d" "$1/$d.work"
    mount -t overlay -o "lowerdir=/$d,upperdir=$1/$d,workdir=$1/$d.work" none "/$d"
done
mkdir "$1/stubs"
for name in systemctl; do printf '#!/bin/sh\necho "%s $*" >>"%s/stubs.log"\n' "$name" "$1" >"$1/stubs/$name"; done
chmod 755 "$1"/stubs/*
export PATH="$1/stubs:$PATH"
""" + BEFORE_INSTALLATION + r"""
mkdir -p /usr/share/freeswitch/scripts /usr/share/man/man8; [ -d /etc/freeswitch ] || mkdir /etc/freeswitch
set -x
"""
_LOOK = r"""
set +x
echo === looks
cd /
gofaxsend -V
gofaxctl --version
python3 -c 'import gofaxpy; print(gofaxpy.__file__)'
as() { name=$1; shift; setpriv --reuid "$name" --regid "$(id -g "$name")" --clear-groups "$@"; }
as uucp python3 -c 'from gofaxpy.config.file import load; print(load("/etc/gofax.yaml").hylafax.modems)'
as uucp head -c 0 /etc/freeswitch/freeswitch.xml /etc/freeswitch/dialplan/fax/gofax.xml /etc/gofax.secret >/dev/null
echo readable
as nobody test -r /etc/freeswitch/vars.xml || echo hidden
as nobody test -r /etc/gofax.secret || echo hidden
ls /usr/share/freeswitch/scripts | tr '\n' ' '; echo
grep -c '^SendFaxCmd' /etc/hylafax/config
ls -d /etc/hylafax/config.freeswitch7 /etc/systemd/system/faxq.service.d/gofax.conf
ls /usr/share/man/man8/gofax*.8
"""


@pytest.mark.usefixtures("overlays")
def test_the_installation(tmp_path: Path) -> None:
    steps = [block for block in marked("install") if block.path == "docs/install.md"]
    aside = tmp_path / "aside"
    aside.mkdir()
    script = _ASIDE + "".join(block.text for block in steps) + _LOOK
    command = ["unshare", "-m", "bash", "-c", script, "install", str(aside)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=system_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    looks = done.stdout.partition("=== looks\n")[2].splitlines()
    assert looks[0].startswith("gofaxsend ") and looks[1].startswith("gofaxctl ")
    assert looks[2] == "/usr/lib/python3/dist-packages/gofaxpy/__init__.py"
    assert looks[3:7] == ["5", "readable", "hidden", "hidden"]
    assert {"fax_supervisor.py", "inbound_fax.py", "outbound_fax.py"} <= set(looks[7].split())
    assert looks[8] == "1"
    assert looks[-2:] == ["/usr/share/man/man8/gofaxctl.8", "/usr/share/man/man8/gofaxsend.8"]


def test_debians_python_is_the_one_that_is_meant() -> None:
    done = subprocess.run([SYSTEM_PYTHON, "-I", "-c", "import yaml, filelock"], capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.usefixtures("overlays")
def test_the_cure_named_in_the_documents_runs_where_it_is_needed(tmp_path: Path) -> None:
    [line] = {line for block in blocks("sh") for line in block.text.splitlines() if re.match(r".*workaround --check \|\|", line)}
    aside = tmp_path / "aside"
    aside.mkdir()
    script = f"{_ASIDE}\nset +x\n{line}\nconf/systemd/debian12-workaround --check\n" \
             "faxinfo /dev/null || :"
    command = ["unshare", "-m", "bash", "-c", script, "cure", str(aside)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=system_environment())
    assert "the cure is in place" in done.stdout or "not needed" in done.stdout, done.stdout + done.stderr
    assert "not TIFF" in done.stdout, "faxinfo has not run"
    assert "mount" not in done.stderr.partition("+ set +x\n")[2], done.stderr
