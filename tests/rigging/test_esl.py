"""The rig's event socket client against scripted servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from rig import RigError
from rig.esl import EventSocket

AUTH = b"Content-Type: auth/request\n\n"
OK = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
EVENT = b"Event-Name: CUSTOM\nName: a%0Ab %C3%A9\nContent-Length: 4\n\nbody"
FRAME = b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(EVENT), EVENT)

Server = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Server]:
    """Serve one connection: ``AUTH``, then for each request the next part of a script split at ``|``."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(script: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(AUTH)
                for part in script.split(b"|"):
                    request = b""
                    while not request.endswith(b"\n\n"):
                        data = connection.recv(4096)
                        if not data:
                            return
                        request += data
                    connection.sendall(part)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(10)
    for listener in listeners:
        listener.close()


def test_an_api_reply_is_returned_whole(serve: Server) -> None:
    with EventSocket(serve(OK + b"|Content-Type: api/response\nContent-Length: 6\n\nab\n\ncd")) as client:
        assert client.api("status") == "ab\n\ncd"


def test_events_before_a_reply_are_kept_for_later_and_decoded(serve: Server) -> None:
    with EventSocket(serve(OK + b"|" + FRAME + OK)) as client:
        assert client.command("event plain ALL") == "+OK accepted"
        headers, body = client.event()
    assert headers["Name"] == "a\nb é"
    assert body == "body"


def test_a_time_out_in_mid_frame_loses_nothing(serve: Server) -> None:
    with EventSocket(serve(OK + b"|" + OK + FRAME[:70] + b"|" + FRAME[70:] + OK)) as client:
        client.command("event plain ALL")
        with pytest.raises(TimeoutError):
            client.event(0.05)
        client.command("noop")
        assert client.event()[1] == "body"


def test_a_refused_password_is_said(serve: Server) -> None:
    with pytest.raises(RigError, match="refused the password: -ERR invalid"):
        EventSocket(serve(b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n"))


def test_a_closed_connection_is_said(serve: Server) -> None:
    with EventSocket(serve(OK + b"|")) as client, pytest.raises(RigError, match="closed the event socket"):
        client.command("noop")


def test_a_port_without_a_switch_is_said() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(RigError, match="no event socket on port"):
            EventSocket(unused.getsockname()[1])
