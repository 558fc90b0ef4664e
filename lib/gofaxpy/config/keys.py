"""What an operator can set: the sections and keys of ``/etc/gofax.yaml``, their defaults and what each key accepts.

The classes below *are* the schema: every field is made by :func:`key`, which ties a default to the :class:`Kind` that
checks a value.  :mod:`gofaxpy.config.file` reads a file and says where in it something is wrong.  Docstrings name in brackets
the keys of GOfax.IP's ``gofax.conf`` that a key continues.
"""

from __future__ import annotations

import os

from gofaxpy.values import dataclass_transform, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

DEFAULT_PATH = "/etc/gofax.yaml"
_LONGEST_PASSWORD = 1024    # characters


@frozen
class Kind:
    """What a key accepts: ``name`` is the YAML type, the other fields narrow it.  Error messages quote ``says``.

    ``longest`` counts octets of UTF-8.  ``rule`` names a further test in :mod:`gofaxpy.config.rules`.
    """

    name: str
    says: str
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    longest: int = 1024
    rule: str = ""
    secret: bool = False            # the value is never shown, whether right or wrong


FLAG = Kind("bool", "true or false")
TEXT = Kind("str", "a text; put numbers in quotes")
SECRET = Kind("str", "a text; put numbers in quotes", secret=True)
IDENT = Kind("str", "a text of at most 20 characters (T.30's CSI and TSI); put numbers in quotes", longest=20)
HEADER = Kind("str", "a text of at most 50 characters (SpanDSP drops a longer one)", longest=50)
ABSOLUTE = Kind("str", "an absolute path, such as /var/spool/hylafax", rule="absolute")
ABSOLUTE_OR_NONE = Kind("str", 'an absolute path, or "" for none', rule="absolute or none")
HOST = Kind("str", "a host name or an address; put numbers in quotes", rule="one word")
NAME = Kind("str", "a name of letters, digits, - and _", longest=32, rule="name")
OCTAL = Kind("str", 'an octal file mode in quotes in which the owner may read and write, such as "0600"', rule="mode")
DIALLED = Kind("str", "digits, +, * and #, in quotes", longest=32, rule="dialled")
GATEWAYS = Kind("list", "a list of gateways, names of letters, digits, . - and _, such as [default, backup]", rule="gateway")
CAUSES = Kind("list", "a list of FreeSWITCH's hangup causes, such as [UNALLOCATED_NUMBER]; [] for none", rule="cause", least=0)
SECONDS = Kind("int", "whole seconds from 1 to 86400", 1, 86400)
SECONDS_OR_OFF = Kind("int", "whole seconds from 0 (off) to 86400", 0, 86400)
MILLISECONDS = Kind("int", "whole milliseconds from 0 to 60000", 0, 60000)
MEBIBYTES = Kind("int", "whole MiB from 1 to 1048576", 1, 1 << 20)
TRIES = Kind("int", "a whole number from 0 (never) to 99", 0, 99)
DAYS = Kind("int", "whole days from 1 to 3650", 1, 3650)
PORT = Kind("int", "a port number from 1 to 65535", 1, 65535)
MODEMS = Kind("int", "a whole number from 1 to 999", 1, 999)
SIP_STATUS = Kind("int", "a SIP status from 400 to 699", 400, 699)
NO_MODEM_CAUSES = ("USER_BUSY", "NORMAL_CIRCUIT_CONGESTION", "NORMAL_TEMPORARY_FAILURE", "CALL_REJECTED", "NO_USER_RESPONSE")


def choice(*values: str) -> Kind:
    """A key that takes one of ``values``."""
    return Kind("choice", "one of " + ", ".join(values), choices=values)


class _Key:
    """A field of a section, until :func:`section` makes a dataclass field of it."""

    __slots__ = ("default", "kind")

    def __init__(self, default: Any, kind: Any) -> None:
        self.default = default
        self.kind = kind


def key(default: Any, kind: Kind | type) -> Any:
    """A field of a section: its default, and the kind of its value or the class of the section nested in it."""
    return _Key(default, kind)


@dataclass_transform(frozen_default=True)
def section(cls: type[T]) -> type[T]:
    """Makes a frozen value class of a section; :func:`fields_of` gives the kinds of its keys."""
    keys = {name: cls.__dict__[name] for name in cls.__annotations__}
    for name, made in keys.items():
        setattr(cls, name, made.default)
    cls.KINDS = {name: made.kind for name, made in keys.items()}  # type: ignore[attr-defined]
    finished = frozen(cls)
    finished.__repr__ = _repr               # type: ignore[method-assign]
    return finished


def _repr(self: Any) -> str:
    """Without its secrets: the text of an exception may take a section into a log."""
    kinds = self.KINDS
    shown = (f"{name}={'…' if getattr(kinds[name], 'secret', False) is True else repr(getattr(self, name))}" for name in kinds)
    return f"{type(self).__name__}({', '.join(shown)})"


