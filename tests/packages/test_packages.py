"""The packages as an operator gets them: built with Debian's and Python's own tools, installed, used, removed.

The clean root is an overlay over the machine's own root in a mount name space of its own: dpkg works on real files and its
real database, and everything is gone with the last process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gofaxpy import __version__
from rig import RunDir
from rig.install import CHECKOUT, SYSTEM_PYTHON
from rig.namespaces import BEFORE_INSTALLATION
from rig.pages import make_tiff

CleanRoot = Callable[[str], str]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CLEAN_ROOT = r"""
set -eu
mkdir -p "$1" && mount -t tmpfs -o mode=755 clean "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" clean "$1/root"
for part in proc dev; do mount --rbind "/$part" "$1/root/$part"; done
cp "$2" "$1/root/package.deb"
exec chroot "$1/root" /bin/sh -euc "cd /; $3"
"""


def tree(directory: Path) -> set[str]:
    """The files below a directory, relative to it, as an installation of it would have them."""
    return {
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """Everything that `make deb dist` leaves in dist."""
    with RunDir() as run_dir:
        dist = run_dir.sub("dist")
        done = subprocess.run(
            ["make", "-C", CHECKOUT, "deb", "dist", f"DIST={dist}", f"BUILD={run_dir.sub('build')}"],
            capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "MAKEFLAGS": ""},
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        yield Path(dist)


@pytest.fixture
def deb(made: Path) -> Path:
    """The Debian package."""
    return made / f"gofaxpy_{__version__}_all.deb"


@pytest.fixture
def in_clean_root(run_dir: RunDir, deb: Path, overlays: None) -> CleanRoot:
    """Runs a shell script as root in a clean root where the package lies as /package.deb; returns what it prints."""

    def run(script: str) -> str:
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", _CLEAN_ROOT, "sh", run_dir.sub("clean"), str(deb),
             BEFORE_INSTALLATION + textwrap.dedent(script)],
            capture_output=True, text=True, check=False, timeout=120, cwd="/", stdin=subprocess.DEVNULL,
            env={"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_version_is_the_same_everywhere(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == [
        f"gofaxpy-{__version__}-py3-none-any.whl", f"gofaxpy-{__version__}.tar.gz", f"gofaxpy_{__version__}_all.deb",
    ]


def test_lintian_has_nothing_to_say(deb: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", str(deb)], capture_output=True, text=True, check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_put_where_everybody_looks_for_it(in_clean_root: CleanRoot) -> None:
    out = in_clean_root("""
        dpkg -i /package.deb >/dev/null
        dpkg-query -W -f '${db:Status-Status} ${Version}\\n' gofaxpy
        stat -c '%a %U:%G %n' /etc/gofax.yaml /usr/bin/gofaxsend /usr/bin/gofaxctl
        dpkg-query -W -f '${Conffiles}' gofaxpy | grep -c ' /etc/gofax.yaml '
        dpkg -L gofaxpy
    """).splitlines()
    assert out[:5] == [
        f"installed {__version__}", "640 root:uucp /etc/gofax.yaml", "755 root:root /usr/bin/gofaxsend",
        "755 root:root /usr/bin/gofaxctl", "1",
    ]
    files = set(out[5:])
    checkout = Path(CHECKOUT)
    doc = "/usr/share/doc/gofaxpy"
    for source, target in (
        ("lib/gofaxpy", "/usr/lib/python3/dist-packages/gofaxpy"), ("fs_scripts", "/usr/share/freeswitch/scripts"),
        ("dialplan", "/usr/share/gofaxpy/dialplan"), ("bin", "/usr/bin"),
        *((f"conf/{part.name}", f"{doc}/examples/{part.name}") for part in (checkout / "conf").iterdir() if part.is_dir()),
    ):
        assert {f"{target}/{name}" for name in tree(checkout / source)} <= files, source
    assert {f"{doc}/{path.name}" for path in (checkout / "docs").glob("*.md")} <= files
    assert {f"/usr/share/man/man8/{path.name}.gz" for path in (checkout / "docs/man").glob("*.8")} <= files


def test_the_installed_commands_work(in_clean_root: CleanRoot) -> None:
    out = in_clean_root("""
        dpkg -i /package.deb >/dev/null
        gofaxctl --version
        gofaxsend -V
        python3 -c 'import gofaxpy.send, gofaxpy.ctl.main; print(gofaxpy.__file__)'
        ls /usr/lib/python3/dist-packages/gofaxpy/config/__pycache__/keys.*.pyc | wc -l
        gofaxctl outcomes --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)) > 10)'
        gofaxctl doctor | grep -c '^ok  configuration: /etc/gofax.yaml is right'
        mkdir -p /var/spool/hylafax/log
        echo '11/23/26 22:49\tSEND\t000000005\tttyF0\t4\t"tag"\troot\t"9"\t"FAR"\t2220072\t3\t0:00:26\t0:00:22\t""' \
            > /var/spool/hylafax/log/xferfaxlog
        gofaxctl report --since 2026-11-23 --csv | grep '^sent,total'
        gofaxctl metrics | grep '^gofax_pages_total'
    """).splitlines()
    assert out == [
        f"gofaxctl {__version__}", f"gofaxsend {__version__}", "/usr/lib/python3/dist-packages/gofaxpy/__init__.py", "1", "True",
        "1", "sent,total,,1,1,0,3,26,22,", 'gofax_pages_total{type="send",modem="ttyF0"} 3',
    ]


def test_the_installed_gofaxsend_answers_faxq_where_no_freeswitch_runs(in_clean_root: CleanRoot, run_dir: RunDir) -> None:
    make_tiff(os.path.join(run_dir.path, "document.tif"), 1)
    qfile = r"tts:1\nkilltime:9999999999\nstate:6\nnumber:1\nexternal:1\nmailaddr:root\nsender:x\njobid:1\nmodem:any\n" \
        r"client:x\nowner:root\npagehandling:e1P\nstatus:\nreturned:7\nfax:0::docq/doc1.tif\n"
    out = in_clean_root(f"""
        dpkg -i /package.deb >/dev/null
        sed -i 's/port: 8021/port: 1/' /etc/gofax.yaml
        cd /var/spool/hylafax
        mkdir -p sendq docq log status tmp
        printf '{qfile}' > sendq/q1
        cp {run_dir.path}/document.tif docq/doc1.tif
        chown -R uucp sendq docq log status tmp .
        gofaxsend -m freeswitch0 sendq/q1 && echo "exit status $?"
        grep -E '^(returned|status):' sendq/q1
    """)
    assert "exit status 0" in out and "returned:0" in out and "status:\n" not in out


def test_an_update_keeps_what_the_operator_has_changed(in_clean_root: CleanRoot) -> None:
    out = in_clean_root("""
        dpkg -i /package.deb >/dev/null
        echo '# ours' >> /etc/gofax.yaml
        chmod 600 /etc/gofax.yaml && chown uucp:uucp /etc/gofax.yaml
        dpkg -i --force-confdef --force-confold /package.deb >/dev/null
        tail -n 1 /etc/gofax.yaml
        stat -c '%a %U:%G' /etc/gofax.yaml
    """)
    assert out == "# ours\n600 uucp:uucp\n"


def test_removal_leaves_the_configuration_and_purge_leaves_the_spool(in_clean_root: CleanRoot) -> None:
    out = in_clean_root("""
        spool=/var/spool/hylafax
        mkdir -p $spool/log $spool/recvq $spool/gofax/journal
        echo record > $spool/log/xferfaxlog
        echo fax > $spool/recvq/fax000000001.tif
        echo entry > $spool/gofax/journal/c000000001
        ls -lR --time-style=+%s $spool > /before
        dpkg -i /package.deb >/dev/null
        python3 -c 'import gofaxpy.config.keys'
        dpkg -r gofaxpy >/dev/null
        ls -d /etc/gofax.yaml /usr/bin/gofaxctl /usr/lib/python3/dist-packages/gofaxpy 2>/dev/null || true
        echo purge
        dpkg -P gofaxpy >/dev/null
        ls -d /etc/gofax.yaml /usr/share/gofaxpy /usr/share/doc/gofaxpy 2>/dev/null || true
        ls -lR --time-style=+%s $spool | cmp - /before && echo untouched
    """)
    assert out == "/etc/gofax.yaml\npurge\nuntouched\n"


def test_the_wheel_works_in_an_environment_of_its_own(made: Path, run_dir: RunDir) -> None:
    place = run_dir.sub("venv")
    environ = {"PATH": PATH, "HOME": run_dir.path, "PYTHONPATH": "/nowhere"}

    def run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd="/", env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(SYSTEM_PYTHON, "-m", "venv", "--system-site-packages", "--without-pip", place)
    [wheel] = made.glob("*.whl")
    pip = (sys.executable, "-I", "-m", "pip", "--python", f"{place}/bin/python", "--disable-pip-version-check")
    run(*pip, "install", "--no-index", "--no-deps", str(wheel))
    assert run(f"{place}/bin/gofaxctl", "--version") == f"gofaxctl {__version__}\n"
    assert run(f"{place}/bin/gofaxsend", "-V") == f"gofaxsend {__version__}\n"
    assert run(f"{place}/bin/python", "-I", "-c", "import gofaxpy; print(gofaxpy.__file__)").startswith(place)
    checkout = Path(CHECKOUT)
    share = Path(place) / "share" / "gofaxpy"
    for part in ("fs_scripts", "dialplan", "conf"):
        assert tree(share / part) == tree(checkout / part), part


def test_the_sdist_has_everything_that_is_under_version_control(made: Path) -> None:
    with tarfile.open(made / f"gofaxpy-{__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    listed = subprocess.run(["git", "-C", CHECKOUT, "ls-files"], capture_output=True, text=True, check=False)
    expected = set(listed.stdout.splitlines()) if listed.returncode == 0 else set()
    assert {"setup.py", "pyproject.toml", "debian/rules", "tests/rig/setup.sh", "Makefile"} <= names
    assert expected - names - {".gitignore"} == set()


def test_the_wheel_has_every_module(made: Path) -> None:
    with zipfile.ZipFile(made / f"gofaxpy-{__version__}-py3-none-any.whl") as archive:
        modules = {name for name in archive.namelist() if name.startswith("gofaxpy/")}
    assert modules == {f"gofaxpy/{name}" for name in tree(Path(CHECKOUT) / "lib" / "gofaxpy")}


def test_on_an_installed_machine_neither_a_local_user_nor_uucp_gets_what_is_roots(in_clean_root: CleanRoot) -> None:
    out = in_clean_root(r"""
        dpkg -i /package.deb >/dev/null
        spool=/var/spool/hylafax examples=/usr/share/doc/gofaxpy/examples
        cp -a $spool /spool && rm -rf $spool && mv /spool $spool      # what is in a lower layer cannot be renamed
        as() { user=$1; shift; setpriv --reuid "$user" --regid "$(id -gn "$user")" --clear-groups "$@"; }
        sed -i 's/port: 8021/port: 1/' /etc/gofax.yaml
        as nobody cat /etc/gofax.yaml 2>/dev/null || echo 'nobody reads no configuration'
        printf '[freeswitch]\nsocket = :8021\npassword = secret\n' >/root/gofax.conf
        touch /etc/made.yaml; chmod 644 /etc/made.yaml
        gofaxctl import-config /root/gofax.conf -o /etc/made.yaml --force >/dev/null 2>&1
        stat -c '%a %U:%G' /etc/made.yaml
        echo precious >/root-only; chmod 600 /root-only; mkdir -m 755 /roots
        as uucp mv $spool/bin $spool/bin.o && echo 'uucp exchanges bin'
        as uucp mv $spool/bin.o $spool/bin
        gofaxctl doctor | grep -c "uucp can exchange etc, bin" || true
        eval "$(sed -n 's/^ExecStartPre=-//p' $examples/systemd/faxq.service.d/gofax.conf)"
        as uucp mv $spool/bin $spool/bin.o 2>/dev/null || echo 'not any more'
        gofaxctl doctor | grep -c 'uucp cannot exchange' || true
        as uucp sh -euc 'cd $0; rm -rf gofax status/* log/c* FIFO log/xferfaxlog; ln -s /roots gofax; mkfifo status/freeswitch0
            ln -s /root-only log/c000000009; ln -s /root-only log/xferfaxlog; ln -s /root-only FIFO; mkfifo sendq/q7' $spool
        for command in 'log last' 'log 000000009' 'log 7' status report 'report --t38' metrics doctor 'status --json'; do
            status=0; timeout 20 gofaxctl $command >>/output 2>&1 || status=$?
            [ $status -le 1 ] || echo "$command: $status"
        done
        grep -c precious /output || true
        sleep 100 & MAINPID=$!
        export MAINPID
        eval "$(sed -n 's/^ExecStop=//p' $examples/systemd/faxq.service.d/gofax.conf | sed 's/\\\\/\\/g')"
        kill $MAINPID
        cat /root-only; ls -A /roots
    """).splitlines()
    assert out == [
        "nobody reads no configuration", "640 root:uucp", "uucp exchanges bin", "1", "not any more", "1", "0", "precious",
    ]
