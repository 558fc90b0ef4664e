"""The event socket's client against a small server that says what a real FreeSWITCH has been recorded to say."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gofaxpy.switch import client as module
from gofaxpy.switch import esl
from gofaxpy.switch.client import (
    AuthenticationFailed,
    Client,
    CommandRefused,
    ConnectionLost,
    EventSocketError,
    Rejected,
    SwitchUnreachable,
)

TRANSCRIPTS = Path(__file__).parents[2] / "data" / "transcripts"
CALLS = sorted(path for path in TRANSCRIPTS.glob("*.jsonl") if not path.stem.startswith("commands"))
GREETING = b"Content-Type: auth/request\n\n"
OK = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
GOODBYE = b"Content-Type: text/disconnect-notice\nContent-Length: 8\n\nGoodbye\n"
PATIENCE = 20.0         # seconds a test may wait for what must happen


class Peer:
    """The server's side of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.heard = b""

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self) -> bytes:
        """The next command."""
        while b"\n\n" not in self.heard:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.heard += data
        command, _, self.heard = self.heard.partition(b"\n\n")
        return command + b"\n\n"

    def until_closed(self) -> None:
        """Waits until the client is gone."""
        while self.socket.recv(65536):
            pass


@contextmanager
def server(*scripts: Callable[[Peer], None]) -> Iterator[int]:
    """A server whose n-th connection goes by the n-th script; yields the port.  An assertion in a script counts."""
    failures: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)

        def run() -> None:
            try:
                for script in scripts:
                    connected, _ = listening.accept()
                    with connected:
                        connected.settimeout(PATIENCE)
                        script(Peer(connected))
            except (EOFError, ConnectionError):
                pass
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def logged_in(then: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """A script that begins with the greeting and takes the password."""

    def script(peer: Peer) -> None:
        peer.say(GREETING)
        assert peer.hear() == b"auth ClueCon\n\n"
        peer.say(OK)
        then(peer)

    return script


def connect(port: int, timeout: float = PATIENCE) -> Client:
    return Client.connect("127.0.0.1", port, "ClueCon", timeout)


def api_response(body: bytes) -> bytes:
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


def event(name: str, **headers: str) -> bytes:
    lines = "".join(f"{key}: {value}\n" for key, value in {"Event-Name": name, **headers}.items())
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % (len(lines) + 1) + lines.encode() + b"\n"


# -- recorded conversations


def read(path: Path) -> list[tuple[str, bytes]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["dir"], line["data"].encode("latin-1")) for line in lines]


def repeat(client: Client, command: str) -> None:
    """Gives a recorded command again."""
    line, _, job = command.rstrip("\n").partition("\nJob-UUID: ")
    verb, _, rest = line.partition(" ")
    name, _, args = rest.partition(" ")
    if verb == "api":
        client.api(name, args)
    elif verb == "filter":
        client.filter(name, args)
    elif verb == "bgapi":
        client.bgapi(name, args, job)
    else:
        names, _, subclasses = re.sub(r"^event plain ", "", line).partition(" CUSTOM ")
        client.subscribe(names.split(), subclasses.split())


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", [1, 0], ids=["byte by byte", "as recorded"])
def test_a_recorded_call_is_followed_command_by_command_to_its_end(path: Path, size: int) -> None:
    conversation = read(path)
    commands = [data for direction, data in conversation if direction == "c" and data != b"exit\n\n"]

    def script(peer: Peer) -> None:
        for direction, data in conversation:
            if data == b"exit\n\n":
                return
            if direction == "c":
                assert peer.hear() == data
            else:
                for start in range(0, len(data), size or len(data) or 1):
                    peer.say(data[start:start + (size or len(data))])

    with server(script) as port, connect(port) as client:
        for command in commands[1:]:
            repeat(client, command.decode())
        events = []
        with pytest.raises(ConnectionLost):
            while True:
                event = client.events(time.monotonic() + PATIENCE)
                assert event is not None
                events.append(event)
    assert events == [frame for frame in recorded_frames(conversation) if isinstance(frame, esl.EventFrame)]


def recorded_frames(conversation: list[tuple[str, bytes]]) -> list[esl.Frame]:
    connection = esl.Connection()
    connection.receive(b"".join(data for direction, data in conversation if direction == "s"))
    found: list[esl.Frame] = []
    while connection.state is not esl.State.CLOSED:
        frame = connection.next_frame()
        if isinstance(frame, esl.NeedData):
            break
        found.append(frame)
    return found


def test_a_recorded_refusal_of_the_password_is_told() -> None:
    conversation = read(TRANSCRIPTS / "commands.jsonl")

    def script(peer: Peer) -> None:
        for direction, data in conversation:
            if direction == "c":
                assert peer.hear() == data
            else:
                peer.say(data)

    with server(script) as port, pytest.raises(AuthenticationFailed, match=r"password: .*event_socket\.conf\.xml"):
        Client.connect("127.0.0.1", port, "wrong", PATIENCE)


