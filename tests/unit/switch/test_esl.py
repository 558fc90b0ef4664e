"""The event socket's protocol, on recorded conversations of a real FreeSWITCH and on broken ones."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.switch import esl
from gofaxpy.switch.errors import LocalProtocolError, RemoteProtocolError

TRANSCRIPTS = sorted((Path(__file__).parents[2] / "data" / "transcripts").glob("*.jsonl"))
GREETING = b"Content-Type: auth/request\n\n"
ACCEPTED = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"


def spoken(path: Path) -> bytes:
    """Everything the switch said."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return b"".join(line["data"].encode("latin-1") for line in lines if line["dir"] == "s")


def frames(data: bytes, cuts: list[int]) -> list[esl.Frame]:
    """All frames of ``data`` when it comes in pieces cut at these places, and then the end of the stream."""
    connection = esl.Connection()
    found: list[esl.Frame] = []
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        if start != end:
            connection.receive(data[start:end])
        while connection.state is not esl.State.CLOSED:
            frame = connection.next_frame()
            if isinstance(frame, esl.NeedData):
                break
            found.append(frame)
    if connection.state is not esl.State.CLOSED:
        connection.receive(b"")
        frame = connection.next_frame()
        assert isinstance(frame, esl.Disconnect)
        found.append(frame)
    return found


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 16


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_conversation_gives_the_same_frames_in_whatever_pieces_it_comes(path: Path) -> None:
    data = spoken(path)
    whole = frames(data, [])
    assert len(whole) == data.count(b"Content-Type: ") + (0 if b"disconnect-notice" in data else 1)
    assert isinstance(whole[0], esl.AuthRequest) and isinstance(whole[-1], esl.Disconnect)
    assert not [frame for frame in whole if isinstance(frame, esl.OtherFrame)]
    assert frames(data, list(range(len(data)))) == whole
    for size in (2, 3, 7, 61, 1009):
        assert frames(data, list(range(0, len(data), size))) == whole


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TRANSCRIPTS), st.data())
def test_a_frame_may_be_split_anywhere(path: Path, data: st.DataObject) -> None:
    said = spoken(path)
    cuts = data.draw(st.lists(st.integers(0, len(said)), max_size=12))
    assert frames(said, cuts) == frames(said, [])


def recorded(name: str) -> list[esl.Frame]:
    return frames(spoken(next(path for path in TRANSCRIPTS if path.stem == name)), [])


def test_replies_and_results_are_told_apart() -> None:
    found = recorded("commands-2")
    replies = [frame.text for frame in found if isinstance(frame, esl.CommandReply)]
    assert replies[0] == "+OK accepted" and "-ERR command not found" in replies and replies[-1] == "+OK bye"
    results = [frame.body for frame in found if isinstance(frame, esl.ApiResponse)]
    assert results[1:4] == ["+OK", "v1", "-ERR no reply\n"]
    assert results[0].startswith("UP 0 years") and results[0].endswith("240K/8192K\n")


def test_a_wrong_password_is_a_reply_that_is_not_ok() -> None:
    _, reply, goodbye = recorded("commands")
    assert isinstance(reply, esl.CommandReply) and not reply.ok and reply.text == "-ERR invalid"
    assert isinstance(goodbye, esl.Disconnect) and goodbye.text.startswith("Disconnected, goodbye.")


