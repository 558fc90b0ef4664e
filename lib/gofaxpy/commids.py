"""Communication identifiers (commids): each names one call, in its session log, its journal entry and its records.

gofaxsend needs a commid before it connects to FreeSWITCH, so this module imports nothing that is slow to load.
"""

from __future__ import annotations

import os

from gofaxpy.hylafax import sequence
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.spool import Spool

JOURNAL = ("gofax", "journal")      # below the spool (gofaxpy.journal)


def new_commid(spool: Spool) -> str:
    """A new commid, nine digits, that no session log and no journal entry has.  Raises SpoolError."""
    directory = spool.path(*JOURNAL)
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise SpoolError(f"{directory}: cannot be read: {reason(error)}") from error
    return sequence.commid(spool, frozenset(map(commid_of, names)))


def attempt_name(jobid: str, commid: str) -> str:
    """The name of the journal entry of one attempt to send: ``42-000000017``.  Both arguments are digits."""
    return f"{jobid}-{commid}"


def call_name(commid: str) -> str:
    """The name of the journal entry of one incoming call: ``c000000018``."""
    return f"c{commid}"


def commid_of(name: str) -> str:
    """The commid in the name of a journal entry of either kind."""
    return name[1:] if name.startswith("c") else name.rpartition("-")[2]
