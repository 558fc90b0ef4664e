"""Sequences that once broke a promise, as short as they could be made, by what went wrong.  They are tried in each run."""

from __future__ import annotations

ONCE_BROKEN = {
    "a document added after a lost attempt counted as sent":
        "submit pages=3; attempt job=0 victim=gofaxsend at=after:connected; add job=0 pages=2",
    "delivered again after the spool was copied":
        "submit pages=3; attempt job=0 victim=gofaxsend at=after:connected; copy-spool",
    "another job's session log under a number that came again":
        "submit pages=1; attempt job=0; submit pages=2; sequence queue=log back=1; attempt job=1",
    "a dial not counted under a number that came again":
        "submit pages=2; attempt job=0 meets=busy; sequence queue=log back=1; attempt job=0 victim=gofaxsend at=after:connected",
    "a dial counted twice without accounting":
        "world log=no; submit pages=2; attempt job=0 meets=breaks:1 victim=gofaxsend at=change:unlink:1",
    "tried again and again for a document that is gone":
        "submit pages=3; attempt job=0 victim=gofaxsend at=change:fdatasync:1; delete job=0 document=0",
    "a document missing in a job made of one whose sender died":
        "submit pages=1,1; attempt job=0 meets=breaks:1 victim=gofaxsend at=change:rename:1; resubmit job=0",
    "a dial not counted after the number was changed":
        "submit pages=2; attempt job=0 victim=gofaxsend at=after:connected; number job=0 what=external",
}