def test_until_the_password_is_taken_only_the_password_matters() -> None:
    connection = esl.Connection()
    connection.receive(GREETING + b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n" + ACCEPTED)
    states = []
    while connection.next_frame() is not esl.NEED_DATA:
        states.append(connection.state)
    assert states == [esl.State.AUTH, esl.State.AUTH, esl.State.READY]


def test_events_are_decoded() -> None:
    events = [frame for frame in recorded("out-invalid-gateway") if isinstance(frame, esl.EventFrame)]
    assert [event.name for event in events] == ["CHANNEL_DESTROY", "BACKGROUND_JOB"]
    assert events[0].uuid == events[0].headers["variable_uuid"] == "8cd6eb43-aa49-4f01-bac2-a3c5560796a4"
    assert events[0].headers["FreeSWITCH-IPv6"] == "fd00::2" and events[0].body == ""
    assert events[1].body == "-ERR INVALID_GATEWAY\n" and events[1].uuid == ""
    assert events[1].headers["Job-Command-Arg"].endswith("sofia/gateway/nosuch/1 '&txfax(/var/spool/hylafax/docq/three.tif)'")


def test_fax_events_have_their_subclass_and_a_shutdown_ends_the_conversation() -> None:
    found = recorded("switch-shutdown-mid-call")
    subclasses = [frame.subclass for frame in found if isinstance(frame, esl.EventFrame) and frame.name == "CUSTOM"]
    assert subclasses == ["spandsp::txfaxnegociateresult", "spandsp::txfaxresult"]
    assert found[-1] == esl.Disconnect("The system is being shut down.")


def in_ready(*parts: bytes) -> esl.Connection:
    """A connection past the password, with these bytes waiting."""
    connection = esl.Connection()
    connection.receive(GREETING + ACCEPTED + b"".join(parts))
    assert isinstance(connection.next_frame(), esl.AuthRequest)
    assert isinstance(connection.next_frame(), esl.CommandReply)
    assert connection.state is esl.State.READY
    return connection


def event(body: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body) + body


def one_event(body: bytes) -> esl.EventFrame:
    frame = in_ready(event(body)).next_frame()
    assert isinstance(frame, esl.EventFrame)
    return frame


@pytest.mark.parametrize("name", [
    b"Evil%0AEvent-Name: CHANNEL_ANSWER", b"Evil%0aUnique-ID: other", b"Evil%0D%0A%0D%0AUnique-ID: other",
])
def test_an_encoded_line_end_makes_no_header(name: bytes) -> None:
    found = one_event(b"Event-Name: CHANNEL_CREATE\nCaller-Caller-ID-Name: " + name + b"\nUnique-ID: u-1\n\n")
    assert (found.name, found.uuid, set(found.headers)) == (
        "CHANNEL_CREATE", "u-1", {"Event-Name", "Caller-Caller-ID-Name", "Unique-ID"},
    )
    assert found.headers["Caller-Caller-ID-Name"].isprintable()


def test_of_a_repeated_header_the_first_counts() -> None:
    assert one_event(b"Event-Name: A\nUnique-ID: u-1\nUnique-ID: u-2\n\n").uuid == "u-1"


@pytest.mark.parametrize(("value", "text"), [
    (b"%C3%A9", "é"), (b"M%FCller", "M\udcfcller"), (b"100%", "100%"), (b"%zz%4", "%zz%4"), (b"%41%42%", "AB%"),
    (b"_undef_", ""), (b"a+b", "a+b"), (b"%00%1B%7F", "   "), (b"", ""),
])
def test_values_are_percent_decoded(value: bytes, text: str) -> None:
    assert one_event(b"Event-Name: A\nX: " + value + b"\n\n").headers["X"] == text


def test_a_line_of_an_event_that_is_no_header_is_passed_over() -> None:
    assert dict(one_event(b"Event-Name: A\nnonsense\nX: y\n\n").headers) == {"Event-Name": "A", "X": "y"}


def test_a_body_may_look_like_anything() -> None:
    body = b"+OK\n\nContent-Type: text/disconnect-notice\n\n"
    connection = in_ready(b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body), body, ACCEPTED)
    assert connection.next_frame() == esl.ApiResponse(body.decode())
    assert isinstance(connection.next_frame(), esl.CommandReply)
    assert connection.next_frame() is esl.NEED_DATA


def test_frames_of_other_kinds_are_given_out_as_they_are() -> None:
    connection = in_ready(b"Content-Type: log/data\nContent-Length: 3\n\nabc", b"\n\n", ACCEPTED)
    assert connection.next_frame() == esl.OtherFrame("log/data", "abc")
    assert isinstance(connection.next_frame(), esl.CommandReply)


