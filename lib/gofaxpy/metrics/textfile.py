"""Puts the metrics together, for a terminal and for ``log.metrics_file``.

The file is written at the end of each fax, by gofaxsend and by the handler of an incoming call, and once a minute by the
supervisor, so that modems and queue in it are never old.  None of them may fail or be held up by it: they read at most
:data:`~gofaxpy.metrics.state.AT_ONCE` octets of accounting, wait a moment for each other and otherwise leave it to the next.
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

PATIENCE = 0.2      # seconds for the lock


class Busy(Exception):
    """Somebody else is at it."""


def update(setting: Setting, at_most: int, patience: float = PATIENCE, file: str = "") -> Counters:
    """Brings the counters up to date and keeps them.  Raises OSError, and :class:`Busy`.

    ``file`` is written while nobody else can: of two who write it, the later one must know more, for to Prometheus a
    counter that goes back has begun anew.
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
    """All metrics in Prometheus' text format."""
    return render([*counters.all(), *gauges(setting)])


def path_of(setting: Setting) -> str:
    """Where ``log.metrics_file`` is, ``""`` if none is wanted; a relative one lies in the spool."""
    name = setting.config.log.metrics_file
    return os.path.join(setting.spool.root, name) if name else ""


def write(path: str, metrics: str) -> None:
    """Replaces the file; node_exporter reads it at any time, under a user of its own.  Raises OSError."""
    state.replace_file(path, metrics.encode("utf-8"), 0o644)


def after_fax(setting: Setting, complain: Callable[[str], object], patience: float = PATIENCE) -> None:
    """Writes ``log.metrics_file``, if there is to be one.  Whatever goes wrong is told to ``complain`` and nobody else."""
    try:
        path = path_of(setting)
        if path:
            update(setting, state.AT_ONCE, patience, path)
    except Busy:
        return      # who is at it writes the file as well, and the next one counts what he may have missed
    except Exception as error:
        complain(f"log.metrics_file could not be written: {type(error).__name__}: {error}")
