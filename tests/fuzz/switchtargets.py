"""Invariants of what goes to FreeSWITCH and comes from it, and of what operators and callers say."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from fuzz.ground import Directory, clean, install_console, text_of, texts_of
from gofaxpy.config.file import ConfigError, load
from gofaxpy.config.keys import Config, HylaFax, fields_of
from gofaxpy.inbound import qualify, recipient
from gofaxpy.modems.faxq import FAXQ
from gofaxpy.modems.getty import Getty
from gofaxpy.send.process import UsageError, parse
from gofaxpy.setting import Setting
from gofaxpy.switch import dialstring, esl, eventtext
from gofaxpy.switch.arguments import decode_args, encode_args
from gofaxpy.switch.boundary import Call
from gofaxpy.switch.clean import incoming, one_line, outgoing, raw_bytes
from gofaxpy.switch.db import Db, DbError
from gofaxpy.switch.errors import LocalProtocolError, RemoteProtocolError
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.guard import report
from gofaxpy.switch.hangup import CallEnd
from mocks.channel import expand
from mocks.sip.dialstring import parse_application, parse_dialstring, parse_originate
from mocks.sip.tokens import separate

_place = Directory()
_console = install_console()
_GREETED = b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n"


def configuration(data: bytes) -> None:
    try:
        config = load(_place.file("gofax.yaml", data))
    except ConfigError as error:
        assert error.problems and all(problem.count("\n") == 0 for problem in error.problems)
        return
    for section, kind in fields_of(Config).items():
        assert isinstance(getattr(config, section), kind)
    assert "\n" not in config.hylafax.spooldir and "\0" not in config.hylafax.spooldir
    Setting.of(config)


def event_socket(data: bytes) -> None:
    """However the bytes are cut, the same frames come out."""
    whole = _frames([_GREETED + data])
    cuts = sorted(number % (len(data) + 1) for number in data[:8])
    pieces = [data[start:end] for start, end in itertools.pairwise([0, *cuts, len(data)])]
    assert _frames([_GREETED, *pieces]) == whole
    if len(data) < 300:
        assert _frames([(_GREETED + data)[at:at + 1] for at in range(len(_GREETED + data))]) == whole


def _frames(pieces: list[bytes]) -> list[str]:
    connection = esl.Connection()
    found: list[str] = []
    try:
        for piece in [*filter(None, pieces), b""]:
            connection.receive(piece)
            while connection.state is not esl.State.CLOSED:
                frame = connection.next_frame()
                if isinstance(frame, esl.NeedData):
                    break
                found.append(repr(frame))
                if isinstance(frame, esl.EventFrame):
                    for value in frame.headers.values():
                        assert one_line(value) == value, "a header that ends its line"
                    CallEnd.from_headers(frame.headers)
                    CallEnd.from_reply(frame.body).describe()
    except RemoteProtocolError:
        found.append("not to be understood")
    return found


def event_socket_commands(data: bytes) -> None:
    texts = texts_of(data, 3)
    for make in (
        partial(esl.api, texts[0], texts[1]), partial(esl.bgapi, *texts), partial(esl.filter, texts[0], texts[1]),
        partial(esl.event_plain, texts), partial(esl.auth, texts[0]),
    ):
        try:
            command = make()
        except LocalProtocolError as error:
            assert make.func is not esl.auth or str(error).startswith("the password ")
            continue
        assert command.endswith(b"\n\n") and command.count(b"\n\n") == 1 and b"\r" not in command and b"\0" not in command


def event_text(data: bytes) -> None:
    record = eventtext.event_record(data.decode("utf-8", "surrogateescape"))
    if record is None:
        return
    for value in (record.name, record.subclass, record.uuid, *record.headers.values()):
        clean(value)
    fax = FaxResult.from_event(record.headers)
    if fax is not None:
        assert FaxResult.from_facts(json.loads(json.dumps(fax.facts()))) == fax
        for text in (fax.text, fax.remote_station, fax.t38_status, fax.encoding_name):
            clean(text)
    clean(CallEnd.from_headers(record.headers).describe())


def call_order(data: bytes) -> None:
    """What FreeSWITCH makes of the command that places a call is what was meant, and nothing else."""
    ident, header, name, number, dialled, gateway = texts_of(data, 6)
    meant = {
        "origination_caller_id_name": dialstring.caller_name(name), "fax_ident": dialstring.fax_ident(ident),
        "origination_caller_id_number": dialstring.caller_number(number), "fax_header": dialstring.fax_header(header),
        "override": name,
    }
    try:
        command = dialstring.originate(meant, gateway or "default", dialled or "4711", "outbound_fax", "1-000000001")
    except dialstring.DialstringError:
        return
    assert "\n" not in command
    read = parse_originate(command.removeprefix("originate "))
    assert read is not None and parse_application(read.extension) == ("python", "outbound_fax 1-000000001"), command
    call = parse_dialstring(read.dialstring)
    assert dict(call.variables) == {key: value for key, value in meant.items() if value}, command
    [[leg]] = call.alternatives
    assert leg.endpoint == "sofia" and not leg.variables and ":_:" not in command
    assert leg.target == f"gateway/{gateway or 'default'}/{dialstring.dialable(dialled or '4711')}"
    for value in dict(call.variables).values():
        assert expand.expand("${x}", {"x": value}.get, _never_run) is not None


def dialled_number(data: bytes) -> None:
    text = text_of(data)
    try:
        number = dialstring.dialable(text)
    except dialstring.DialstringError as error:
        clean(str(error).encode("ascii", "backslashreplace").decode())
        return
    assert set(number) <= set("0123456789*#+") and dialstring.dialable(number) == number


def channel_variable(data: bytes) -> None:
    """What is set is what was asked for, or nothing; and an application that reads it runs no command."""
    value = text_of(data)
    session = _Session()
    call = Call(session, pause=lambda seconds: None)
    if call.set("gofax_document", value):
        assert session.values["gofax_document"] == outgoing(value)
        call.execute("txfax", "${gofax_document}")
        expand.expand("${gofax_document}", session.values.get, _never_run)
    else:
        assert not session.values.get("gofax_document")
    try:
        call.execute("rxfax", value)
    except ValueError:
        return
    expand.expand(value, session.values.get, _never_run)


class _Session:
    """A channel as it is easily hurt: the switch dies of text that is no UTF-8."""

    def __init__(self) -> None:
        self.values = {"uuid": "0f", "caller": "${system(touch /tmp/x)}"}

    def getVariable(self, name: str, /) -> str | None:
        return self.values.get(name)

    def setVariable(self, name: str, value: str, /) -> None:
        value.encode()
        assert "\0" not in value
        self.values[name] = value

    def execute(self, app: str, data: str, /) -> None:
        data.encode()

    def ready(self) -> bool:
        return True

    def hangup(self, cause: str, /) -> None:
        """Nobody is there."""


def _never_run(name: str, arguments: str) -> str:
    raise AssertionError(f"FreeSWITCH ran {name} {arguments}")


def from_the_network(data: bytes) -> None:
    for value in (data, data.decode("utf-8", "surrogateescape"), text_of(data)):
        clean(incoming(value))
        incoming(value, multiline=True).encode()
        assert len(incoming(value)) <= 1024
    text = data.decode("utf-8", "surrogateescape")
    assert raw_bytes(text) == data
    outgoing(text).encode()
    for line in report("script", ValueError(text)):
        outgoing(one_line(line)).encode()


def sip_address(data: bytes) -> None:
    header = incoming(data)
    number = recipient.number_of(header)
    clean(number)
    assert len(number) <= len(header) and number == number.strip()


def mod_db(data: bytes) -> None:
    """mod_db is asked for what was meant; ``select`` of one key never becomes another command."""
    realm, key, value = texts_of(data, 3)
    asked: list[str] = []

    def api(command: str, args: str) -> str:
        assert command == "db"
        asked.append(args)
        return value or "+OK"

    db = Db(api)
    commands: list[tuple[Callable[[], object], list[str]]] = [
        (partial(db.insert, realm, key, value), ["insert", realm, key, value]),
        (partial(db.select, realm, key), ["select", realm, key]), (partial(db.exists, realm, key), ["exists", realm, key]),
        (partial(db.delete, realm, key), ["delete", realm, key]), (partial(db.keys, realm), ["list", realm]),
    ]
    for act, meant in commands:
        asked.clear()
        with suppress(DbError):
            act()
        for args in asked:
            assert separate(args, "/", 4) == meant and "\n" not in args, args
            args.encode()


def script_arguments(data: bytes) -> None:
    with suppress(ValueError):
        decode_args(text_of(data))
    texts = dict(zip("abc", texts_of(data, 3), strict=True))
    assert decode_args(encode_args(texts)) == json.loads(json.dumps(texts))


def command_line(data: bytes) -> None:
    words = [part.decode("utf-8", "surrogateescape") for part in data.split(b"\0")]
    try:
        line = parse(words)
    except UsageError:
        return
    assert line.version or (line.device and line.qfiles and not any(name.startswith("-") for name in line.qfiles))


def qualify_tsi(data: bytes) -> None:
    rules, tsi = data.rsplit(b"\n", 1) if b"\n" in data else (data, b"")
    problems: list[str] = []
    qualify.accepts(_place.file("tsi", rules[:80]), incoming(tsi, 20), problems)


def fifo_commands(data: bytes) -> None:
    """Whatever is written into a modem's FIFO, the getty goes on, and tells faxq nothing but what it means to."""
    getty = _getty()
    [(descriptor, modem)] = getty.descriptors().items()
    FAXQ._messages = {}
    if data:
        os.write(descriptor, data[:4096])
    getty.read(modem)
    said, FAXQ._messages = FAXQ._messages, {}
    for told in itertools.chain(*said.values()):
        clean(told)
        assert told.startswith("+freeswitch0:") and told[13] in "NRBDI", told


def _getty() -> Getty:
    if not _kept:
        root = _place.spool()
        config = Config(hylafax=HylaFax(spooldir=root, lock_dir=os.path.join(root, "lock"), modems=1))
        _kept.append(Getty(Setting.of(config), _nobody_to_abort, lambda: 0.0))
    return _kept[0]


_kept: list[Getty] = []


def _nobody_to_abort(uuid: str) -> None:
    raise AssertionError(f"no call is there that {uuid} could be")
