"""One TIFF for one call: the pages of a job that are still to be sent.

Where all of them stand one after another in one document, FreeSWITCH is given that document and the range
(mod_spandsp's ``fax_start_page`` and ``fax_end_page``), and nothing is copied.  Otherwise libtiff's tiffcp joins them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from gofaxpy.hylafax.errors import TiffError, is_of_the_machine
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.spool import Spool, private_directory
from gofaxpy.hylafax.tiff import Directory, directory_of, opened, read_chain
from gofaxpy.hylafax.tiffstrips import Strips
from gofaxpy.outbound.joined import JOIN_TIMEOUT, remove_directory
from gofaxpy.values import frozen

TIFFCP = "/usr/bin/tiffcp"
MAX_PAGE = 64 << 20             # octets of a page's picture: some 20 m of paper at 400 dpi
MAX_WIDTH = 14592               # pixels of a row: A3 at 1200 dpi (ITU-T T.4, table 2).  libtiff has tables of 16 octets for each
MAX_LENGTH = 310_000            # rows, as a page 1728 pixels wide has them in MAX_PAGE; SpanDSP encodes row by row
MAX_VALUES = 16 << 20           # octets of a page's tags: colour profiles and the like; libtiff takes them all into memory
# Pages of a document.  SpanDSP counts them within the call (t4_tx.c, get_tiff_total_pages), and libtiff begins anew for each of
# them: 4000 pages take 0.4 s, 16000 take 7 s.
MAX_COUNTED = 5000
FAX_COMPRESSIONS = (1, 2, 3, 4)     # none, modified Huffman, T.4, T.6


class DocumentError(Exception):
    """The pages cannot be made into one document.  ``again`` says whether a later attempt may succeed."""

    def __init__(self, text: str, again: bool) -> None:
        super().__init__(text)
        self.again = again


@frozen
class Document:
    """``path`` (absolute) with ``first`` to ``last`` (from 0, inclusive) to be sent.  A ``directory`` is ours to remove."""

    path: str
    first: int
    last: int
    directory: str = ""

    @property
    def pages(self) -> int:
        return self.last - self.first + 1

    def remove(self) -> None:
        """Removes what was made for this call; does nothing for a document of the spool."""
        if self.directory:
            remove_directory(self.directory)


def compose(spool: Spool, pages: Sequence[Page], name: str) -> Document:
    """The document for ``pages`` (at least one, none of them skipped).  Raises :class:`DocumentError`, SpoolError."""
    runs = _runs(pages)
    if len(pages) > MAX_COUNTED:
        raise DocumentError(f"the job has {len(pages)} pages left; {MAX_COUNTED} are the most: submit it in parts", again=False)
    needed: dict[str, list[int]] = {}       # each document is read once: a job may name two of them in turn a thousand times
    for file, numbers in runs:
        needed.setdefault(file, []).extend(numbers)
    for file, numbers in needed.items():
        _check(spool.inside(file), numbers)
    if len(runs) == 1:
        file, directories = runs[0]
        if directories == list(range(directories[0], directories[0] + len(directories))):
            return Document(spool.inside(file), directories[0], directories[-1])
    directory = spool.path("gofax", "tmp", name)
    try:
        private_directory(spool.root, "gofax", "tmp", name)
        joined = _join(spool, runs, directory)
    except DocumentError:
        remove_directory(directory)
        raise
    except OSError as error:
        remove_directory(directory)
        raise DocumentError(f"{directory}: cannot join the documents: {error.strerror}", again=True) from error
    return Document(joined, 0, len(pages) - 1, directory)


def _check(path: str, numbers: Sequence[int]) -> None:
    """Raises DocumentError for a page that is no fax page.  SpanDSP holds the whole picture of a page in the memory of the
    switch, and a TIFF of a few hundred kilobytes may have one of gigabytes; users' TIFFs come here as they are.  The pages
    before those that are to be sent count too: SpanDSP's own count of pages ends at one that cannot be read."""
    last = max(numbers)
    try:
        with opened(path) as file:
            chain = read_chain(file.fd, path)
            if len(chain.directories) > MAX_COUNTED:
                raise DocumentError(
                    f"{path} has {len(chain.directories)} pages; {MAX_COUNTED} are the most: submit it in parts", again=False
                )
            if last >= len(chain.directories):
                raise TiffError(f"{path}: the TIFF has {len(chain.directories)} pages, and page {last + 1} is to be sent")
            strips = Strips(file.fd, path, chain)
            for number, raw in enumerate(chain.directories[:last + 1]):
                _check_page(f"{path}: page {number + 1}", directory_of(file.fd, path, chain, raw))
                strips.check(raw)
                if raw.value_octets > min(chain.size, MAX_VALUES):
                    raise DocumentError(f"{path}: the tags of page {number + 1} overlap each other or are too long", again=False)
    except TiffError as error:
        raise DocumentError(str(error), again=is_of_the_machine(error)) from error


def _check_page(name: str, page: Directory) -> None:
    if not page.bilevel or page.compression not in FAX_COMPRESSIONS:
        raise DocumentError(f"{name} is not black and white, or not compressed as a fax", again=False)
    octets = (page.width + 7) // 8 * page.length
    if not (0 < octets <= MAX_PAGE and page.width <= MAX_WIDTH and page.length <= MAX_LENGTH):
        raise DocumentError(f"{name} has {page.width} x {page.length} pixels, which is no fax page", again=False)


def _runs(pages: Sequence[Page]) -> list[tuple[str, list[int]]]:
    """Neighbouring pages of the same file together: file and directory numbers."""
    runs: list[tuple[str, list[int]]] = []
    for page in pages:
        if runs and runs[-1][0] == page.file:
            runs[-1][1].append(page.directory)
        else:
            runs.append((page.file, [page.directory]))
    return runs


def _join(spool: Spool, runs: list[tuple[str, list[int]]], directory: str) -> str:
    import subprocess  # slow to load, and most jobs need no joining

    sources = []
    for number, (file, numbers) in enumerate(runs):
        # tiffcp takes what follows a comma for directory numbers, and documents may have commas in their names
        link = os.path.join(directory, f"{number}.tif")
        os.symlink(spool.inside(file), link)
        sources.append(link + "," + ",".join(map(str, numbers)))
    target = os.path.join(directory, "joined.tif")
    try:
        ended = subprocess.run(
            [TIFFCP, *sources, target], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=JOIN_TIMEOUT, check=False, start_new_session=True,     # without a terminal, if gofaxsend was started on one
        )
    except FileNotFoundError as error:
        raise DocumentError(f"{TIFFCP} is missing: install libtiff-tools", again=True) from error
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"tiffcp has not joined the documents within {JOIN_TIMEOUT} s", again=True) from error
    if ended.returncode != 0:
        text = ended.stderr.decode("utf-8", "replace").strip().replace("\n", "; ")[:200]
        raise DocumentError(f"The documents cannot be joined: tiffcp: {text}", again=False)
    return target
