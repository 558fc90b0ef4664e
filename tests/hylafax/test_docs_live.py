"""The installation as the documents tell it, on a real FreeSWITCH: from a machine with FreeSWITCH and HylaFAX to a fax
server that `gofaxctl doctor` finds well.  The machine is this one in namespaces of its own: nothing of it is changed."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from rig.install import CHECKOUT
from rig.markdown import blocks
from rig.namespaces import BEFORE_INSTALLATION
from rig.rundir import RunDir, system_environment
from rig.switch import FREESWITCH

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

_MACHINE = r"""
set -e
aside=$1 prefix=$2
ip link set lo up
mount -t tmpfs -o mode=755 none "$aside"
for d in etc usr var; do
    mkdir "$aside/$d" "$aside/$d.work"
    mount -t overlay -o "lowerdir=/$d,upperdir=$aside/$d,workdir=$aside/$d.work" none "/$d"
done
mount -t tmpfs -o mode=1777 none /run/lock
mkdir "$aside/stubs"; printf '#!/bin/sh\n' >"$aside/stubs/systemctl"; chmod 755 "$aside/stubs/systemctl"
export PATH="$aside/stubs:$PATH"
""" + BEFORE_INSTALLATION + r"""
mkdir -p /usr/share/freeswitch/scripts /usr/share/man/man8; [ -d /etc/freeswitch ] || mkdir /etc/freeswitch
"""
# In place of systemd: what its units say.
_UNITS = r"""
mount --bind /etc/hylafax /var/spool/hylafax/etc
sed -i 's@^ProtectProc@#&@' /etc/systemd/system/freeswitch.service
cd /
unit() { sed -n "s@^$1=@@p" /etc/systemd/system/freeswitch.service; }
sh -c "$(sed -n "s@^ExecStartPre=-/bin/sh -c '\(.*\)'@\1@p" /etc/systemd/system/faxq.service.d/gofax.conf)"
faxq; hfaxd -l 127.0.0.1 -i 4559
install -d /var/log/freeswitch; echo old >/var/log/freeswitch/freeswitch.xml.fsxml.old      # as an earlier unit has left it
install -d -o uucp -g uucp -m "$(unit StateDirectoryMode)" /var/lib/freeswitch
install -d -o uucp -g uucp -m "$(unit LogsDirectoryMode)" /var/log/freeswitch
install -d -o uucp -g uucp -m "$(unit CacheDirectoryMode)" /var/cache/freeswitch
install -d -o uucp -g uucp -m "$(unit RuntimeDirectoryMode)" "$aside/run"
realtime="chrt --rr $(unit CPUSchedulingPriority)"; $realtime true || realtime=      # a container may not allow it
options=$(sed -n 's@^ExecStart=/usr/bin/freeswitch@@p' /etc/systemd/system/freeswitch.service)
(umask "$(unit UMask)"; exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    $realtime setpriv --reuid uucp --regid uucp --clear-groups "$prefix/bin/freeswitch" $options -np \
    -conf /etc/freeswitch -scripts /usr/share/freeswitch/scripts -log /var/log/freeswitch -db /var/lib/freeswitch \
    -run "$aside/run" -cache /var/cache/freeswitch -temp "$aside/run" -storage "$aside/run" -recordings "$aside/run" \
    >"$aside/freeswitch.out" 2>&1) &
ready() {
    "$prefix/bin/fs_cli" -x status 2>/dev/null | grep -q 'is ready' &&
        [ "$(faxstat -h 127.0.0.1:4559 -s 2>/dev/null | grep -c idle)" = 5 ]
}
for _ in $(seq 300); do ! ready || break; sleep 0.2; done
"""
_LOOK = r"""
set +e
echo "=== doctor"; gofaxctl doctor; echo "status $?"
echo "=== selftest"; gofaxctl selftest 2>&1; echo "status $?"
echo "=== faxstat"; faxstat -h 127.0.0.1:4559 -s
echo "=== readable"
setpriv --reuid nobody --regid nogroup --clear-groups find /etc/freeswitch /etc/gofax.yaml /etc/gofax.secret \
    /var/log/freeswitch /var/lib/freeswitch /var/cache/freeswitch "$aside/run" -type f -readable 2>/dev/null
echo "=== written"; find /var/log/freeswitch /var/lib/freeswitch -type f
echo "=== gateways"
for name in $gateways; do printf '%s ' "$name"; "$prefix/bin/fs_cli" -x "sofia status gateway $name" | grep '^Name'; done
echo "=== log"; grep -aE '\[(ERR|CRIT|WARNING)\]' /var/log/freeswitch/freeswitch.log | tail -20
tail -n 20 "$aside/freeswitch.out"
echo "=== stop"; python3 -I -m gofaxpy.drain; echo "status $?"
kill -TERM "$(cat "$aside/run/freeswitch.pid")"; wait; echo stopped
"""


def run(script: str, run_dir: RunDir) -> dict[str, str]:
    """What is printed under each `=== name`."""
    aside = run_dir.sub("aside")
    command = ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "--mount-proc", "bash", "-c", script, "machine", aside]
    done = subprocess.run(
        [*command, os.environ[FREESWITCH]], capture_output=True, text=True, check=False, cwd=CHECKOUT, env=system_environment(),
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    parts = re.split(r"^=== (\w+)\n", done.stdout, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_from_the_documents_to_a_fax_server_that_is_well(run_dir: RunDir) -> None:
    steps = "".join(block.text for block in blocks("sh") if block.mark == "run: install" and block.path == "docs/install.md")
    found = run(_MACHINE + steps + _UNITS + "gateways=default\n" + _LOOK, run_dir)
    text = "\n".join(f"=== {name}\n{part}" for name, part in found.items())
    assert not [line for line in found["doctor"].splitlines() if line.startswith("XX")], text
    for check in ("FreeSWITCH's passwords", "FreeSWITCH's logs", "HylaFAX's programs"):
        assert f"\nok  {check}: " in found["doctor"], text
    assert found["readable"] == "" and "freeswitch.xml.fsxml" in found["written"], text
    assert "status 0" in found["doctor"] and "status 0" in found["selftest"], text
    assert found["faxstat"].count("Running and idle") == 5, text
    assert found["stop"] == "status 0\nstopped\n", text


def test_freeswitch_takes_every_gateway_of_the_documents(run_dir: RunDir) -> None:
    steps = "".join(block.text for block in blocks("sh") if block.mark == "run: install" and block.path == "docs/install.md")
    gateways = [block.text for block in blocks("xml") if block.path == "docs/pbx.md" and "<gateway" in block.text]
    assert len(gateways) >= 4
    files = ""
    for number, gateway in enumerate(gateways):
        text = re.sub(r'gateway name="[^"]*"', f'gateway name="doc{number}"', gateway)
        files += f"cat >/etc/freeswitch/sip_profiles/fax/doc{number}.xml <<'EOT'\n<include>\n{text}</include>\nEOT\n"
    names = " ".join(f"doc{number}" for number in range(len(gateways)))
    found = run(_MACHINE + steps + files + _UNITS + f"gateways='{names}'\n" + _LOOK, run_dir)
    wanted = [f"{name} Name    \t{name}" for name in names.split()]
    assert found["gateways"].splitlines() == wanted, found["gateways"] + found["log"]
