"""The log of one incoming call: its session log, and syslog for the lines that faxgetty writes there, too."""

from __future__ import annotations

import os
from contextlib import suppress

from gofaxpy import operatorlog
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.setting import Setting


class CallLog:
    """The session log of a call and the operator's log.  Nothing here raises; levels are those of syslog.conf(5)."""

    def __init__(self, setting: Setting, session: SessionLog) -> None:
        self.setting = setting
        self._session = session

    def line(self, text: str) -> None:
        """A line for the session log only."""
        self._session.line(text)

    def operator(self, level: str, text: str) -> None:
        """A line for syslog and FreeSWITCH's log only."""
        operatorlog.write(self.setting.config.log, level, text)

    def message(self, level: str, text: str) -> None:
        """A line for the session log and for the operator."""
        self.line(text)
        self.operator(level, text)

    def begin(self, version: str) -> None:
        """As :meth:`SessionLog.begin`."""
        self._session.begin(version)

    def end(self) -> None:
        """Ends the session log.  If it could not be written, the operator's log says why."""
        self._session.end()
        if self._session.error:
            self.operator("err", self._session.error)

    def close(self) -> None:
        """Closes the session log without its last line: another process has written that, or will."""
        self._session.close()

    def discard(self) -> None:
        """Removes the session log of a call that is refused.  A log that could not be created belongs to another call."""
        self._session.close()
        if not self._session.error:
            with suppress(OSError):
                os.unlink(self._session.path)
