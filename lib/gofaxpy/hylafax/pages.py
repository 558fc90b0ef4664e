"""The pages of a job that are still to be sent, and the changes to a qfile once some of them were sent.

faxq analyses a job's pages before it is sent (faxQueueApp::preparePageHandling) and writes one group per page into
``pagehandling``: ``XX[Zcccc]C``.  XX are the page's parameters (:meth:`FaxParams.from_page_code`), Zcccc the octets of
white at its end that need not be sent.  C says what follows the page: ``S`` a page of the same kind (MPS), ``M`` one of
another kind (EOM), ``P`` nothing (EOP); ``X`` means that the page is left out.  Page ranges (``sendfax -Z``) exist only
as ``X`` groups.  The groups cover, in order, the directories of all ``fax`` documents from their ``dirnum`` on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from gofaxpy.hylafax.errors import QFileError, SpoolError, reason
from gofaxpy.hylafax.qfile import Item, QFile
from gofaxpy.hylafax.spool import Spool
from gofaxpy.values import frozen

SKIP = "X"
MAX_PAGES = 65535       # of a job; users may name one document a thousand times
_GROUP = re.compile(r"([0-9A-Fa-f]{2})(?:Z([0-9A-Fa-f]{4}))?([SMPX])")


@frozen
class PageGroup:
    """One group of ``pagehandling``: two hex digits, octets to chop or None, one of ``S M P X``."""

    params: str
    chop: int | None
    mark: str


@frozen
class Page:
    """A page in sending order: ``directory`` of ``file`` (relative to the spool), belonging to ``qfile.items[item_index]``.

    ``skipped`` pages count as done without being transmitted.
    """

    file: str
    directory: int
    params: str
    skipped: bool
    item_index: int
    chop: int | None = None


def parse(pagehandling: str) -> list[PageGroup]:
    """The groups.  Raises :class:`QFileError` where native says ``Internal botch`` (status 303)."""
    groups: list[PageGroup] = []
    at = 0
    while at < len(pagehandling):
        if len(groups) == MAX_PAGES:
            raise QFileError(f"the job has more than {MAX_PAGES} pages: submit it in parts")
        found = _GROUP.match(pagehandling, at)
        if found is None:
            raise QFileError(f"pagehandling cannot be understood from its character {at + 1} on: {pagehandling[:200]!r}")
        chop = found[2]
        groups.append(PageGroup(found[1], None if chop is None else int(chop, 16), found[3]))
        at = found.end()
    return groups


def render(groups: Iterable[PageGroup]) -> str:
    """The groups as they stand in a qfile."""
    return "".join(
        group.params + ("" if group.chop is None else f"Z{group.chop:04x}") + group.mark for group in groups
    )


def remaining_pages(qfile: QFile, page_count: Callable[[str], int]) -> list[Page]:
    """The pages from each ``fax`` document's ``dirnum`` on; empty when nothing is left to be sent.

    ``page_count`` is asked once for each document, with its name as it stands in the qfile.  Raises
    :class:`QFileError` if ``pagehandling`` has fewer groups than there are pages (native fails such a job, status 303); if it
    has more, because a document has become shorter since faxq analysed it; and if it is empty although the job is for a range
    of pages.  If it is empty otherwise, no page is left out.
    A document whose ``dirnum`` is behind its last page is an error, too: none of its pages would be sent, and the job would
    count as done.
    """
    groups = parse(qfile.get("pagehandling"))
    analysed = bool(groups)
    ranged = bool(qfile.get("pagerange"))
    pages: list[Page] = []
    for index, item in enumerate(qfile.items):
        if item.op != "fax":
            continue
        last = page_count(item.file)
        if not 0 <= item.dirnum < max(last, 1):
            raise QFileError(f"{item.file} is to be sent from its page {item.dirnum + 1} on, but has {last}")
        if len(pages) + last - item.dirnum > MAX_PAGES:
            raise QFileError(f"the job has more than {MAX_PAGES} pages: submit it in parts")
        for directory in range(item.dirnum, last):
            if not analysed and ranged:
                raise QFileError("the job is for a range of pages, but pagehandling does not say which they are")
            if not analysed:
                pages.append(Page(item.file, directory, "", False, index))
            elif len(pages) == len(groups):
                raise QFileError(f"pagehandling describes {len(groups)} pages, but {item.file} has more than that left")
            else:
                group = groups[len(pages)]
                pages.append(Page(item.file, directory, group.params, group.mark == SKIP, index, group.chop))
    if len(pages) < len(groups):
        raise QFileError(f"pagehandling describes {len(groups)} pages, but the documents have only {len(pages)} left")
    return pages


def advance(qfile: QFile, sent: int, page_count: Callable[[str], int]) -> list[str]:
    """Writes into ``qfile`` that ``sent`` more pages were confirmed by the far end.

    As native does it (Class1Modem::sendPhaseB, FaxServer::sendFaxPhaseB, notifyPageSent, notifyDocumentSent), except
    that all of it happens at once, where native leaves ``pagehandling`` one page and ``dirnum`` one call behind:

    - ``npages`` counts the pages and the ``X`` pages before and directly behind them, those also in ``nskip``; pages
      of a document named ``…/cover…`` also in ``ncover``; ``pagehandling`` loses their groups, ``ntries`` becomes 0;
    - a document's ``dirnum`` goes on by as many;
    - a document whose last page was sent leaves the qfile, and the ``!x`` line above it loses the ``.jobid`` or ``.cover`` of
      its name.

    With ``sent`` 0 only ``X`` pages at the front are counted, as native does once it is connected.  A ``sent`` above the number
    of pages counts as all pages.

    Returns the ``fax`` files that left the qfile.  For each of them call :func:`name_document`, write the qfile, call
    :func:`release_document`, then tell faxq (``*job:D…``).  The order matters for a crash in between: the qfile must never name
    a file that does not exist.  Such a file would be sent again, or be left out of a job that a user makes of this one
    (``faxalter -r``).  At worst a superfluous link is left, which :func:`release_document` removes at the next attempt.
    """
    groups = parse(qfile.get("pagehandling"))
    analysed = bool(groups)
    passed = skipped = covers = 0
    through: list[Item] = []
    for item in [item for item in qfile.items if item.op == "fax"]:
        last = page_count(item.file)
        while item.dirnum < last:
            if analysed and passed < len(groups) and groups[passed].mark == SKIP:
                skipped += 1
            elif sent > 0:
                sent -= 1
                covers += "/cover" in item.file
            else:
                break
            passed += 1
            item.dirnum += 1
        if item.dirnum < last:
            break
        through.append(item)
    if passed:
        qfile.set("npages", qfile.number("npages") + passed)
        qfile.set("ntries", 0)
        if analysed:
            qfile.set("pagehandling", render(groups[passed:]))
    if skipped:
        qfile.set("nskip", qfile.number("nskip") + skipped)
    if covers:
        qfile.set("ncover", qfile.number("ncover") + covers)
    for item in through:
        _drop(qfile, item)
    return [item.file for item in through]


def leave_out(qfile: QFile, pages: Collection[Page], page_count: Callable[[str], int]) -> None:
    """Marks ``pages``, which must be among the remaining ones, as not to be sent (``X``), as a page range does.

    Does nothing where faxq has not described the pages (``pagehandling``).  Raises as :func:`remaining_pages`.
    """
    groups = parse(qfile.get("pagehandling"))
    remaining, unwanted = remaining_pages(qfile, page_count), set(pages)
    left_out = 0
    for number, (group, page) in enumerate(zip(groups, remaining, strict=False)):
        if page in unwanted and group.mark != SKIP:
            groups[number] = PageGroup(group.params, group.chop, SKIP)
            left_out += 1
    if left_out:
        qfile.set("pagehandling", render(groups))
        qfile.set("skippages", qfile.number("skippages") + left_out)


def _drop(qfile: QFile, sent: Item) -> None:
    """Removes a document from the qfile, and renames its original, the ``!x`` line above it, to the common name."""
    at = next(index for index, item in enumerate(qfile.items) if item is sent)
    if at > 0 and qfile.items[at - 1].op.startswith("!"):
        original = qfile.items[at - 1]
        base, _, suffix = original.file.rpartition(".")
        if base and suffix in (qfile.get("jobid"), "cover"):
            original.file = base
    del qfile.items[at]


def name_document(spool: Spool, file: str, jobid: str) -> None:
    """Links the original of a document to its common name as well, before the qfile is written with that name.

    The arguments are those of :func:`release_document`, which removes the job's own name afterwards.  Errors are ignored here,
    because :func:`release_document` reports them.
    """
    common, semicolon, _ = file.rpartition(";")
    for suffix in (jobid, "cover") if semicolon else ():
        if suffix and "/" not in suffix:
            with suppress(OSError, SpoolError):
                target = spool.inside(common)
                os.link(f"{target}.{suffix}", target)


def release_document(spool: Spool, file: str, jobid: str) -> str:
    """Gives the original of a sent document its common name (FaxRequest::renameSaved).

    ``file`` is what :func:`advance` returned: ``docq/doc4.tif;c0`` was made from the job's own link ``docq/doc4.tif.4``
    (or ``docq/cover4.cover``), which becomes ``docq/doc4.tif``.  By the number of links faxq knows whether other jobs still
    need the document.  Returns the common name.  A second call, or one for a document without an original, changes nothing.
    Raises :class:`SpoolError`.
    """
    common, semicolon, _ = file.rpartition(";")
    if not semicolon:
        return file
    target = spool.inside(common)
    for suffix in (jobid, "cover"):
        if not suffix or "/" in suffix:
            continue
        own = f"{target}.{suffix}"
        try:
            os.rename(own, target)
            os.unlink(own)  # where both names are links to one file, rename(2) leaves both
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SpoolError(f"{own}: cannot be renamed to {common}: {reason(error)}") from error
    return common
