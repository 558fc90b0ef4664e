"""An attempt at a job in a spool of its own, without any switch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gofaxpy.config.keys import Config, HylaFax, Outbound
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.connection import Connection
from gofaxpy.setting import Setting
from gofaxpy.switch.client import never
from rig.pages import make_tiff

Make = Callable[..., Attempt]

QFILE = """\
jobid:7
external:1000
number:1000
owner:user
client:localhost
mailaddr:user@localhost
sender:User
npages:0
totpages:{total}
nskip:0
skippages:0
ntries:0
ndials:0
totdials:0
maxdials:12
tottries:0
maxtries:3
desiredec:2
pagehandling:{handling}
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes attempts: ``pages`` in each document, ``changes`` to the qfile, ``items`` in place of the documents' lines."""
    for name in ("sendq", "docq", "log", "info", "status", "etc"):
        (tmp_path / name).mkdir()
    commids = iter(range(1, 100))
    with ExitStack() as stack:
        def attempt(
            pages: tuple[int, ...] = (2,), items: str | None = None, aborted: Callable[[], bool] = never,
            outbound: Outbound | None = None, **changes: str,
        ) -> Attempt:
            lines = ""
            for number, count in enumerate(pages):
                for name in (f"doc{number}.tif;e1", f"doc{number}.tif.7"):
                    make_tiff(str(tmp_path / "docq" / name), count)
                    os.utime(tmp_path / "docq" / name, (1, 1))     # the same document, whenever it is made again
                lines += f"!tiff:0::docq/doc{number}.tif.7\nfax:0::docq/doc{number}.tif;e1\n"
            total = sum(pages)
            text = QFILE.format(total=total, handling="e1S" * (total - 1) + "e1P")
            tags = dict(line.partition(":")[::2] for line in text.splitlines()) | changes
            path = tmp_path / "sendq" / "q7"
            path.write_text("".join(f"{tag}:{value}\n" for tag, value in tags.items()) + (lines if items is None else items))
            config = Config(
                hylafax=HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path)), outbound=outbound or Outbound(),
            )
            handle = stack.enter_context(QFileHandle.open(str(path)))
            connection = Connection(config.freeswitch, 0, aborted)
            return Attempt(Setting.of(config), handle, f"{next(commids):09d}", "freeswitch0", connection)

        yield attempt
