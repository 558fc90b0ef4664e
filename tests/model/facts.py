"""What is true whatever our own records say: what users asked for, and which calls far ends have answered.

A page is told by its picture, so a call's pages are what its far end has on paper.  From these facts follows what a job
may say of itself at the end (:mod:`model.check`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rig.pages import Page, compare


@dataclass(frozen=True, slots=True)
class PageId:
    """Page ``number`` (from 1) of the document ``paper``."""

    paper: int
    number: int

    def __str__(self) -> str:
        return f"{self.paper}.{self.number}"


UNKNOWN = PageId(-1, 0)
"""A page that nobody has submitted."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document: no two in a sequence have a page in common."""

    key: int
    file: str
    pages: tuple[Page, ...]

    def ids(self) -> list[PageId]:
        """Its pages, in order."""
        return [PageId(self.key, number) for number in range(1, len(self.pages) + 1)]


@dataclass(frozen=True, slots=True)
class Fax:
    """What a user wants: which documents go to whom, and what has happened to the job besides its calls.

    Of its ``numbers`` the last one counts.  ``ranges`` are the pages that are to be
    sent, counted through all documents (hfaxd's PAGERANGE), ``""`` for all.
    """

    index: int
    jobid: int
    papers: tuple[Paper, ...]
    numbers: tuple[str, ...]
    ranges: str = ""
    attempts: int = 0
    accidents: int = 0          # attempts that met one
    unplaced: int = 0           # senders, in such attempts, that made no call: the order to call may have got lost
    empty: int = 0              # attempts that were to deliver nothing, or met an accident
    removed: bool = False       # by its user
    robbed: bool = False        # one of its documents was deleted
    interrupted: int = 0        # removals while an attempt was on
    replaced: bool = False      # another job has its number now, so that nothing tells any more how it ended

    def due(self) -> list[PageId]:
        """The pages that are to be sent, in order."""
        every = [page for paper in self.papers for page in paper.ids()]
        return [page for place, page in enumerate(every, 1) if _in_ranges(place, self.ranges)]

    def called(self, number: str = "") -> str:
        """What of the digits called tells the fax and its number, the last one or another."""
        return f"{self.index:02d}{number or self.numbers[-1]}"

    def total(self) -> int:
        """All pages, those left out included: what ``npages`` of a job that is done says."""
        return sum(len(paper.pages) for paper in self.papers)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a far end answered, and the pages it has of it.  ``number`` is :meth:`Fax.called`.

    ``torn``: our switch died while it went on, or (on a real line) the far end hung up: its last page may have been confirmed
    without anybody here hearing of it.
    """

    number: str
    uuid: str
    pages: tuple[PageId, ...]
    torn: bool = False


@dataclass(slots=True)
class Model:
    """All facts of a sequence."""

    faxes: list[Fax] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    dialled: Counter[str] = field(default_factory=Counter)
    """How often each number was called, answered or not."""
    renumbered: bool = False        # log/seqf was set back: a communication identifier may come again
    unlogged: bool = False          # xferfaxlog was removed, or could not be written, for a while: records may be missing
    bared: bool = False             # session logs were removed

    def change(self, fax: Fax, **changes: object) -> Fax:
        """The fax is another one from now on."""
        changed = replace(self.faxes[fax.index], **changes)     # type: ignore[arg-type]
        self.faxes[fax.index] = changed
        return changed

    def whose(self, number: str) -> Fax | None:
        """The fax that is, or was, for this number (:meth:`Fax.called`)."""
        return next((fax for fax in self.faxes if number in map(fax.called, fax.numbers)), None)

    def calls_of(self, fax: Fax) -> Iterator[Call]:
        """Its calls, in order of time."""
        return (call for call in self.calls if call.number in map(fax.called, fax.numbers))

    def identify(self, received: Sequence[Page]) -> tuple[PageId, ...]:
        """Which pages these are; UNKNOWN stands for one that is nobody's."""
        return tuple(self._which(page) for page in received)

    def _which(self, received: Page) -> PageId:
        for paper in self.papers:
            for page, sent in zip(paper.ids(), paper.pages, strict=True):
                if compare(sent, received).identical:
                    return page
        return UNKNOWN


def _in_ranges(place: int, ranges: str) -> bool:
    if not ranges:
        return True
    for part in ranges.split(","):
        first, dash, last = part.partition("-")
        end = int(last) if last else place if dash else int(first)
        if int(first) <= place <= end:
            return True
    return False
