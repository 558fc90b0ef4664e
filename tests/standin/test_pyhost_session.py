"""`freeswitch.Session` and the functions of the module: results as on FreeSWITCH 1.10.12."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mocks.host.bare import BareChannel, started
from mocks.host.pyhost import ChannelLike, Quirks

HEAD = """
import freeswitch, sys
def told(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
def handler(session, args):
    say = lambda *values: session.setVariable("said", repr(values))
"""


def said(tmp_path: Path, body: str, channel: BareChannel | None = None, **options: Any) -> Any:
    """What `say(…)` in the handler's `body` was given, on `channel`."""
    script = HEAD + "".join(f"    {line}\n" for line in body.strip().split("\n"))
    channel = channel or BareChannel()
    with started(str(tmp_path), {"probe": script}, **options) as (switch, host):
        switch.add_channel(channel)
        host.application(channel, "probe")
        errors = [text for level, text in switch.lines if level <= 3]
        assert "said" in channel.variables, errors
        return eval(channel.variables["said"])


def test_variables_come_and_go(tmp_path: Path) -> None:
    body = """
session.setVariable("a", "x"); session.setVariable("b", "y"); session.setVariable("b", None)
session.setVariable("c", "z"); session.setVariable("c", ""); session.setVariable("d", "cut\\0off")
names = "a", "b", "c", "d", "never", "", None
say(*(session.getVariable(name) for name in names))
"""
    assert said(tmp_path, body) == ("x", None, None, "cut", None, None, None)


def test_builds_that_check_refuse_an_expansion_and_the_variable_stays_unset(tmp_path: Path) -> None:
    script = "def handler(session, args):\n    session.setVariable('evil', 'a${uuid}b')\n"
    with started(str(tmp_path), {"probe": script}, Quirks(refuse_expansions=True)) as (switch, host):
        channel = BareChannel()
        host.application(channel, "probe")
        assert "evil" not in channel.variables
        assert (2, "Invalid data (${evil} contains a variable)") in switch.lines


def test_an_expansion_is_stored_as_it_is(tmp_path: Path) -> None:
    body = "session.setVariable('evil', 'a${uuid}b'); session.setVariable('ok', '$x {y}'); say(session.getVariable('evil'))"
    channel = BareChannel()
    assert said(tmp_path, body, channel) == ("a${uuid}b",)
    assert channel.variables["ok"] == "$x {y}"


def test_bytes_that_are_not_utf8_arrive_as_lone_surrogates(tmp_path: Path) -> None:
    channel = BareChannel()
    channel.variables["fax_remote_station_id"] = b"M\xfcller".decode("utf-8", "surrogateescape")
    channel.variables["caller_id_name"] = "Jürgen 🖷"
    body = "say(ascii(session.getVariable('fax_remote_station_id')), session.getVariable('caller_id_name'))"
    assert said(tmp_path, body, channel) == (r"'M\udcfcller'", "Jürgen 🖷")


def test_arguments_of_other_types_are_refused_with_the_wrappers_words(tmp_path: Path) -> None:
    body = """
say(told(session.setVariable, "v", 5), told(session.setVariable, "v", b"x"), told(session.sleep, 1.5),
    told(session.setAutoHangup, 1), told(freeswitch.msleep, -1), told(freeswitch.consoleLog, "notice", 5),
    told(freeswitch.API().execute, 1), told(freeswitch.CoreSession))
"""
    assert said(tmp_path, body) == (
        "TypeError: in method 'CoreSession_setVariable', argument 3 of type 'char *'",
        "TypeError: in method 'CoreSession_setVariable', argument 3 of type 'char *'",
        "TypeError: in method 'CoreSession_sleep', argument 2 of type 'int'",
        "TypeError: in method 'CoreSession_setAutoHangup', argument 2 of type 'bool'",
        "OverflowError: in method 'msleep', argument 1 of type 'unsigned int'",
        "TypeError: in method 'consoleLog', argument 2 of type 'char *'",
        "TypeError: in method 'API_execute', argument 2 of type 'char const *'",
        "AttributeError: No constructor defined - class is abstract",
    )


def test_states_of_a_call_before_and_after_the_answer(tmp_path: Path) -> None:
    body = """
before = session.ready(), session.answered(), session.mediaReady(), session.getState(), session.bridged()
answered = session.answer()
say(before, answered, session.answered(), session.mediaReady(), session.uuid == session.get_uuid())
"""
    assert said(tmp_path, body) == ((True, False, False, "CS_EXECUTE", False), 1, True, True, True)


def test_applications_get_name_and_data(tmp_path: Path) -> None:
    body = """
session.execute("rxfax", "/tmp/a b.tif"); session.execute("answer"); session.execute("")
say(session.sleep(1), session.streamFile("silence_stream://1"), session.transfer("900", "XML", "fax"), session.preAnswer())
"""
    channel = BareChannel()
    assert said(tmp_path, body, channel) == (1, 1, 1, 1)
    assert channel.executed == [
        ("rxfax", "/tmp/a b.tif"),
        ("answer", ""),
        ("sleep", "1"),
        ("playback", "silence_stream://1"),
        ("transfer", "900 XML fax"),
        ("pre_answer", ""),
    ]


def test_handler_goes_on_after_the_hangup_and_cannot_read_its_cause(tmp_path: Path) -> None:
    body = """
session.hangup("user_busy")
session.setVariable("late", "1")
say(session.ready(), session.getState(), session.hangupCause(), session.getVariable("hangup_cause"), session.getVariable("late"))
"""
    channel = BareChannel()
    assert said(tmp_path, body, channel) == (False, "CS_HANGUP", "NONE", None, "1")
    assert channel.cause == "USER_BUSY"


def test_call_is_left_alone_when_the_script_ends_unless_told_otherwise(tmp_path: Path) -> None:
    channel = BareChannel()
    said(tmp_path, "say()", channel)
    assert channel.ready()
    said(tmp_path, "session.setAutoHangup(True); say()", channel)
    assert (channel.ready(), channel.cause) == (False, "NORMAL_CLEARING")


def test_session_kept_by_the_script_still_reaches_its_call(tmp_path: Path) -> None:
    script = """
import sys
def handler(session, args):
    sys.kept = session
def fsapi(session, stream, env, args):
    stream.write(sys.kept.getVariable("uuid"))
    sys.kept.destroy()
    stream.write(sys.kept.get_uuid())
"""
    with started(str(tmp_path), {"keep": script}) as (_switch, host):
        channel = BareChannel()
        host.application(channel, "keep")
        assert host.api("keep") == channel.uuid + "uninitialized"


def test_object_without_a_call_answers_like_the_real_one(tmp_path: Path) -> None:
    body = """
x = freeswitch.Session()
say(x.ready(), x.getVariable("a"), x.setVariable("a", "b"), x.execute("a", "b"), x.answer(), x.getState(), x.get_uuid(),
    x.uuid, x.hangupCause(), x.sleep(10), x.hangup(), x.streamFile("x"), x.answered(), x.mediaReady())
"""
    assert said(tmp_path, body.replace("Session()", "Session(None)")) == said(tmp_path, body)
    assert said(tmp_path, body) == (
        False, "", None, None, -1, "ERROR", "uninitialized", None, "NONE", -1, None, -1, False, False
    )  # fmt: skip


def test_session_is_found_by_uuid_and_not_hung_up_when_the_object_goes(tmp_path: Path) -> None:
    channel = BareChannel("4c3c7c3e-0001")
    body = "other = freeswitch.Session('4c3c7c3e-0001'); ready = other.ready(); del other; say(ready, session.ready())"
    assert said(tmp_path, body, channel) == (True, True)


def test_dialled_session_knows_its_cause_and_is_hung_up_when_the_object_goes(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    good = freeswitch.Session("sofia/far/1000")
    bad = freeswitch.Session("sofia/far/2000")
    stream.write(repr((good.ready(), good.hangupCause(), bad.ready(), bad.hangupCause(), bad.uuid)))
"""
    with started(str(tmp_path), {"dial": script}) as (switch, host):
        leg = BareChannel()
        legs: dict[str, tuple[ChannelLike | None, str]] = {
            "sofia/far/1000": (leg, "SUCCESS"), "sofia/far/2000": (None, "USER_BUSY")
        }  # fmt: skip
        for dialstring, outcome in legs.items():
            switch.dial[dialstring] = lambda outcome=outcome: outcome  # type: ignore[misc]
        assert host.api("dial") == repr((True, "SUCCESS", False, "USER_BUSY", None))
        assert (leg.ready(), leg.cause) == (False, "NORMAL_CLEARING")


@pytest.mark.parametrize(
    ("call", "level"),
    [
        ("'console'", 0), ("'ALERT'", 1), ("'Crit'", 2), ("'err'", 3), ("'warning'", 4), ("'notice'", 5), ("'info'", 6),
        ("'debug'", 7), ("'3'", 3), ("'99'", 7), ("'error'", 7), ("'warn'", 7), ("None", 7),
    ],
)  # fmt: skip
def test_log_levels_have_the_switchs_names_and_anything_else_is_debug(tmp_path: Path, call: str, level: int) -> None:
    script = f"import freeswitch\ndef fsapi(*args):\n    freeswitch.consoleLog({call}, 'a line\\n')\n"
    with started(str(tmp_path), {"log": script}) as (switch, host):
        host.api("log")
        assert (level, "a line\n") in switch.lines


def test_api_runs_commands_of_the_switch(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    api = freeswitch.API()
    freeswitch.setGlobalVariable("g", "1")
    stream.write(repr((api.execute("echo", "a b"), api.executeString("echo c d"), api.execute("echo"), api.execute("nosuch"),
        api.execute(""), api.executeString(None), api.getTime().isdigit(), freeswitch.getGlobalVariable("g"),
        freeswitch.getGlobalVariable("h"), freeswitch.running())))
"""
    with started(str(tmp_path), {"commands": script}) as (switch, host):
        switch.commands["echo"] = lambda args: f"<{args}>"
        assert eval(host.api("commands")) == (
            "<a b>", "<c d>", "<>", "INVALID COMMAND!\n", "-ERR No application specified", "-ERR No application specified",
            True, "1", None, True,
        )  # fmt: skip


def test_what_fails_in_the_stand_in_itself_is_told_to_the_script_and_the_log(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    try:
        freeswitch.API().execute("broken", "")
    except RuntimeError as error:
        stream.write(str(error))
"""
    with started(str(tmp_path), {"broken": script}) as (switch, host):

        def broken(args: str) -> str:
            raise ValueError("not written yet")

        switch.commands["broken"] = broken
        assert "ValueError: not written yet" in host.api("broken")
        assert any(level == 3 and "Traceback" in text for level, text in switch.lines)


def test_threads_of_a_script_reach_the_switch_too(tmp_path: Path) -> None:
    script = """
import freeswitch, threading
def handler(session, args):
    def work(number):
        session.setVariable(f"thread{number}", "was here")
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    with started(str(tmp_path), {"threads": script}) as (_switch, host):
        channel = BareChannel()
        host.application(channel, "threads")
        assert [channel.variables.get(f"thread{number}") for number in range(8)] == ["was here"] * 8


def test_stream_takes_text_and_raw_bytes(tmp_path: Path) -> None:
    script = """
def fsapi(session, stream, env, args):
    stream.write("ü"); stream.write(None); stream.write("a\\0b"); stream.raw_write("rawdata", 3)
    stream.write(stream.get_data())
"""
    with started(str(tmp_path), {"writing": script}) as (_switch, host):
        assert host.api("writing") == "üaraw" * 2