def test_a_rejected_address_is_told() -> None:
    connection = esl.Connection()
    connection.receive(b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n")
    assert connection.next_frame() == esl.RudeRejection("Access Denied, go away.")
    assert connection.state is esl.State.CLOSED


@pytest.mark.parametrize("data", [
    b"SSH-2.0-OpenSSH_9.2\n\n",
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\n\n",
    b"Reply-Text: +OK\n\n",
    b": x\n\n",
    b"Content-Type: api/response\nContent-Length: x\n\n",
    b"Content-Type: api/response\nContent-Length: -1\n\n",
    b"Content-Type: api/response\nContent-Length: 99999999\n\n",
    b"Content-Type: api/response\nContent-Length: 99999999999999999999\n\n",
    b"Content-Type: api/response\n\n",                                # before the password
    event(b"Event-Name: A\n\n"),                                       # likewise
    b"x" * (esl.MAX_HEAD + 1),
    b"Content-Type: " + b"x" * esl.MAX_HEAD + b"\n\n",
])
def test_what_is_no_event_socket_is_an_error_and_the_end(data: bytes) -> None:
    connection = esl.Connection()
    connection.receive(data)
    with pytest.raises(RemoteProtocolError):
        connection.next_frame()
    assert connection.state is esl.State.CLOSED
    with pytest.raises(LocalProtocolError):
        connection.next_frame()


@pytest.mark.parametrize("data", [GREETING, event(b"Event-Name: A\n\n")[:-3], event(b"X: y\n\n")])
def test_what_cannot_come_after_the_password_is_an_error(data: bytes) -> None:
    connection = in_ready(data)
    connection.receive(b"")
    with pytest.raises(RemoteProtocolError):
        connection.next_frame()


def test_the_end_of_the_stream_between_two_frames_is_an_end_without_words() -> None:
    connection = in_ready(b"\n")
    assert connection.next_frame() is esl.NEED_DATA
    connection.receive(b"")
    assert connection.next_frame() == esl.Disconnect("")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_no_bytes_whatsoever_raise_anything_else(data: bytes, cuts: list[int]) -> None:
    connection = in_ready()
    for start, end in pairwise([0, *sorted(cuts), 301]):
        connection.receive(data[start:end] or b"\n")
        try:
            while connection.state is not esl.State.CLOSED and connection.next_frame() is not esl.NEED_DATA:
                pass
        except RemoteProtocolError:
            assert connection.state is esl.State.CLOSED


def test_commands_are_written_as_the_event_socket_wants_them() -> None:
    assert esl.auth("ClueCon") == b"auth ClueCon\n\n"
    assert esl.auth("with blanks é") == "auth with blanks é\n\n".encode()
    assert esl.api("status") == b"api status\n\n"
    assert esl.api("db", "select/r/k") == b"api db select/r/k\n\n"
    assert esl.bgapi("originate", "null/x &park()", "id-1") == b"bgapi originate null/x &park()\nJob-UUID: id-1\n\n"
    assert esl.filter("Unique-ID", "u-1") == b"filter Unique-ID u-1\n\n"
    assert esl.event_plain(["CHANNEL_ANSWER", "SHUTDOWN"]) == b"event plain CHANNEL_ANSWER SHUTDOWN\n\n"
    assert esl.event_plain(["CUSTOM", "SHUTDOWN"], ["a::b"]) == b"event plain SHUTDOWN CUSTOM a::b\n\n"
    assert esl.event_plain([], ["a::b", "c::d"]) == b"event plain CUSTOM a::b c::d\n\n"
    assert esl.exit() == b"exit\n\n"


@pytest.mark.parametrize("bad", ["a\nb", "a\r", "\0", "\udcff", "x" * 70_000])
def test_text_that_could_make_another_command_is_not_sent(bad: str) -> None:
    for build in (
        lambda: esl.api("db", bad), lambda: esl.api(bad), lambda: esl.auth(bad), lambda: esl.bgapi("originate", bad, "id"),
        lambda: esl.bgapi("originate", "x", bad), lambda: esl.filter("Unique-ID", bad), lambda: esl.filter(bad, "x"),
        lambda: esl.event_plain([bad]), lambda: esl.event_plain([], [bad]),
    ):
        with pytest.raises(LocalProtocolError):
            build()


def test_commands_that_would_mean_something_else_are_not_sent() -> None:
    for build in (
        lambda: esl.api(""), lambda: esl.api("a b"), lambda: esl.event_plain([]), lambda: esl.filter("Unique-ID", ""),
        lambda: esl.filter("delete", "all"), lambda: esl.event_plain(["A B"]), lambda: esl.bgapi("x", "y", ""),
    ):
        with pytest.raises(LocalProtocolError):
            build()


def test_a_password_is_never_shown() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        esl.auth("secret\nword")
    assert "secret" not in str(caught.value)