# -- connecting


def test_nobody_listening_is_told_with_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(SwitchUnreachable, match=rf"127\.0\.0\.1:{port} cannot be reached .*does FreeSWITCH run"):
        connect(port)


def test_a_host_name_that_is_none_is_told() -> None:
    with pytest.raises(SwitchUnreachable, match="cannot be reached"):
        Client.connect("no host name\udcff", 8021, "x", 1)


def test_an_address_that_is_not_let_in_is_told() -> None:
    def script(peer: Peer) -> None:
        peer.say(b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n")

    with server(script) as port, pytest.raises(Rejected, match="apply-inbound-acl"):
        connect(port)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\n\n", b"220 mail ESMTP\n\n", OK, GOODBYE])
def test_something_that_is_no_event_socket_is_told(greeting: bytes) -> None:
    with server(lambda peer: peer.say(greeting)) as port, pytest.raises(SwitchUnreachable):
        connect(port)


def test_a_switch_that_hangs_up_at_the_password_is_told() -> None:
    def script(peer: Peer) -> None:
        peer.say(GREETING)
        peer.hear()

    with server(script) as port, pytest.raises(SwitchUnreachable):
        connect(port)


def test_a_switch_that_never_says_a_word_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(SwitchUnreachable, match=r"said nothing for 0\.5 s.*listen-port"):
            connect(port, timeout=0.5)


@pytest.mark.parametrize("first", [b"", GREETING])
def test_who_never_stops_sending_is_given_up_in_time(first: bytes) -> None:
    """Newlines before a frame mean nothing, and there was always one more."""
    done = threading.Event()

    def flood(peer: Peer) -> None:
        peer.say(first)
        while not done.is_set():
            peer.say(b"\n" * 65536)

    began = time.monotonic()
    try:
        with server(*[flood] * 30) as port:
            with pytest.raises(SwitchUnreachable):
                connect(port, timeout=1)
            done.set()
            for _ in range(30):
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
    finally:
        done.set()
    assert time.monotonic() - began < 10


def test_a_connection_that_is_not_greeted_is_given_up_for_another() -> None:
    def talk(peer: Peer) -> None:
        peer.hear()
        peer.say(api_response(b"pong"))

    with server(Peer.until_closed, Peer.until_closed, logged_in(talk)) as port, connect(port) as client:
        assert client.api("ping") == "pong"


# -- commands


def test_an_empty_reply_is_empty() -> None:
    def script(peer: Peer) -> None:
        assert peer.hear() == b"api db select/r/k\n\n"
        peer.say(api_response(b"-ERR no reply\n"))
        assert peer.hear() == b"api uuid_kill x\n\n"
        peer.say(api_response(b"-ERR No such channel!\n"))

    with server(logged_in(script)) as port, connect(port) as client:
        assert client.api("db", "select/r/k") == ""
        assert client.api("uuid_kill", "x") == "-ERR No such channel!\n"


def test_events_that_come_before_a_reply_are_kept_in_their_order() -> None:
    def script(peer: Peer) -> None:
        peer.hear()
        peer.say(event("ONE") + event("TWO") + api_response(b"done") + event("THREE"))
        peer.until_closed()

    with server(logged_in(script)) as port, connect(port) as client:
        assert client.api("status") == "done"
        found = [client.events(time.monotonic() + PATIENCE) for _ in range(3)]
        assert [frame.name for frame in found if frame is not None] == ["ONE", "TWO", "THREE"]


def test_kinds_of_frames_that_nobody_asked_for_are_passed_over() -> None:
    def script(peer: Peer) -> None:
        peer.hear()
        peer.say(b"Content-Type: log/data\nContent-Length: 3\n\nabc" + api_response(b"done"))

    with server(logged_in(script)) as port, connect(port) as client:
        assert client.api("status") == "done"


@pytest.mark.parametrize("use", [
    lambda client: client.filter("Unique-ID", "x"), lambda client: client.subscribe(["NO_SUCH_EVENT"]),
    lambda client: client.bgapi("originate", "x", "id"), lambda client: client.api("status"),
])
def test_a_refused_command_is_told_in_the_switchs_words_and_the_connection_goes_on(use: Callable[[Client], object]) -> None:
    def script(peer: Peer) -> None:
        peer.hear()
        peer.say(b"Content-Type: command/reply\nReply-Text: -ERR permission denied\n\n")
        peer.hear()
        peer.say(api_response(b"still here"))

    with server(logged_in(script)) as port, connect(port) as client:
        with pytest.raises(CommandRefused, match="-ERR permission denied"):
            use(client)
        assert client.api("status") == "still here"


def test_text_that_would_be_another_command_never_leaves() -> None:
    def script(peer: Peer) -> None:
        assert peer.hear() == b"api status\n\n"
        peer.say(api_response(b"clean"))

    with server(logged_in(script)) as port, connect(port) as client:
        with pytest.raises(EventSocketError):
            client.api("db", "select/r/k\n\napi fsctl shutdown")
        assert client.api("status") == "clean"


# -- losing the connection


def test_what_came_before_the_connection_was_lost_is_given_out_first() -> None:
    def script(peer: Peer) -> None:
        peer.hear()
        peer.say(event("ONE") + event("TWO"))

    with server(logged_in(script)) as port, connect(port) as client:
        with pytest.raises(ConnectionLost):
            client.api("status")
        names = [frame.name for _ in range(2) if (frame := client.events(0.0)) is not None]
        assert names == ["ONE", "TWO"]
        for _ in range(2):
            with pytest.raises(ConnectionLost, match="has closed the connection"):
                client.events(0.0)
        with pytest.raises(ConnectionLost, match="has closed the connection"):
            client.filter("a", "b")


def test_the_switchs_goodbye_is_passed_on() -> None:
    def script(peer: Peer) -> None:
        peer.say(event("SHUTDOWN") + GOODBYE)
        peer.until_closed()

    with server(logged_in(script)) as port, connect(port) as client:
        first = client.events(time.monotonic() + PATIENCE)
        assert first is not None and first.name == "SHUTDOWN"
        with pytest.raises(ConnectionLost, match=r"closed the connection \(Goodbye\)"):
            client.events(time.monotonic() + PATIENCE)


def test_a_frame_that_breaks_off_is_a_lost_connection() -> None:
    with (
        server(logged_in(lambda peer: peer.say(event("ONE")[:-3]))) as port, connect(port) as client,
        pytest.raises(ConnectionLost, match="in the middle of a frame"),
    ):
        client.events(time.monotonic() + PATIENCE)


def test_garbage_is_a_lost_connection() -> None:
    def script(peer: Peer) -> None:
        peer.say(b"garbage\n\n")
        peer.until_closed()

    with (
        server(logged_in(script)) as port, connect(port) as client,
        pytest.raises(ConnectionLost, match="not to be understood"),
    ):
        client.events(time.monotonic() + PATIENCE)


def test_a_reply_that_does_not_come_loses_the_connection_so_that_it_is_not_taken_for_the_next_ones() -> None:
    with server(logged_in(Peer.until_closed)) as port, connect(port) as client:
        with pytest.raises(ConnectionLost, match=r"did not answer to `api status` in time"):
            client.api("status", timeout=0.1)
        with pytest.raises(ConnectionLost, match="did not answer"):
            client.api("status")


def test_no_event_by_the_deadline_is_none_and_loses_nothing() -> None:
    more = threading.Event()

    def script(peer: Peer) -> None:
        peer.say(event("ONE")[:20])
        more.wait(PATIENCE)
        peer.say(event("ONE")[20:])
        peer.until_closed()

    with server(logged_in(script)) as port, connect(port) as client:
        assert client.events(time.monotonic() + 0.05) is None
        assert client.events(0.0) is None
        more.set()
        frame = client.events(time.monotonic() + PATIENCE)
        assert frame is not None and frame.name == "ONE"


def test_a_wait_for_events_ends_when_something_else_wakes_it_and_loses_nothing() -> None:
    more = threading.Event()
    awake, wake = os.pipe()

    def script(peer: Peer) -> None:
        peer.say(event("ONE")[:20])
        more.wait(PATIENCE)
        peer.say(event("ONE")[20:])
        peer.until_closed()

    try:
        with server(logged_in(script)) as port, connect(port) as client:
            assert client.events(time.monotonic() + 0.05, awake) is None
            os.write(wake, b"!")
            began = time.monotonic()
            assert client.events(began + PATIENCE, awake) is None
            assert time.monotonic() - began < PATIENCE / 2
            more.set()
            frame = client.events(time.monotonic() + PATIENCE)
            assert frame is not None and frame.name == "ONE"
    finally:
        os.close(awake)
        os.close(wake)


def test_a_closed_client_says_so() -> None:
    with server(logged_in(Peer.until_closed)) as port:
        client = connect(port)
        assert client.fileno() >= 0
        client.close()
        client.close()
        with pytest.raises(ConnectionLost, match="has been closed"):
            client.events(0.0)


def test_every_error_is_an_event_socket_error() -> None:
    for name in module.__all__:
        kind = getattr(module, name)
        assert name == "Client" or issubclass(kind, EventSocketError)
