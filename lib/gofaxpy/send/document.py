"""One TIFF for one call: the pages of a job that are still to be sent.

Where all of them stand one after another in one document, FreeSWITCH is given that document and the range
(mod_spandsp's ``fax_start_page`` and ``fax_end_page``), and nothing is copied.  Otherwise libtiff's tiffcp joins them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.spool import Spool, private_directory
from gofaxpy.values import frozen

TIFFCP = "/usr/bin/tiffcp"
JOIN_TIMEOUT = 120


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
    for number, (file, directories) in enumerate(runs):
        # tiffcp takes what follows a comma for directory numbers, and documents may have commas in their names
        link = os.path.join(directory, f"{number}.tif")
        os.symlink(spool.inside(file), link)
        sources.append(link + "," + ",".join(map(str, directories)))
    target = os.path.join(directory, "joined.tif")
    try:
        ended = subprocess.run(
            [TIFFCP, *sources, target], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=JOIN_TIMEOUT, check=False,
        )
    except FileNotFoundError as error:
        raise DocumentError(f"{TIFFCP} is missing: install libtiff-tools", again=True) from error
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"tiffcp has not joined the documents within {JOIN_TIMEOUT} s", again=True) from error
    if ended.returncode != 0:
        text = ended.stderr.decode("utf-8", "replace").strip().replace("\n", "; ")[:200]
        raise DocumentError(f"The documents cannot be joined: tiffcp: {text}", again=False)
    return target


def remove_directory(directory: str) -> None:
    """Removes a directory of :func:`compose` with all it holds (files and links only)."""
    try:
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        os.rmdir(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SpoolError(f"{directory}: cannot be removed: {error.strerror}") from error
