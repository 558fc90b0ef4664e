"""The boundary to FreeSWITCH, with plain objects in the place of mod_python3's."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from gofaxpy.switch.boundary import Api, Call, Events, Reply, log

RAW = b"M\xfcller".decode("utf-8", "surrogateescape")


class Session:
    """A channel as mod_python3 shows it.  ``strict``: refuses ``${`` without a word, as the dialstring parser does."""

    def __init__(self, variables: dict[str, str] | None = None, strict: bool = False, up: int = 1000) -> None:
        self.variables = {"uuid": "u-1", **(variables or {})}
        self.strict = strict
        self.up = up                    # so many times ready() still says yes
        self.done: list[tuple[str, str]] = []

    def getVariable(self, name: str) -> str | None:
        return self.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:
        value.encode()                  # the real one crashes
        assert "\0" not in value
        if not value:
            self.variables.pop(name, None)
        elif not (self.strict and "${" in value):
            self.variables[name] = value

    def execute(self, app: str, data: str) -> None:
        self.done.append((app, data))

    def ready(self) -> bool:
        self.up -= 1
        return self.up >= 0

    def hangup(self, cause: str) -> None:
        self.done.append(("session.hangup", cause))


def call(session: Session) -> Call:
    return Call(session, pause=lambda seconds: None)


def test_variables_come_out_clean_and_unset_ones_empty() -> None:
    channel = call(Session({"caller_id_name": RAW + "\r\nX: y"}))
    assert channel.uuid == "u-1"
    assert channel.get("caller_id_name") == "M\ufffdller  X: y"
    assert channel.get("nothing") == ""


def test_what_is_set_is_made_harmless_and_read_back() -> None:
    session = Session()
    channel = call(session)
    assert channel.set("fax_header", RAW + "\0x") is True
    assert session.variables["fax_header"] == "M\ufffdller x"
    channel.unset("fax_header")
    assert "fax_header" not in session.variables
    assert channel.set("fax_header", "") is True


@pytest.mark.parametrize("value", ["${uuid}", "a${system(reboot)}", "$${hostname}", "$\\{x}", "x" * 4097])
@pytest.mark.parametrize("strict", [True, False])
def test_a_value_that_would_be_expanded_is_refused_and_the_variable_unset(value: str, strict: bool) -> None:
    session = Session({"gofax_document": "/old.tif"}, strict=strict)
    assert call(session).set("gofax_document", value) is False
    assert "gofax_document" not in session.variables


def test_a_value_that_the_switch_does_not_keep_is_not_taken_for_set() -> None:
    class Forgetful(Session):
        def setVariable(self, name: str, value: str) -> None:
            self.variables[name] = value[:3]

    session = Forgetful()
    assert call(session).set("x", "abcdef") is False
    assert call(session).get("x") == ""


@pytest.mark.parametrize("name", ["", "a b", "a=b", "${x}", "1a", "x" * 200, "a\n"])
def test_the_name_of_a_variable_is_checked(name: str) -> None:
    channel = call(Session())
    for use in (channel.get, channel.unset):
        with pytest.raises(ValueError, match="no name of a variable"):
            use(name)
    with pytest.raises(ValueError, match="no name of a variable"):
        channel.set(name, "x")


def test_applications_get_plain_data_and_variables_that_were_set_here() -> None:
    session = Session({"caller_id_name": "${system(x)}"})
    channel = call(session)
    channel.set("gofax_document", "/var/spool/hylafax/x y.tif")
    channel.execute("rxfax", "${gofax_document}")
    channel.execute("sched_hangup", "+3 NORMAL_CLEARING")
    channel.execute("playback", "${uuid}.wav")
    channel.execute("ring_ready")
    assert session.done == [
        ("rxfax", "${gofax_document}"), ("sched_hangup", "+3 NORMAL_CLEARING"), ("playback", "${uuid}.wav"),
        ("ring_ready", ""),
    ]


@pytest.mark.parametrize("data", [
    "${system(reboot)}", "${caller_id_name}", "$1", "a;b", "it's", 'a"b', "a\\b", "a\nb", "a{b}", "^^:x|y", "ü",
    "x" * 1025, "${gofax_document", "${a${b}}",
])
def test_data_that_could_be_expanded_or_split_is_refused(data: str) -> None:
    session = Session({"caller_id_name": "x"})
    with pytest.raises(ValueError, match=r"not safe as data|was not set here"):
        call(session).execute("rxfax", data)
    assert session.done == []


@pytest.mark.parametrize("app", ["", "System", "a b", "a(b)", "1x"])
def test_the_name_of_an_application_is_checked(app: str) -> None:
    with pytest.raises(ValueError, match="no name of an application"):
        call(Session()).execute(app)


def test_a_call_is_up_only_if_it_says_so_twice() -> None:
    pauses: list[float] = []
    assert Call(Session(up=1), pauses.append).ready() is False
    assert len(pauses) == 1 and pauses[0] > 0
    assert call(Session(up=0)).ready() is False
    assert call(Session(up=2)).ready() is True


def test_waiting_is_an_application() -> None:
    session = Session()
    channel = call(session)
    channel.sleep(2000)
    channel.sleep(0)
    assert session.done == [("sleep", "2000")]


def test_a_call_is_refused_with_a_sip_status() -> None:
    session = Session()
    channel = call(session)
    channel.respond(404)
    channel.respond("503 Fax Storage Unavailable")
    assert session.done == [("respond", "404"), ("respond", "503 Fax Storage Unavailable")]
    for wrong in ("200", "700", "404\r\nX: y", "40", "busy", "404 ${x}"):
        with pytest.raises(ValueError, match="no SIP status"):
            channel.respond(wrong)


def test_a_call_is_hung_up_with_a_cause_that_exists() -> None:
    session = Session()
    channel = call(session)
    channel.hangup()
    channel.hangup("user_busy")
    assert session.done == [("session.hangup", "NORMAL_CLEARING"), ("session.hangup", "USER_BUSY")]
    with pytest.raises(ValueError, match="no hangup cause"):
        channel.hangup("BUSY_I_THINK")


class FakeApi:
    """mod_python3's API with prepared replies."""

    def __init__(self, *replies: str | None) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, str]] = []

    def execute(self, command: str, data: str) -> str | None:
        self.asked.append((command, data))
        return self.replies.pop(0)


