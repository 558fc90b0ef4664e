"""What an attempt was to send, noted before it dials, so that a later attempt can tell what it has delivered.

Between the two a client may add documents to the job or have it imaged anew (hfaxd, Jobs.c++: JPARM DOCUMENT, VRES,
PAGEWIDTH …), and an administrator may copy the spool to another disk.  So pages are known by the document that they were made
from: its common name, its size and the second of its last change, which a copy keeps (``cp -a``, ``rsync -a``, tar).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.qfile import Item, QFile
from gofaxpy.hylafax.spool import Spool
from gofaxpy.send.attempt import Attempt
from gofaxpy.switch.dialstring import DialstringError, dialable
from gofaxpy.values import frozen

Origin = tuple[str, int, int]       # common name, octets, second of the last change
_NO_FILE = (-1, 0)                  # in the place of octets and second


@frozen
class Run:
    """Pages in a row of one document."""

    first: int          # TIFF directory of the first of them
    pages: int
    count: int          # pages of the whole document
    name: str           # from here on the document's Origin
    size: int
    changed: int


def noted(attempt: Attempt, pages: Sequence[Page]) -> list[list[object]]:
    """``pages``, which are to be sent, as they stand in the journal.  Raises TiffError."""
    runs: list[list[object]] = []
    last: Page | None = None
    for page in pages:
        if last is not None and (page.item_index, page.directory) == (last.item_index, last.directory + 1):
            runs[-1][1] = int(str(runs[-1][1])) + 1
        else:
            whole = origin(attempt.spool, attempt.qfile, page.item_index)
            runs.append([page.directory, 1, attempt.page_count(page.file), *whole])
        last = page
    return runs


def runs_of(facts: Mapping[str, object]) -> list[Run] | None:
    """The pages that the facts of an OPENED mark name; None where they name none (an entry of an older gofaxsend)."""
    found = facts.get("due")
    if not isinstance(found, list):
        return None
    try:
        return [Run(int(a), int(b), int(c), str(d), int(e), int(f)) for a, b, c, d, e, f in found]
    except (TypeError, ValueError):
        return None


def delivered_among(attempt: Attempt, runs: Sequence[Run], delivered: int, remaining: Sequence[Page]) -> list[Page]:
    """Those of the ``remaining`` pages of the job that are among the first ``delivered`` of ``runs``.

    A document that was imaged anew counts as the same, as long as it has as many pages as before.
    """
    confirmed: set[tuple[Origin, int, int]] = set()
    for run in runs:
        pages = min(run.pages, delivered)
        confirmed.update(((run.name, run.size, run.changed), run.count, run.first + at) for at in range(pages))
        delivered -= pages
    origins = {index: origin(attempt.spool, attempt.qfile, index) for index in {page.item_index for page in remaining}}
    return [
        page for page in remaining if (origins[page.item_index], attempt.page_count(page.file), page.directory) in confirmed
    ]


def origin(spool: Spool, qfile: QFile, index: int) -> Origin:
    """What the document ``qfile.items[index]`` was made from; the document itself where the job names no original for it (a
    cover page that faxq has made)."""
    item = _original(qfile, index)
    try:
        status = os.stat(spool.inside(item.file), follow_symlinks=False)
    except OSError:
        return common_name(qfile, item), *_NO_FILE
    return common_name(qfile, item), status.st_size, int(status.st_mtime)


def _original(qfile: QFile, index: int) -> Item:
    """The ``!x`` line above a ``fax`` line (faxd/FaxRequest.c++, isSavedOp)."""
    before = qfile.items[index - 1] if index else None
    return before if before is not None and before.op.startswith("!") else qfile.items[index]


def common_name(qfile: QFile, item: Item) -> str:
    """The name of a document of the job without ``.jobid``, ``.cover`` or the ``;code`` of an image (FaxRequest::mkbasedoc)."""
    name = item.file.partition(";")[0]
    base, dot, suffix = name.rpartition(".")
    return base if dot and suffix in (qfile.get("jobid"), "cover") else name


def same_fax(qfile: QFile, dial: str) -> str:
    """Tells one fax from another under the same job number: the number that is called, the owner and the client.

    Job numbers come again once ``sendq/seqf`` was set back, and a client may change the number to call.  What JobControl says
    (:meth:`QFile.override`) is no property of the job.  ``dial`` is ``outbound.dial``.
    """
    number = qfile.written(dial)
    with suppress(DialstringError):
        number = dialable(number)
    return "|".join((number, qfile.get("owner"), qfile.get("client")))


def pages_sent(qfile: QFile) -> int:
    """How many pages of the job the far end has confirmed, without those that were left out.  No client can set these."""
    return qfile.number("npages") - qfile.number("nskip")


def has_one_of(spool: Spool, qfile: QFile, runs: Sequence[Run]) -> bool:
    """Whether the job names one of the documents in ``runs``, to be sent or sent already.

    A name alone is not enough: ``docq/seqf`` may have been set back.  A document whose file is gone counts by its name.
    """
    found = {origin(spool, qfile, index) for index in range(len(qfile.items))}
    return any((run.name, run.size, run.changed) in found or (run.name, *_NO_FILE) in found for run in runs)
