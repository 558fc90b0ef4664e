"""The answer to faxq about a job: ``returned`` in its qfile, and the exit status of SendFaxCmd (faxd/FaxSendStatus.h).

Any other status means "sent" to faxq.
"""

from __future__ import annotations

from enum import IntEnum


class Returned(IntEnum):
    """What faxq is to do with the job."""

    RETRY = 0       # try it again, at ``tts``
    FAILED = 1      # give it up
    DONE = 2        # every page has arrived
    REFORMAT = 3    # image the documents anew, then try again