def test_commands_give_their_reply_clean() -> None:
    api = FakeApi("+OK", RAW + "\nsecond\0", None)
    assert Api(api).command("db", "insert/r/k/v") == "+OK"
    assert Api(api).command("status") == "M\ufffdller\nsecond "
    assert Api(api).command("db", "select/r/none") == ""
    assert api.asked == [("db", "insert/r/k/v"), ("status", ""), ("db", "select/r/none")]


@pytest.mark.parametrize("name", ["originate", "Originate", "ORIGINATE", "msleep", "python", "pyrun", "system", "fsctl"])
def test_commands_that_wait_are_refused(name: str) -> None:
    api = FakeApi()
    with pytest.raises(ValueError, match="must not be called"):
        Api(api).command(name, "x")
    assert api.asked == []


@pytest.mark.parametrize(("name", "args"), [("", ""), ("a b", ""), ("db", RAW), ("db", "a\0b"), ("db", "a\nb")])
def test_what_the_switch_cannot_take_is_not_given_to_it(name: str, args: str) -> None:
    api = FakeApi()
    with pytest.raises(ValueError, match=r"no name of an API command|cannot take"):
        Api(api).command(name, args)
    assert api.asked == []


UUID = "0d70adad-ad04-4a1e-becc-c882b4133c6f"


def test_a_job_in_the_background_has_the_uuid_it_was_given() -> None:
    api = FakeApi(f"+OK Job-UUID: {UUID}\n")
    assert Api(api).background(UUID, "originate null/x &park()") == f"+OK Job-UUID: {UUID}\n"
    assert api.asked == [("bgapi", f"uuid:{UUID} originate null/x &park()")]


@pytest.mark.parametrize("uuid", ["", "x", UUID + "0", UUID + " ", UUID[:-1] + "\n", UUID.replace("-", "")])
def test_only_a_uuid_of_the_right_length_gets_to_the_switch(uuid: str) -> None:
    api = FakeApi()
    with pytest.raises(ValueError, match="no UUID"):
        Api(api).background(uuid, "originate x")
    assert api.asked == []


