"""The reply to ``python gofax inside``: facts that only FreeSWITCH's own process knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

SCRIPTS = ("inbound_fax", "outbound_fax", "fax_supervisor", "gofax")
WRITTEN = ("recvq", "log", "status", "tmp", "gofax", "info", "")
READ = ("docq", "sendq", "etc", "bin")


def facts() -> dict[str, Any]:
    """The facts, as JSON can hold them.  Never waits; nothing that is missing or closed makes it raise.

    ``spool`` and the permissions are those of the configuration file as it is now.  ``writable`` and ``readable`` are by
    directory of the spool, ``""`` for the spool itself.
    """
    import sys

    import gofaxpy
    from gofaxpy.calls.registry import CALLS
    from gofaxpy.config.file import ConfigError, load
    from gofaxpy.config.keys import config_path

    path = config_path()
    problems: list[str] = []
    try:
        config = load(path)
    except ConfigError as error:
        config, problems = error.salvaged, error.problems
    spool = config.hylafax.spooldir
    return {
        "version": gofaxpy.__version__,
        "library": os.path.dirname(os.path.abspath(gofaxpy.__file__)),
        "python": ".".join(str(number) for number in sys.version_info[:3]),
        "prefix": sys.prefix,
        "modules": {name: _module(name) for name in ("yaml", "filelock")},
        "scripts": {name: _where(name) for name in SCRIPTS},
        "pid": os.getpid(), "uid": os.geteuid(), "gid": os.getegid(), "groups": sorted(os.getgroups()),
        "path": os.environ.get("PATH", ""),
        "config": path, "config_problems": problems, "spool": spool, "supervisor": CALLS.attended,
        "writable": {name: _writable(os.path.join(spool, name)) for name in WRITTEN},
        "readable": {name: os.access(os.path.join(spool, name), os.R_OK | os.X_OK) for name in READ},
        "unreadable_document": _unreadable_document(os.path.join(spool, "docq")),
        "locks": _writable(config.hylafax.lock_dir),
        "setup_cache": os.path.exists(os.path.join(spool, "etc", "setup.cache")),
        "faxrcvd": os.access(os.path.join(spool, config.inbound.faxrcvd), os.X_OK),
    }


def _module(name: str) -> str:
    """The version of a Python module, ``?`` if it has none; ``""`` where it cannot be loaded."""
    import importlib

    try:
        return str(getattr(importlib.import_module(name), "__version__", "?"))
    except Exception:       # loading runs the module's own code, which may raise anything
        return ""


def _where(name: str) -> str:
    """The file of a script; ``""`` where Python does not find it."""
    import importlib.util

    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    return str(found.origin or "") if found is not None else ""


def _writable(path: str) -> bool:
    return os.access(path, os.W_OK | os.X_OK)


def _unreadable_document(docq: str) -> str:
    """The name of a document that this process may not read, or ``""``.  At most 500 documents are tried."""
    try:
        names = [name for name in os.listdir(docq) if name.startswith("doc")]
    except OSError:
        return ""
    return next((name for name in names[:500] if not os.access(os.path.join(docq, name), os.R_OK)), "")
