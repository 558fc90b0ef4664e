"""Where a fax is handled: the configuration in force together with the spool and the journal it names."""

from __future__ import annotations

import os

from gofaxpy.config.keys import Config, config_path
from gofaxpy.hylafax.spool import Spool
from gofaxpy.journal import Journal
from gofaxpy.values import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gofaxpy.config.live import ConfigFile


@frozen
class Setting:
    """Passed to everything that touches a fax, so that none of it asks the environment itself."""

    config: Config
    spool: Spool
    journal: Journal

    @classmethod
    def of(cls, config: Config) -> Setting:
        """The setting that a configuration describes."""
        spool = Spool(config.hylafax.spooldir, config.hylafax.lock_dir)
        return cls(config, spool, Journal(spool.root))

    @property
    def xferfaxlog(self) -> str:
        """The path of the accounting, ``""`` if none is written."""
        name = self.config.hylafax.xferfaxlog
        return os.path.join(self.spool.root, name) if name else ""


def wrong_user(user: str) -> str:
    """Why this process must not touch the spool, or ``""``: it has to be HylaFAX's user (``hylafax.user``).

    Files of anybody else are lost to HylaFAX.  And as root it would run scripts and open files that the fax user can exchange,
    who would then be root as well; a thread of the switch cannot give root up.
    """
    import pwd

    try:
        wanted = pwd.getpwnam(user).pw_uid
    except KeyError:
        return f"hylafax.user: there is no user {user!r} on this machine"
    if os.geteuid() == wanted != 0:
        return ""
    who = "root" if os.geteuid() == 0 else f"the user with id {os.geteuid()}"
    return f"FreeSWITCH runs as {who}: run it as {user if wanted else 'uucp'} (hylafax.user), HylaFAX's user"


_files: dict[str, ConfigFile] = {}


def current(complain: Callable[[str], None]) -> Setting:
    """The setting of this process, from ``GOFAX_CONFIG`` or ``/etc/gofax.yaml``; follows changes of the file, and holds on
    to the last good one (:mod:`gofaxpy.config.live`)."""
    from gofaxpy.config.live import ConfigFile  # gofaxsend has no use for it

    path = config_path()
    file = _files.setdefault(path, ConfigFile(path))
    return Setting.of(file.current(complain))
