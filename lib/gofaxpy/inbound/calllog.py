"""The log of one incoming call: its session log, and in syslog those of its lines that faxgetty tells syslog, too."""

from __future__ import annotations

import os
from contextlib import suppress

from gofaxpy import operatorlog
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.setting import Setting


class CallLog:
    """A session log that syslog is told of.  As with the session log itself, nothing here raises."""

    def __init__(self, setting: Setting, session: SessionLog) -> None:
        self.setting = setting
        self._session = session

    def line(self, text: str) -> None:
        """A line for those who look into the session."""
        self._session.line(text)

    def tell(self, text: str, level: str = "info") -> None:
        """A line for them and for those who read syslog.  ``level`` as in syslog.conf."""
        self._session.line(text)
        operatorlog.tell(self.setting.config.log, level, text)

    def operator(self, level: str, text: str) -> None:
        """A line for syslog only."""
        operatorlog.tell(self.setting.config.log, level, text)

    def begin(self, version: str) -> None:
        """As :meth:`SessionLog.begin`."""
        self._session.begin(version)

    def end(self) -> None:
        """The end of the session; what kept its log from being written is told to syslog."""
        self._session.end()
        if self._session.error:
            self.operator("err", self._session.error)

    def close(self) -> None:
        """Closes the log without a word: somebody else has written, or will write, its end."""
        self._session.close()

    def discard(self) -> None:
        """Removes the log, of a call that never was.  One that was there before, of the same name, is another call's."""
        self._session.close()
        if not self._session.error:
            with suppress(OSError):
                os.unlink(self._session.path)
