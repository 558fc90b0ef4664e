"""mod_db: FreeSWITCH's small store of ``realm / key -> value``, by API commands from inside or outside.

mod_db cuts ``db insert/REALM/KEY/VALUE`` at slashes and removes quotes and backslashes (``db_api_function`` in mod_db.c,
``switch_separate_string``).  It reads a value back through a buffer of 256 bytes, a list of keys through one of 4096.  It
reports errors of the database itself in FreeSWITCH's log only.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_NAME = 120                  # bytes of a realm or key
MAX_VALUE = 255                 # bytes; mod_db reads no more back
MAX_LIST = 4095                 # bytes of all keys together with their commas
NO_REPLY = "-ERR no reply"      # an empty reply on the event socket


class DbError(Exception):
    """mod_db has not carried out a command, or the command cannot be expressed."""


class Db:
    """mod_db.  ``api(command, args)`` is :meth:`gofaxpy.switch.boundary.Api.command` inside the switch, or
    :meth:`gofaxpy.switch.client.Client.api` outside; their replies differ only for an empty reply.

    Every method raises :class:`DbError`, also for names that the syntax cannot express.
    """

    def __init__(self, api: Callable[[str, str], str]) -> None:
        self._api = api

    def insert(self, realm: str, key: str, value: str) -> None:
        """Stores ``value``, in place of an earlier one.  It must not be empty, hold control characters, or have more
        than 255 bytes as UTF-8."""
        _check(value, "value", MAX_VALUE)
        self._done(f"insert/{_name(realm, 'realm')}/{_name(key, 'key')}/{_escaped(value)}")

    def select(self, realm: str, key: str) -> str:
        """The value, ``""`` if there is none."""
        return self._ask(f"select/{_name(realm, 'realm')}/{_name(key, 'key')}")

    def exists(self, realm: str, key: str) -> bool:
        """Whether there is a value."""
        return self._ask(f"exists/{_name(realm, 'realm')}/{_name(key, 'key')}") == "true"

    def delete(self, realm: str, key: str) -> None:
        """Removes the value.  It is no error if there is none."""
        self._done(f"delete/{_name(realm, 'realm')}/{_name(key, 'key')}")

    def keys(self, realm: str) -> list[str]:
        """The keys of a realm, in no order.  Raises DbError where they do not fit into mod_db's 4 KB: mod_db would leave some out
        without an error."""
        return self._list(_name(realm, "realm"))

    def realms(self) -> list[str]:
        """All realms, in no order.  Raises as :meth:`keys`."""
        return self._list("")

    def _list(self, realm: str) -> list[str]:
        reply = self._ask(f"list/{realm}")
        if len(reply.encode("utf-8", "replace")) >= MAX_LIST - MAX_NAME:
            raise DbError(f"mod_db cannot list all of {realm or 'its realms'}: more than {MAX_LIST - MAX_NAME} bytes")
        return reply.split(",") if reply else []

    def _done(self, args: str) -> None:
        reply = self._ask(args)
        if not reply.startswith("+OK"):
            raise DbError(f"mod_db answers {reply[:100]!r} to `db {args[:60]}`")

    def _ask(self, args: str) -> str:
        reply = self._api("db", args)
        if reply.strip() == NO_REPLY:
            return ""
        if reply.strip() == "!err!":
            raise DbError(f"mod_db does not understand `db {args[:60]}`")
        if reply.startswith("INVALID COMMAND!") or (reply.startswith("-ERR") and "ommand not found" in reply):
            raise DbError("FreeSWITCH has no mod_db loaded: see modules.conf.xml")
        return reply


def _check(text: str, what: str, most: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise DbError(f"{what} {text[:60]!r} cannot be written as UTF-8") from None
    if not text.strip(" "):
        raise DbError(f"an empty {what} cannot be stored in mod_db")
    if size > most:
        raise DbError(f"{what} {text[:60]!r}… has {size} bytes; mod_db takes {most}")
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        raise DbError(f"{what} {text[:60]!r} holds a control character")


def _name(text: str, what: str) -> str:
    """A realm or key.  Raises DbError for one with a character that mod_db's commands and lists, or FreeSWITCH's quoting, use."""
    _check(text, what, MAX_NAME)
    bad = next((char for char in text if char in "/,\\'\""), "")
    if bad or text != text.strip(" "):
        raise DbError(f"{what} {text[:60]!r} cannot be used with mod_db: {repr(bad) if bad else 'blanks at its ends'}")
    return text


def _escaped(value: str) -> str:
    r"""The value as mod_db's last field, in which slashes are safe.  FreeSWITCH strips blanks at the ends, but not ``\s``."""
    inner = value.strip(" ")
    start = value.index(inner)
    text = inner.replace("\\", "\\\\").replace("'", "\\'")
    return r"\s" * start + text + r"\s" * (len(value) - start - len(inner))
