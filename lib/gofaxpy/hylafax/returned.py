"""What faxq is answered about a job: ``returned`` in its qfile, and the exit status of the program that sent it
(HylaFAX's faxd/FaxSendStatus.h).  Statuses that are not here mean "sent" to faxq."""

from __future__ import annotations

from enum import IntEnum


class Returned(IntEnum):
    """What faxq is to do with the job."""

    RETRY = 0       # try it again, at ``tts``
    FAILED = 1      # give it up
    DONE = 2        # every page has arrived
    REFORMAT = 3    # image the documents anew, then try again
