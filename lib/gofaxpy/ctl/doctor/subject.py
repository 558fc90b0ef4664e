"""What the checks examine: a configuration, a spool, a FreeSWITCH, and the machine around them."""

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
    """``problems`` are the mistakes in the configuration file; ``config`` has the keys that are right, and defaults.

    ``api`` runs an API command in FreeSWITCH; it is None where no event socket answers.  ``inside`` has the facts of
    :func:`gofaxpy.ctl.doctor.inside.facts`; it is empty where the script gofax.py does not answer, and ``no_inside`` says why.
    ``root`` is the directory below which Debian's own files are.  If root has started gofaxctl, checks run as HylaFAX's user,
    and as root within ``as_starter()``.
    """

    config_path: str
    config: Config
    problems: list[str]
    api: Api | None = None
    inside: dict[str, Any] = field(default_factory=dict)
    no_inside: str = ""
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
        """A path of Debian's own files, below ``root``."""
        return os.path.join(self.root, path.lstrip("/"))

    def hylafax_etc(self) -> str:
        """Where HylaFAX's configuration can be read: etc/ of the spool, or Debian's /etc/hylafax.

        Debian's services mount /etc/hylafax there in their own mount namespaces only.
        """
        inside, debian = self.spooled("etc"), self.system("/etc/hylafax")
        return debian if not os.path.exists(os.path.join(inside, "config")) and os.path.isdir(debian) else inside


def is_script(path: str) -> bool:
    """Whether ``path`` is a regular file with an execute bit.  Which users may execute it is not examined."""
    return os.path.isfile(path) and bool(os.stat(path).st_mode & 0o111)