@pytest.mark.parametrize("reply", ["-ERR Invalid syntax\n", "INVALID COMMAND!\n", ""])
def test_a_job_that_the_switch_does_not_take_is_an_error(reply: str) -> None:
    with pytest.raises(ValueError, match="does not take the command"):
        Api(FakeApi(reply)).background(UUID, "originate x")


def test_replies_of_scripts_can_be_encoded() -> None:
    written: list[str] = []
    Reply(SimpleNamespace(write=written.append)).write(f"+OK {RAW}\n")
    assert written == ["+OK M\ufffdller\n"]


class Consumer:
    """mod_python3's EventConsumer."""

    def __init__(self, name: str, subclass: str) -> None:
        self.bound = [(name, subclass)]
        self.waiting: list[str] = []
        self.refuses = ""

    def bind(self, name: str, subclass: str) -> int:
        self.bound.append((name, subclass))
        return 0 if name == self.refuses else 1

    def pop(self, block: int) -> SimpleNamespace | None:
        assert block == 0
        if not self.waiting:
            return None
        text = self.waiting.pop(0)
        return SimpleNamespace(serialize=lambda: text)


def test_events_are_bound_and_given_out_clean_in_their_order() -> None:
    made: list[Consumer] = []

    def make(name: str, subclass: str) -> Consumer:
        made.append(Consumer(name, subclass))
        return made[-1]

    events = Events([("SHUTDOWN", ""), ("CUSTOM", "spandsp::rxfaxresult")], make)
    (consumer,) = made
    assert consumer.bound == [("SHUTDOWN", ""), ("CUSTOM", "spandsp::rxfaxresult")]
    assert events.next() is None
    consumer.waiting = [
        "Event-Name: CUSTOM\nEvent-Subclass: spandsp%3A%3Arxfaxresult\nUnique-ID: u-1\n"
        "fax-remote-station-id: M%FCller%0AEvent-Name%3A%20FORGED\nfax-remote-country: _undef_\n\n",
        "no event at all",
        "Event-Name: SHUTDOWN\nContent-Length: 4\n\nbody",
    ]
    first = events.next()
    assert first is not None
    assert (first.name, first.subclass, first.uuid) == ("CUSTOM", "spandsp::rxfaxresult", "u-1")
    assert first.headers["fax-remote-station-id"] == "M\ufffdller Event-Name: FORGED"
    assert first.headers["fax-remote-country"] == ""
    second = events.next()
    assert second is not None and (second.name, second.uuid) == ("SHUTDOWN", "")
    assert "body" not in second.headers
    assert events.next() is None


def test_without_events_there_is_no_consumer() -> None:
    with pytest.raises(ValueError, match="no events"):
        Events([], Consumer)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A module ``freeswitch`` that notes what is logged."""
    lines: list[tuple[str, str]] = []
    made = SimpleNamespace(
        consoleLog=lambda level, text: lines.append((level, text)), lines=lines,
        API=lambda: FakeApi("from the module"), EventConsumer=Consumer,
    )
    monkeypatch.setitem(sys.modules, "freeswitch", made)
    return made


def test_a_log_line_is_one_line_and_can_be_encoded(module: SimpleNamespace) -> None:
    log("warning", f"{RAW}\n2026-01-01 [CRIT] forged\x1b[31m %s %n")
    log("loud", "x" * 5000)
    assert module.lines[0] == ("warning", "gofax: M\ufffdller 2026-01-01 [CRIT] forged [31m %s %n\n")
    level, text = module.lines[1]
    assert level == "info" and len(text) < 2100


def test_the_module_is_used_where_nothing_else_is_given(module: SimpleNamespace) -> None:
    assert Api().command("status") == "from the module"
    assert Events([("SHUTDOWN", "")]).next() is None


def test_an_event_that_cannot_be_bound_is_logged(module: SimpleNamespace) -> None:
    class Refusing(Consumer):
        def __init__(self, name: str, subclass: str) -> None:
            super().__init__(name, subclass)
            self.refuses = "NO_SUCH"

    Events([("SHUTDOWN", ""), ("NO_SUCH", "")], Refusing)
    assert module.lines == [("err", "gofax: FreeSWITCH does not bind to event NO_SUCH\n")]
