"""What the checks look at: a configuration, a spool, a switch, and the machine around them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gofaxpy.ctl.doctor.finding import Finding

if TYPE_CHECKING:
    from typing import Any

    from gofaxpy.config.keys import Config

Api = Callable[[str, str], str]
Check = Callable[["Subject"], Iterator[Finding]]


@dataclass(slots=True)
class Subject:
    """``config`` is what can be made of the file, ``problems`` what is wrong with it.

    ``api`` gives FreeSWITCH an API command and is None where no event socket answers; ``inside`` is what
    :func:`gofaxpy.ctl.doctor.inside.facts` says in there, empty where nothing does.  ``root`` is where the file system begins
    as far as Debian's own files are concerned.  Checks run as HylaFAX's user, if root has started them; within
    ``as_starter()`` they run as root.
    """

    config_path: str
    config: Config
    problems: list[str]
    api: Api | None = None
    inside: dict[str, Any] = field(default_factory=dict)
    no_inside: str = ""         # why there is nothing
    root: str = "/"
    as_starter: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def spool(self) -> str:
        """HylaFAX's spool."""
        return self.config.hylafax.spooldir

    def shares_spool(self) -> bool:
        """Whether FreeSWITCH works in this spool, by whatever name (a symbolic link, a path with ``..``)."""
        theirs = self.inside.get("spool", "")
        return bool(theirs) and os.path.realpath(theirs) == os.path.realpath(self.spool)

    def spooled(self, *parts: str) -> str:
        """A path in the spool."""
        return os.path.join(self.spool, *parts)

    def system(self, path: str) -> str:
        """A path of the system's own."""
        return os.path.join(self.root, path.lstrip("/"))

    def hylafax_etc(self) -> str:
        """Where HylaFAX's configuration can be read: in the spool, or in Debian's /etc/hylafax, which its services have
        mounted there for themselves only."""
        inside, debian = self.spooled("etc"), self.system("/etc/hylafax")
        return debian if not os.path.exists(os.path.join(inside, "config")) and os.path.isdir(debian) else inside


def is_script(path: str) -> bool:
    """Whether there is a file that can be executed by its mode; who may is another question."""
    return os.path.isfile(path) and bool(os.stat(path).st_mode & 0o111)
