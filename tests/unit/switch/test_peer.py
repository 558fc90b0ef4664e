"""Whose socket is at the other end, and that nobody else is told the event socket's password."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gofaxpy.switch import peer
from gofaxpy.switch.client import Client, StrangerListens, SwitchUnreachable

GREETING = b"Content-Type: auth/request\n\n"
NOBODY = pwd.getpwnam("nobody").pw_uid
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can listen as somebody else")
# What listens: says on its output which port, greets, and then all it has heard.
LISTENER = """
import socket, sys
listener = socket.create_server((sys.argv[1], 0), family=int(sys.argv[2]), dualstack_ipv6=sys.argv[1] == "::")
print(listener.getsockname()[1], flush=True)
while True:
    connected, _ = listener.accept()
    connected.sendall(b"Content-Type: auth/request\\n\\n")
    print(connected.recv(1000), flush=True)
"""


@contextmanager
def listening(user: int, host: str = "127.0.0.1", program: str = LISTENER) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    command = [sys.executable, "-I", "-c", program, host, str(int(family))]
    if user == os.geteuid():
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    else:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, user=user, group=user, extra_groups=(), cwd="/")
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline()), child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def by_proc(connected: socket.socket) -> tuple[int, int, int] | None:
    return peer._by_proc(peer._address(connected.getpeername()), peer._address(connected.getsockname()))


def by_diag(connected: socket.socket) -> tuple[int, int, int] | None:
    return peer._by_diag(peer._address(connected.getpeername()), peer._address(connected.getsockname()))


PLACES = [
    ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.1.2.3"), ("::", "127.0.0.1"), ("::", "::1"), ("127.0.0.1", "::ffff:127.0.0.1"),
]


@pytest.mark.parametrize(("bound", "called"), PLACES)
@pytest.mark.parametrize("user", [os.geteuid(), pytest.param(NOBODY, marks=as_root)])
def test_the_owner_is_who_has_accepted_the_connection(user: int, bound: str, called: str) -> None:
    with listening(user, bound) as (port, _), socket.create_connection((called, port)) as connected:
        assert connected.recv(100) == GREETING
        assert peer.owner(connected) == user
        assert (by_diag(connected) or ())[1] == (by_proc(connected) or ())[1] == user


@pytest.mark.parametrize("look", [by_diag, by_proc])
def test_an_end_that_is_not_here_has_no_owner(look: Callable[[socket.socket], tuple[int, int, int] | None]) -> None:
    with listening(os.geteuid()) as (port, _), socket.create_connection(("127.0.0.1", port)) as connected:
        away = ((b"\xc0\0\2\1", 8021), peer._address(connected.getsockname()))
        assert peer._by_diag(*away) is None and peer._by_proc(*away) is None
        assert look(connected) is not None


def test_an_end_that_is_closed_has_no_owner_though_the_kernel_says_root() -> None:
    program = LISTENER.replace("print(connected.recv(1000), flush=True)", "connected.close()")
    with listening(os.geteuid(), program=program) as (port, _), socket.create_connection(("127.0.0.1", port)) as connected:
        assert connected.recv(100) == GREETING and connected.recv(100) == b""
        with pytest.raises(peer.NotConnected):
            peer.owner(connected)


def test_an_end_that_nobody_has_accepted_has_no_owner() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as connected,
        pytest.raises(peer.NotConnected),
    ):
        peer.owner(connected)


@as_root
@pytest.mark.parametrize(("bound", "called"), [("127.0.0.1", "127.0.0.1"), ("::", "::1"), ("::", "localhost")])
def test_a_stranger_on_the_port_is_not_told_the_password_and_named(bound: str, called: str) -> None:
    with listening(NOBODY, bound) as (port, child):
        with pytest.raises(StrangerListens, match=rf"held by nobody \(uid {NOBODY}\), not by uucp .*sport = :{port}") as caught:
            Client.connect(called, port, "Kq7-secret-of-the-operator", 5, user="uucp")
        assert "Kq7" not in str(caught.value)
        assert child.stdout is not None and child.stdout.readline() == "b''\n"


@as_root
@pytest.mark.parametrize(("bound", "called"), [("127.0.0.1", "127.0.0.1"), ("::", "127.0.0.1"), ("::", "::1")])
def test_a_stranger_who_hears_one_interface_only_is_found(bound: str, called: str) -> None:
    """Anybody may bind a socket to an interface, where the kernel then looks for it only if asked for that one."""
    program = LISTENER.replace(
        'listener = socket.create_server((sys.argv[1], 0), family=int(sys.argv[2]), dualstack_ipv6=sys.argv[1] == "::")',
        "listener = socket.socket(int(sys.argv[2])); listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo');"
        "listener.bind((sys.argv[1], 0)); listener.listen()",
    )
    assert program != LISTENER
    with listening(NOBODY, bound, program) as (port, child):
        with pytest.raises(StrangerListens, match=rf"held by nobody \(uid {NOBODY}\)"):
            Client.connect(called, port, "Kq7-secret-of-the-operator", 5, user="uucp")
        assert child.stdout is not None and child.stdout.readline() == "b''\n"


@as_root
@pytest.mark.parametrize("user", [pwd.getpwnam("uucp").pw_uid, 0])
def test_freeswitchs_user_and_root_are_told_it(user: int) -> None:
    with listening(user) as (port, child):
        with pytest.raises(SwitchUnreachable, match=r"hung up|in time"):
            Client.connect("127.0.0.1", port, "Kq7", 1, user="uucp")
        assert child.stdout is not None and child.stdout.readline() == "b'auth Kq7\\n\\n'\n"


def test_one_of_many_connections_is_found_at_once() -> None:
    """gofaxsend is on the line a moment after faxq starts it, on a machine with any number of connections."""
    held = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        try:
            for _ in range(400):
                held.append(socket.create_connection(listener.getsockname()))
                held.append(listener.accept()[0])
            started = time.perf_counter()
            for _ in range(20):
                assert peer.owner(held[-2]) == os.geteuid()
            assert (time.perf_counter() - started) / 20 < 0.02
        finally:
            for connected in held:
                connected.close()
