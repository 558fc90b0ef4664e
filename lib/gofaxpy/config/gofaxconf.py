"""Reads GOfax.IP's gofax.conf as GOfax.IP reads it, and writes a ``gofax.yaml`` that behaves the same.

The file is INI in the manner of git (gopkg.in/gcfg.v1).  Names of sections and keys may be in any case.  A comment goes from
``;`` or ``#`` to the end of the line.  Values may stand in double quotes, with ``\\"``, ``\\\\``, ``\\n`` and ``\\t``.  A
backslash at the end of a line continues it.  A key without ``=`` is true, and empties a list.  A key that is left out has Go's
zero value (gofaxlib/config.go): false, 0, an empty text.  That value is written here where our default is another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from gofaxpy.config.file import ConfigError, parse
from gofaxpy.config.keys import Config, Inbound
from gofaxpy.switch.dialstring import HEADER_LENGTH, IDENT_LENGTH

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class Conversion:
    """The converted gofax.conf.  ``problems`` must be mended in gofax.conf first; ``notes`` say what will be different."""

    yaml: str = ""
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Value:
    """The values of one key in their order; ``line`` is the last one's."""

    texts: tuple[str, ...]
    line: int
    implicit: bool = False      # a key without a value


Parsed = dict[tuple[str, str], Value]


@dataclass(frozen=True, slots=True)
class Row:
    """One key of gofax.conf, and the section and key of gofax.yaml it becomes.  ``convert`` gives its value, or None where
    the key is left out of gofax.yaml."""

    section: str
    key: str
    target: tuple[str, str]
    convert: Callable[[Value | None, str, Conversion], object]


def convert(text: str, path: str = "gofax.conf") -> Conversion:
    """Converts the text of a gofax.conf; ``path`` is for its messages."""
    result = Conversion()
    parsed = read(text, path, result)
    settings = result.settings = {name: {} for name in ("freeswitch", "hylafax", "inbound", "outbound", "log")}
    for row in ROWS:
        value = parsed.pop((row.section, row.key), None)
        where = f"{path}:{value.line}: {row.section}.{row.key}" if value is not None else f"{path}: {row.section}.{row.key}"
        converted = row.convert(value, where, result)
        if converted is not None:
            section, key = row.target
            settings[section][key] = converted
    _servers(parsed, path, result)
    # GOfax.IP does not look at a job's own tag line
    settings["outbound"]["job_tag_line"] = False
    for (section, key), value in parsed.items():
        result.notes.append(
            f"{path}:{value.line}: {section}.{key}: {_GONE.get((section, key), 'GOfax.IP knows no such key; left out')}"
        )
    result.yaml = _rendered(settings, path)
    if not result.problems:
        try:
            parse(result.yaml.encode(), "the result")
        except ConfigError as error:
            result.problems.extend(error.problems)
    return result


_GONE = {
    ("gofaxd", "socket"): "not needed any more: calls are taken inside FreeSWITCH.  In its dialplan, put dialplan/gofax.xml in"
    " the place of the extension that has the application `socket`",
    ("freeswitch", "disablet38"): "of an old GOfax.IP; set inbound.enable_t38 and outbound.enable_t38",
}