@section
class Server:
    """One event socket [freeswitch.socket, freeswitch.password].  ``password_file`` wins over ``password``."""

    host: str = key("127.0.0.1", HOST)
    port: int = key(8021, PORT)
    password: str = key("ClueCon", SECRET)
    password_file: str = key("", ABSOLUTE_OR_NONE)

    def secret(self) -> str:
        """The password: the first line of ``password_file``, if one is named.  Raises OSError.

        Also raised for a file that every user of the machine may read or change: with the password a user can do anything
        with FreeSWITCH.
        """
        if not self.password_file:
            return self.password
        from gofaxpy.hylafax.spool import open_regular

        with open(open_regular(self.password_file, follow=True), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o007:
                import errno

                raise PermissionError(
                    errno.EACCES, f"everybody may use this file: chmod 640 {self.password_file}", self.password_file
                )
            return file.readline(_LONGEST_PASSWORD).strip()


@section
class FreeSwitch:
    """How FreeSWITCH is reached, and how our faxes identify themselves."""

    servers: Sequence[Server] = key((Server(),), Server)
    server_order: str = key("ordered", choice("ordered", "round_robin"))
    connect_timeout: int = key(5, SECONDS)
    gateways: Sequence[str] = key(("default",), GATEWAYS)
    ident: str = key("", IDENT)
    header: str = key("", HEADER)
    verbose: bool = key(False, FLAG)
    softmodem_fallback: bool = key(False, FLAG)


@section
class HylaFax:
    """HylaFAX's spool, and the virtual modems that HylaFAX sees."""

    spooldir: str = key("/var/spool/hylafax", ABSOLUTE)
    modems: int = key(5, MODEMS)
    modem_prefix: str = key("freeswitch", NAME)
    xferfaxlog: str = key("log/xferfaxlog", TEXT)
    lock_dir: str = key("/var/lock", ABSOLUTE)
    user: str = key("uucp", NAME)

    def devices(self) -> list[str]:
        """The device ids of the virtual modems: ``freeswitch0``, ``freeswitch1`` …"""
        return [f"{self.modem_prefix}{number}" for number in range(self.modems)]


@section
class Inbound:
    """Incoming calls [section gofaxd].  Times of ringing and silence are in milliseconds, limits in seconds."""

    enable_t38: bool = key(True, FLAG)
    request_t38: bool = key(True, FLAG)
    recipient_from: str = key("to", choice("to", "request", "diversion"))
    answer_after: int = key(2000, MILLISECONDS)
    wait_time: int = key(1000, MILLISECONDS)
    dynamic_config: str = key("", TEXT)
    dynamic_config_on_error: str = key("accept", choice("accept", "reject"))
    dynamic_config_timeout: int = key(10, SECONDS)
    reject_status: int = key(404, SIP_STATUS)
    min_free: int = key(16, MEBIBYTES)
    faxrcvd: str = key("bin/faxrcvd", TEXT)
    faxrcvd_timeout: int = key(3600, SECONDS)
    recv_file_mode: str = key("0600", OCTAL)
    allocate_modems: str = key("prefer", choice("prefer", "require", "off"))
    no_modem_cause: str = key("USER_BUSY", choice(*NO_MODEM_CAUSES))
    log_calls: bool = key(True, FLAG)
    page_timeout: int = key(300, SECONDS)
    call_timeout: int = key(7200, SECONDS)


@section
class Outbound:
    """Outgoing faxes [section gofaxsend].  Limits are in seconds."""

    enable_t38: bool = key(True, FLAG)
    request_t38: bool = key(True, FLAG)
    fax_number: str = key("", TEXT)
    dial: str = key("external", choice("external", "number"))
    call_prefix: str = key("", DIALLED)
    dynamic_config: str = key("", TEXT)
    dynamic_config_on_error: str = key("retry", choice("retry", "send", "fail"))
    dynamic_config_timeout: int = key(10, SECONDS)
    job_tsi: bool = key(False, FLAG)
    job_fax_number: bool = key(False, FLAG)
    job_tag_line: bool = key(True, FLAG)
    disable_v17_after_retry: int = key(0, TRIES)
    disable_ecm_after_retry: int = key(0, TRIES)
    cid_name: str = key("sender", TEXT)
    failed_response: Sequence[str] = key(("UNALLOCATED_NUMBER", "CALL_REJECTED"), CAUSES)
    ladder: bool = key(False, FLAG)
    ladder_days: int = key(30, DAYS)
    retry_busy: int = key(180, SECONDS)
    retry_no_answer: int = key(300, SECONDS)
    retry_no_carrier: int = key(300, SECONDS)
    retry_protocol: int = key(60, SECONDS)
    retry_other: int = key(300, SECONDS)
    no_carrier_retries: int = key(1, TRIES)
    progress_timeout: int = key(15, SECONDS_OR_OFF)
    ring_timeout: int = key(60, SECONDS)
    page_timeout: int = key(300, SECONDS)
    call_timeout: int = key(7200, SECONDS)


@section
class Log:
    """Where messages for the operator go (syslog.conf names the facilities and levels)."""

    syslog_facility: str = key(
        "daemon", choice("daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7")
    )
    level: str = key("info", choice("debug", "info", "notice", "warning", "err"))
    metrics_file: str = key("", TEXT)


@section
class Config:
    """The whole configuration.  ``Config()`` has the default of every key."""

    freeswitch: FreeSwitch = key(FreeSwitch(), FreeSwitch)
    hylafax: HylaFax = key(HylaFax(), HylaFax)
    inbound: Inbound = key(Inbound(), Inbound)
    outbound: Outbound = key(Outbound(), Outbound)
    log: Log = key(Log(), Log)


def fields_of(section: type) -> dict[str, Any]:
    """The kind behind each key of a section: a :class:`Kind`, or the class of a nested section."""
    kinds: dict[str, Any] = section.KINDS  # type: ignore[attr-defined]
    return kinds


def config_path(option: str = "") -> str:
    """The file to read: ``-C`` beats the environment variable ``GOFAX_CONFIG``, which beats ``/etc/gofax.yaml``."""
    return option or os.environ.get("GOFAX_CONFIG", "") or DEFAULT_PATH
