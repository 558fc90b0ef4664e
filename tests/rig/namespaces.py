"""What this machine lets root do to name spaces: a container may allow less than a machine of one's own."""

from __future__ import annotations

import functools
import subprocess
import tempfile

_OVERLAY = """
mount --make-rprivate / && mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" &&
mount -t overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" none /usr
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
