"""The proxy in front of an event socket does to a conversation what it is told, part by part."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from rig.proxy import CUT, NEVER, At, CutAt, Direction, Meddler, Part, Proxy, Swapped, untouched

GREETING = b"Content-Type: auth/request\n\n"
REPLY = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
EVENT = b"Content-Length: 6\nContent-Type: text/event-plain\n\nA: b\n\n"


def serve(connected: socket.socket) -> None:
    """A greeting; then for each command its reply, in two pieces, and an event."""
    with connected, contextlib.suppress(OSError):
        connected.sendall(GREETING)
        heard = b""
        while data := connected.recv(65536):
            heard += data
            while b"\n\n" in heard:
                _, _, heard = heard.partition(b"\n\n")
                connected.sendall(REPLY[:9])
                connected.sendall(REPLY[9:] + EVENT)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def conversation(proxy: Proxy, expected: int, patience: float = 5.0) -> bytes:
    """Gives two commands and returns what comes, until so many octets have come, the end, or nothing more does."""
    heard = b""
    with socket.create_connection(("127.0.0.1", proxy.port)) as client, contextlib.suppress(TimeoutError, ConnectionError):
        client.settimeout(patience)
        client.sendall(b"one\n\ntwo\n\n")
        while len(heard) < expected and (data := client.recv(65536)):
            heard += data
    return heard


WHOLE = GREETING + (REPLY + EVENT) * 2


def down(part: Part) -> bool:
    return part.direction is Direction.DOWN


def test_it_passes_everything_on_and_knows_where_parts_end(port: int) -> None:
    with Proxy(port) as proxy:
        assert conversation(proxy, len(WHOLE)) == WHOLE
        frames = [part for part in proxy.parts if down(part)]
        up = [part.data for part in proxy.parts if part.direction is Direction.UP]
    assert [part.data for part in frames] == [GREETING, REPLY, EVENT, REPLY, EVENT] and up == [b"one\n\n", b"two\n\n"]
    assert [part.is_reply for part in frames] == [True, True, False, True, False]
    assert [part.number for part in proxy.parts] == list(range(7)) and {part.connection for part in proxy.parts} == {1}


@pytest.mark.parametrize(("meddler", "heard"), [
    (At(1, down, lambda part: []), GREETING + EVENT + REPLY + EVENT),
    (At(1, down, lambda part: [part.data, part.data]), GREETING + REPLY + WHOLE[len(GREETING):]),
    (At(1, down, lambda part: [b"other"]), GREETING + b"other" + EVENT + REPLY + EVENT),
    (Swapped(1, down), GREETING + EVENT + REPLY + REPLY + EVENT),
], ids=["dropped", "doubled", "altered", "swapped"])
def test_whole_frames_are_meddled_with(port: int, meddler: Meddler, heard: bytes) -> None:
    with Proxy(port, meddler) as proxy:
        assert conversation(proxy, len(heard)) == heard


def test_a_frame_that_is_late_keeps_those_behind_it_waiting(port: int) -> None:
    with Proxy(port, At(1, down, lambda part: [0.4, part.data])) as proxy:
        assert conversation(proxy, len(GREETING)) == GREETING
    with Proxy(port, At(1, down, lambda part: [0.4, part.data])) as proxy:
        began = time.monotonic()
        assert conversation(proxy, len(WHOLE)) == WHOLE and time.monotonic() - began >= 0.4


def test_after_never_nothing_comes_and_the_connection_stays(port: int) -> None:
    with Proxy(port, At(1, down, lambda part: [NEVER, part.data])) as proxy:
        began = time.monotonic()
        assert conversation(proxy, len(WHOLE), patience=0.3) == GREETING and time.monotonic() - began >= 0.3


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("octets", [1, len(GREETING), len(GREETING) + 7, len(WHOLE) - 1])
def test_a_cut_lets_so_many_octets_pass_and_ends_both_sides(port: int, octets: int, reset: bool) -> None:
    with Proxy(port, CutAt(Direction.DOWN, octets), reset=reset) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.settimeout(5)
            client.sendall(b"one\n\ntwo\n\n")
            heard, ended = b"", ""
            try:
                while data := client.recv(65536):
                    heard += data
                ended = "FIN"
            except ConnectionResetError:
                ended = "RST"
        assert ended == ("RST" if reset else "FIN")
        assert WHOLE.startswith(heard) and (reset or heard == WHOLE[:octets]), "a reset may take what was not read yet"
        proxy.meddler = untouched
        assert conversation(proxy, len(WHOLE)) == WHOLE, "the next connection is as good as ever"


def test_a_cut_within_a_command_lets_the_switch_hear_its_beginning_only(port: int) -> None:
    with Proxy(port, lambda part: [part.data[:3], CUT] if part.direction is Direction.UP else [part.data]) as proxy:
        assert conversation(proxy, len(WHOLE)) in (GREETING, b"")
