"""The setting of a fax: the configuration in force, together with the spool and the journal that it names."""

from __future__ import annotations

import os

from gofaxpy.config.keys import Config, config_path
from gofaxpy.hylafax.spool import Spool
from gofaxpy.journal import Journal
from gofaxpy.values import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.config.live import ConfigFile


@frozen
class Setting:
    """Passed to all code that handles a fax, so that only :func:`current_setting` reads the environment."""

    config: Config
    spool: Spool
    journal: Journal

    @classmethod
    def of(cls, config: Config) -> Setting:
        """The setting of a configuration."""
        spool = Spool(config.hylafax.spooldir, config.hylafax.lock_dir)
        return cls(config, spool, Journal(spool.root))

    @property
    def xferfaxlog(self) -> str:
        """The path of HylaFAX's accounting file (xferfaxlog(5)), ``""`` if none is written."""
        name = self.config.hylafax.xferfaxlog
        return os.path.join(self.spool.root, name) if name else ""


def wrong_user(user: str) -> str:
    """Why this process must not touch the spool, or ``""``: it has to run as HylaFAX's user (``hylafax.user``).

    HylaFAX cannot use files of another user.  As root this process would run scripts and open files that the fax user can
    exchange, and so make the fax user root; and a thread of FreeSWITCH cannot give root up.
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


def current_setting() -> Setting:
    """The setting inside FreeSWITCH, from the file that ``GOFAX_CONFIG`` names or ``/etc/gofax.yaml``.

    Follows changes of the file, and keeps the last good one in force (:mod:`gofaxpy.config.live`).  Problems of a changed
    file go to FreeSWITCH's log, once.
    """
    from gofaxpy.config.live import ConfigFile  # gofaxsend does not need these two
    from gofaxpy.switch.boundary import log

    path = config_path()
    file = _files.setdefault(path, ConfigFile(path))
    return Setting.of(file.current(lambda problem: log("warning", problem)))