def read(text: str, path: str, result: Conversion) -> Parsed:
    """The keys by section and name, both in lower case.  A line that is not understood becomes a problem."""
    found: Parsed = {}
    section = ""
    for number, line in _lines(text):
        stripped = line.strip()
        if not stripped or stripped[0] in ";#":
            continue
        if stripped[0] == "[":
            name, bracket, rest = stripped[1:].partition("]")
            if not bracket or (rest.strip() and rest.strip()[0] not in ";#"):
                result.problems.append(f"{path}:{number}: {stripped[:40]!r} is no [section]")
            section = name.strip().lower()
            continue
        name, equals, rest = stripped.partition("=")
        key = name.partition(";")[0].partition("#")[0].strip().lower() if not equals else name.strip().lower()
        if not section or not key or not key.replace("-", "").isalnum():
            result.problems.append(f"{path}:{number}: {stripped[:40]!r} is no `key = value` in a section")
            continue
        value = _value(rest) if equals else ""
        if value is None:
            result.problems.append(f"{path}:{number}: {section}.{key}: a quote is not closed")
            continue
        before = found.get((section, key))
        texts = (*(before.texts if before is not None else ()), value) if equals else ()
        found[section, key] = Value(texts, number, not equals)
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines with their numbers, continued ones joined."""
    found: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        start = start or number
        if line.endswith("\\") and not line.endswith("\\\\"):
            pending += line[:-1]
            continue
        found.append((start, pending + line))
        pending, start = "", 0
    if pending:
        found.append((start, pending))
    return found


def _value(text: str) -> str | None:
    """A value without its comment and quotes; None if a quote is not closed."""
    value: list[str] = []
    kept = 0                # characters up to the last one that is no blank, or is quoted
    quoted = False
    characters = iter(text.strip())
    for char in characters:
        if char == '"':
            quoted = not quoted
            kept = len(value)
        elif char == "\\":
            value.append(_ESCAPES.get(next(characters, ""), ""))
            kept = len(value)
        elif char in ";#" and not quoted:
            break
        else:
            value.append(char)
            if quoted or not char.isspace():
                kept = len(value)
    return None if quoted else "".join(value[:kept])


# -- how single keys are converted

def _flag(value: Value | None, where: str, result: Conversion) -> bool:
    if value is None:
        return False
    if value.implicit:
        return True
    word = value.texts[-1].lower()
    if word not in _TRUE and word not in _FALSE:
        result.problems.append(f"{where}: {value.texts[-1]!r} is neither true nor false")
    return word in _TRUE


def _text(value: Value | None, where: str, result: Conversion) -> str:
    return value.texts[-1] if value is not None and value.texts else ""


def _limited(length: int, what: str) -> Callable[[Value | None, str, Conversion], object]:
    def limited(value: Value | None, where: str, result: Conversion) -> str:
        text = _text(value, where, result)
        if len(text.encode()) <= length:
            return text
        result.notes.append(f"{where}: SpanDSP drops a {what} of more than {length} characters altogether; it is cut off there")
        return text.encode()[:length].decode("utf-8", "ignore")

    return limited


def _number(value: Value | None, where: str, result: Conversion) -> int:
    text = _text(value, where, result)
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        result.problems.append(f"{where}: {text!r} is no number")
        return 0
    return int(text)


def _atoi(value: Value | None, where: str, result: Conversion) -> int:
    """A text that GOfax.IP reads with strconv.Atoi; it is 0 to GOfax.IP where that fails or the number is negative."""
    text = _text(value, where, result)
    if text and not (text.isascii() and text.isdigit() and len(text) < 3):
        result.notes.append(f"{where}: {text!r} means never to GOfax.IP, or is more than the 99 tries that can be told here")
        return 99 if text.isdigit() else 0
    return int(text or "0")


def _spooldir(value: Value | None, where: str, result: Conversion) -> object:
    text = _text(value, where, result)
    if text:
        return text.rstrip("/") or "/"
    result.notes.append(f"{where}: is not set, and GOfax.IP needs it; our default is taken")
    return None


def _modems(value: Value | None, where: str, result: Conversion) -> object:
    number = _number(value, where, result)
    if number:
        return number
    result.notes.append(f"{where}: GOfax.IP has no modem then and sends nothing; our default is taken")
    return None


def _gateways(value: Value | None, where: str, result: Conversion) -> object:
    gateways = list(value.texts) if value is not None else []
    if gateways:
        return gateways
    result.notes.append(f"{where}: without a gateway GOfax.IP sends nothing; our default is taken")
    return None


def _causes(value: Value | None, where: str, result: Conversion) -> list[str]:
    from gofaxpy.config.rules import causes, suggestion

    known = causes()
    kept = []
    for cause in value.texts if value is not None else ():
        if cause in known:
            kept.append(cause)
        else:
            result.notes.append(f"{where}: FreeSWITCH has no hangup cause {cause!r}, so that GOfax.IP never finds it; it is left"
                                f" out{suggestion(cause, known)}")
    return kept


def _diversion(value: Value | None, where: str, result: Conversion) -> str:
    return "diversion" if _flag(value, where, result) else "to"


def _allocate(value: Value | None, where: str, result: Conversion) -> str:
    if not _flag(value, where, result):
        return "off"
    result.notes.append(f"{where}: without a free modem GOfax.IP answers 404, which many senders take for final; here it is"
                        " busy (inbound.no_modem_cause)")
    return "require"


def _faxrcvd(value: Value | None, where: str, result: Conversion) -> str:
    return _text(value, where, result) or Inbound().faxrcvd


ROWS: tuple[Row, ...] = (
    Row("freeswitch", "gateway", ("freeswitch", "gateways"), _gateways),
    Row("freeswitch", "ident", ("freeswitch", "ident"), _limited(IDENT_LENGTH, "station identifier")),
    Row("freeswitch", "header", ("freeswitch", "header"), _limited(HEADER_LENGTH, "page header")),
    Row("freeswitch", "verbose", ("freeswitch", "verbose"), _flag),
    Row("freeswitch", "softmodemfallback", ("freeswitch", "softmodem_fallback"), _flag),
    Row("hylafax", "spooldir", ("hylafax", "spooldir"), _spooldir),
    Row("hylafax", "modems", ("hylafax", "modems"), _modems),
    Row("hylafax", "xferfaxlog", ("hylafax", "xferfaxlog"), _text),
    Row("gofaxd", "enablet38", ("inbound", "enable_t38"), _flag),
    Row("gofaxd", "requestt38", ("inbound", "request_t38"), _flag),
    Row("gofaxd", "recipientfromdiversionheader", ("inbound", "recipient_from"), _diversion),
    Row("gofaxd", "answerafter", ("inbound", "answer_after"), _number),
    Row("gofaxd", "waittime", ("inbound", "wait_time"), _number),
    Row("gofaxd", "faxrcvdcmd", ("inbound", "faxrcvd"), _faxrcvd),
    Row("gofaxd", "dynamicconfig", ("inbound", "dynamic_config"), _text),
    Row("gofaxd", "allocateinbounddevices", ("inbound", "allocate_modems"), _allocate),
    Row("gofaxsend", "enablet38", ("outbound", "enable_t38"), _flag),
    Row("gofaxsend", "requestt38", ("outbound", "request_t38"), _flag),
    Row("gofaxsend", "faxnumber", ("outbound", "fax_number"), _text),
    Row("gofaxsend", "callprefix", ("outbound", "call_prefix"), _text),
    Row("gofaxsend", "dynamicconfig", ("outbound", "dynamic_config"), _text),
    Row("gofaxsend", "disablev17afterretry", ("outbound", "disable_v17_after_retry"), _atoi),
    Row("gofaxsend", "disableecmafterretry", ("outbound", "disable_ecm_after_retry"), _atoi),
    Row("gofaxsend", "cidname", ("outbound", "cid_name"), _text),
    Row("gofaxsend", "failedresponse", ("outbound", "failed_response"), _causes),
)


def _servers(parsed: Parsed, path: str, result: Conversion) -> None:
    """The event socket from ``socket`` (``host:port``, ``:port``, ``[address]:port``) and ``password``."""
    socket = parsed.pop(("freeswitch", "socket"), None)
    password = parsed.pop(("freeswitch", "password"), None)
    if socket is None or not socket.texts:
        result.notes.append(f"{path}: freeswitch.socket: is not set, and GOfax.IP needs it; our default is taken")
    default = Config().freeswitch.servers[0]
    host, port = default.host, default.port
    if socket is not None and socket.texts:
        name, colon, digits = socket.texts[-1].rpartition(":")
        if not colon or not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
            result.problems.append(f"{path}:{socket.line}: freeswitch.socket: {socket.texts[-1]!r} is no HOST:PORT")
            return
        host, port = name.removeprefix("[").removesuffix("]") or host, int(digits)
    secret = password.texts[-1] if password is not None and password.texts else ""
    result.settings["freeswitch"]["servers"] = [{"host": host, "port": port, "password": secret}]


def _rendered(settings: dict[str, dict[str, object]], path: str) -> str:
    """The settings as YAML.  Texts, numbers, true, false and lists are written as JSON, which YAML reads as well."""
    lines = [
        f"# Made from GOfax.IP's {_comment(path)} by gofaxctl import-config.  Keys that are not here have their defaults:",
        "# see the gofax.yaml that came with this program.", "",
    ]
    for section, keys in settings.items():
        lines.append(f"{section}:" if keys else f"{section}: {{}}")
        lines.extend(f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items())
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _comment(path: str) -> str:
    return "".join(char for char in path if char.isprintable())
