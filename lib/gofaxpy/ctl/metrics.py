"""``gofaxctl metrics``: figures for Prometheus."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from gofaxpy.ctl.command import OK, Command
from gofaxpy.ctl.trouble import Trouble

if TYPE_CHECKING:
    from gofaxpy.ctl.output import Output
    from gofaxpy.setting import Setting


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", default="", help="write there, as a whole, instead of printing")
    parser.add_argument("--textfile", action="store_true", help="write log.metrics_file now, as after each fax")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Counts the new accounting records and prints all figures.

    A user who may not write the counters' state gets figures that are counted anew from the whole accounting.
    """
    from gofaxpy.metrics import state, textfile
    from gofaxpy.metrics.counters import Counters
    from gofaxpy.setting import Setting

    setting = Setting.of(output.config)
    try:
        if arguments.textfile:
            return _write_textfile(setting)
        try:
            counters = textfile.update(setting, state.EVERYTHING, patience=5.0)
        except (PermissionError, FileNotFoundError, textfile.Busy):
            path = setting.xferfaxlog
            counters = state.catch_up(None, path).counters if path else Counters()
        metrics = textfile.text(setting, counters)
    except OSError as error:
        where = os.path.join(setting.spool.path("gofax"), error.filename or "")     # files in gofax/ are named without a path
        hint = "; HylaFAX's user and root can read it" if isinstance(error, PermissionError) else ""
        raise Trouble(f"{where}: {error.strerror}{hint}") from None
    if arguments.output:
        try:
            with output.owner_of(os.path.dirname(arguments.output) or "."):
                textfile.write(arguments.output, metrics)
        except OSError as error:
            raise Trouble(f"{arguments.output}: cannot be written: {error.strerror}") from None
    elif output.json:
        output.data(_data(metrics))
    else:
        output.write(metrics)
    return OK


def _write_textfile(setting: Setting) -> int:
    from gofaxpy.metrics import state, textfile

    path = textfile.path_of(setting)
    if not path:
        raise Trouble("log.metrics_file is empty in the configuration; name a file there")
    try:
        textfile.update(setting, state.EVERYTHING, 5.0, path)
    except textfile.Busy:
        raise Trouble(f"{setting.spool.path('gofax', state.LOCK)}: somebody has held this lock for five seconds") from None
    return OK


def _data(metrics: str) -> dict[str, float]:
    """Each sample as Prometheus names it, with its value."""
    lines = [line for line in metrics.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


COMMAND = Command(
    "metrics",
    "figures for Prometheus",
    "Prints counters of faxes, pages and failures and the present state of modems, queue, calls, journal and disk in\n"
    "Prometheus' text format.  With log.metrics_file in the configuration the same is written to that file at the end of\n"
    "each fax and every 15 seconds, for node_exporter's textfile collector; HylaFAX's user must be allowed to write to its\n"
    "directory.  Counters begin with what the accounting holds when they are first asked for, and go on when it is rotated.",
    run,
    _arguments,
    examples="gofaxctl metrics\ngofaxctl metrics | grep gofax_failures_total\ngofaxctl metrics --textfile",
)
