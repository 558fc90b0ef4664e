"""Where a fax is handled: the configuration in force together with the spool and the journal it names."""

from __future__ import annotations

from gofaxpy.config import Config, config_path
from gofaxpy.hylafax.spool import Spool
from gofaxpy.journal import Journal
from gofaxpy.values import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gofaxpy.configlive import ConfigFile


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


_files: dict[str, ConfigFile] = {}


def current(complain: Callable[[str], None]) -> Setting:
    """The setting of this process, from ``GOFAX_CONFIG`` or ``/etc/gofax.yaml``; follows changes of the file, and holds on
    to the last good one (:mod:`gofaxpy.configlive`)."""
    from gofaxpy.configlive import ConfigFile  # gofaxsend has no use for it

    path = config_path()
    file = _files.setdefault(path, ConfigFile(path))
    return Setting.of(file.current(complain))
