"""mod_db: realms of keys and values that outlive a restart of the switch.

Source: FreeSWITCH `src/mod/applications/mod_db/mod_db.c` (`db_api_function`): arguments are cut at `/` by the switch's
own splitter, what is read back is cut to 255 bytes, and what is too long for a list's buffer is left out.
"""

from __future__ import annotations

import sqlite3
import threading

from mocks.sip.tokens import separate

_ERROR = "!err!"
_VALUE_LIMIT = 255
_LIST_LIMIT = 4095


class ModDb:
    """The API command `db`."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS db_data (realm TEXT, data_key TEXT, data TEXT, PRIMARY KEY (realm, data_key))"
        )

    def command(self, arguments: str) -> str:
        """Run `verb/realm/key/value`; the reply, `!err!` for what is not understood."""
        parts = separate(arguments, "/", 4)
        verb = parts[0].lower() if parts else ""
        with self._lock:
            match (verb, len(parts)):
                case ("insert", 4):
                    self._run("INSERT OR REPLACE INTO db_data VALUES (?, ?, ?)", *parts[1:])
                    return "+OK"
                case ("delete", 2 | 3 | 4):
                    self._run("DELETE FROM db_data WHERE realm = ? AND data_key = ?", parts[1], *(parts[2:3] or [""]))
                    return "+OK"
                case ("select", 3 | 4):
                    return self._value(parts[1], parts[2])
                case ("exists", 3 | 4):
                    return "true" if self._value(parts[1], parts[2]) else "false"
                case ("count", 1):
                    return str(len(self._run("SELECT DISTINCT realm FROM db_data")))
                case ("count", 2):
                    return str(len(self._run("SELECT data_key FROM db_data WHERE realm = ?", parts[1])))
                case ("list", 1):
                    return self._list("SELECT DISTINCT realm FROM db_data")
                case ("list", 2):
                    return self._list("SELECT DISTINCT data_key FROM db_data WHERE realm = ?", parts[1])
        return _ERROR

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _run(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        raw = [value.encode("utf-8", "surrogateescape") for value in values]
        return self._connection.execute(sql, raw).fetchall()

    def _value(self, realm: str, key: str) -> str:
        rows = self._run("SELECT data FROM db_data WHERE realm = ? AND data_key = ?", realm, key)
        if not rows:
            return ""
        value = _decoded(rows[0][0])
        return value.encode("utf-8", "surrogateescape")[:_VALUE_LIMIT].decode("utf-8", "surrogateescape")

    def _list(self, sql: str, *values: str) -> str:
        found = ""
        for (name,) in self._run(sql, *values):
            text = _decoded(name)
            if len(found) + len(text) + 1 > _LIST_LIMIT:
                break
            found += text + ","
        return found[:-1]


def _decoded(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
