"""What this machine lets root do to name spaces: a container may allow less than a machine of one's own."""

from __future__ import annotations

import functools
import subprocess
import tempfile

_OVERLAY = """
mount --make-rprivate / && mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" &&
mount -t overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" none /usr
"""


# For a shell in a layer of its own over /etc, /usr and /var: as before gofaxpy came, with HylaFAX as its package has it.
# Of a machine where it is installed and in use, nothing else may be left to be found.
BEFORE_INSTALLATION = r"""
dpkg -P gofaxpy >/dev/null 2>&1 || :
rm -rf /usr/lib/python3/dist-packages/gofaxpy* /usr/bin/gofaxsend /usr/bin/gofaxctl /etc/gofax.* /etc/hylafax/config.freeswitch*
rm -rf /etc/systemd/system/faxq.service.d/gofax.conf /etc/freeswitch/dialplan/fax/gofax.xml
sed -i '/^SendFaxCmd:/d' /etc/hylafax/config
rm -rf /var/spool/hylafax/FIFO* /var/spool/hylafax/gofax
for d in status log sendq doneq docq recvq info; do rm -rf /var/spool/hylafax/$d/*; done
"""
# A machine where the package /package.deb is installed, configured and in use: HylaFAX's daemons as Debian's units start
# them, modems, accounting, a session log.  Arguments: an empty directory, the package, and a command to run there.  To be run
# by sh with mounts, network and processes of its own.
IN_USE = r"""
set -eu
aside=$1 deb=$2; shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$aside"
mkdir "$aside/upper" "$aside/work" "$aside/root"
mount -t overlay -o "lowerdir=/,upperdir=$aside/upper,workdir=$aside/work" none "$aside/root"
for part in dev sys; do mount --rbind "/$part" "$aside/root/$part"; done
mount -t proc proc "$aside/root/proc"
cp "$deb" "$aside/root/package.deb"
ip link set lo up
exec chroot "$aside/root" /bin/sh -euc '
    export DEBIAN_FRONTEND=noninteractive
    dpkg -i --force-confold /package.deb >/dev/null
    spool=/var/spool/hylafax
    grep -q ^SendFaxCmd /etc/hylafax/config || echo "SendFaxCmd: /usr/bin/gofaxsend" >>/etc/hylafax/config
    for modem in freeswitch0 freeswitch1; do
        : >>/etc/hylafax/config.$modem
        [ -p $spool/FIFO.$modem ] || mkfifo $spool/FIFO.$modem
        echo "Running and idle" >$spool/status/$modem
    done
    mount --bind /etc/hylafax $spool/etc
    mkdir -p $spool/gofax/journal
    cp /etc/gofax.yaml $spool/gofax/gofax.yaml.good
    printf "11/23/26 22:49	SEND	000000012	freeswitch0	4	""	root	"9"	""	2220072	1	0:00:26	0:00:22	""
"         >>$spool/log/xferfaxlog
    echo 13 >$spool/log/seqf
    echo "Nov 23 22:49:00.00: [ 9999]: SESSION BEGIN 000000012 9" >$spool/log/c000000012
    chown -R uucp:uucp $spool/gofax $spool/log $spool/status $spool/FIFO.*
    /usr/sbin/faxq
    /usr/sbin/hfaxd -d -l 127.0.0.1 -i 4559 &
    for _ in $(seq 300); do ! faxstat -h 127.0.0.1:4559 -s >/dev/null 2>&1 || break; sleep 0.1; done
    exec "$@"
' machine "$@"
"""


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


@functools.cache
def mounts_are_allowed() -> bool:
    """May a process have mounts of its own?"""
    return _works("unshare", "--mount", "true")


@functools.cache
def overlays_are_allowed() -> bool:
    """May a process lay a writable layer over the machine's directories, for itself alone?"""
    with tempfile.TemporaryDirectory() as directory:
        return _works("unshare", "--mount", "sh", "-c", _OVERLAY, "probe", directory)


@functools.cache
def networks_are_allowed() -> bool:
    """May a process have a network of its own, with addresses of its choice?"""
    return _works("unshare", "--net", "ip", "link", "set", "lo", "up")
