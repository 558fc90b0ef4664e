"""Puts the metrics together, for a terminal and for ``log.metrics_file``.

gofaxsend and the handler of an incoming call write the file at the end of each fax; the supervisor writes it every 15 seconds, so
that the state of modems and queue in it is never old.  It must not make any of them fail or wait for long.  So each reads at most
:data:`~gofaxpy.metrics.state.AT_ONCE` octets of accounting, waits a moment for the lock, and otherwise leaves the file to the
next one.
"""

from __future__ import annotations

import os

from gofaxpy.metrics import state
from gofaxpy.metrics.counters import Counters
from gofaxpy.metrics.exposition import render
from gofaxpy.metrics.gauges import gauges
from gofaxpy.setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 0.2      # seconds to wait for the lock


class Busy(Exception):
    """Another process holds the lock: it is updating the counters."""


def update(setting: Setting, at_most: int, patience: float = PATIENCE, file: str = "") -> Counters:
    """Brings the counters up to date and saves them.  Raises OSError, and :class:`Busy`.

    ``file`` is written under the same lock.  So of two processes the later one writes the higher counters: to Prometheus a
    counter that goes back has started again at 0.
    """
    with state.opened(setting.spool.path("gofax")) as directory, state.locked(directory, patience) as mine:
        if not mine:
            raise Busy
        path = setting.xferfaxlog
        before = state.load(directory)
        now = state.catch_up(before, path, at_most) if path else before or state.State(Counters())
        state.save(directory, now)
        if file:
            write(file, text(setting, now.counters))
        return now.counters


def text(setting: Setting, counters: Counters) -> str:
    """All metrics in Prometheus's text format."""
    return render([*counters.all(), *gauges(setting)])


def path_of(setting: Setting) -> str:
    """The path of ``log.metrics_file``; ``""`` if there is to be none.  A relative path is below the spool."""
    name = setting.config.log.metrics_file
    return os.path.join(setting.spool.root, name) if name else ""


def write(path: str, metrics: str) -> None:
    """Replaces the file.  node_exporter, which runs as another user, may read it at any time.  Raises OSError."""
    state.replace_file(path, metrics.encode("utf-8"), 0o644)


def after_fax(setting: Setting, complain: Callable[[str], object], patience: float = PATIENCE) -> None:
    """Writes ``log.metrics_file``, if there is to be one.  Never raises; ``complain`` is called with the text of an error."""
    try:
        path = path_of(setting)
        if path:
            update(setting, state.AT_ONCE, patience, path)
    except Busy:
        return      # the process that holds the lock writes the file; the next one counts the record it may have missed
    except Exception as error:
        complain(f"log.metrics_file could not be written: {type(error).__name__}: {error}")
