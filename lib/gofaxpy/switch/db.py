"""mod_db: FreeSWITCH's small store of ``realm / key -> value``, through any way to give it API commands.

``db insert/REALM/KEY/VALUE`` is cut at slashes, and quotes and backslashes are undone (``db_api_function`` in
mod_db.c, ``switch_separate_string``).  A value is read back through a buffer of 256 bytes, a list of keys through one
of 4096.  Errors of the database itself are in FreeSWITCH's log only.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_NAME = 120                  # bytes of a realm or key
MAX_VALUE = 255                 # bytes; mod_db reads no more back
MAX_LIST = 4095                 # bytes of all keys together with their commas
NO_REPLY = "-ERR no reply"      # an empty reply on the event socket


class DbError(Exception):
    """mod_db does not do what it is asked, or cannot be asked."""


class Db:
    """mod_db.  ``api(command, args)`` is :meth:`gofaxpy.switch.boundary.Api.command` inside the switch or
    :meth:`gofaxpy.switch.client.Client.api` outside; their replies differ where there is nothing to say.

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
        """Is there a value?"""
        return self._ask(f"exists/{_name(realm, 'realm')}/{_name(key, 'key')}") == "true"

    def delete(self, realm: str, key: str) -> None:
        """Removes the value; that there was none is no error."""
        self._done(f"delete/{_name(realm, 'realm')}/{_name(key, 'key')}")

    def keys(self, realm: str) -> list[str]:
        """The keys of a realm, in no order.  Raises DbError where they do not fit into mod_db's 4 KB: some would be
        missing without a sign."""
        return self._list(_name(realm, "realm"))

    def realms(self) -> list[str]:
        """All realms, in no order.  As :meth:`keys`."""
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
    """A realm or key: without what means something in mod_db's commands, its lists or FreeSWITCH's quoting."""
    _check(text, what, MAX_NAME)
    bad = next((char for char in text if char in "/,\\'\""), "")
    if bad or text != text.strip(" "):
        raise DbError(f"{what} {text[:60]!r} cannot be used with mod_db: {repr(bad) if bad else 'blanks at its ends'}")
    return text


def _escaped(value: str) -> str:
    r"""Slashes are safe in the last field.  Blanks at the ends would be cut away; ``\s`` is one that is not."""
    inner = value.strip(" ")
    start = value.index(inner)
    text = inner.replace("\\", "\\\\").replace("'", "\\'")
    return r"\s" * start + text + r"\s" * (len(value) - start - len(inner))
