"""Several FreeSWITCH servers: one that is down, hangs or does not know us costs time and no fax."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gofaxpy.config.keys import FreeSwitch, Server
from gofaxpy.send.connection import in_turn
from rig.house import House
from rig.install import CHECKOUT
from rig.ports import Port

RETRY, DONE = 0, 2


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> Iterator[int]:
    """A port where nobody listens."""
    port = Port()
    yield port.number
    port.release()


def with_servers(house: House, order: str, ports: list[int]) -> None:
    """Lets gofaxsend know of servers at ``ports`` (0: the house's own switch)."""
    with open(house.config, encoding="utf-8") as file:
        text = file.read()
    others = "".join(f"\n  - {{host: 127.0.0.1, port: {port or house.switch.esl_port}}}" for port in ports)
    begin = text.partition("  connect_timeout:")[0].partition("  servers:")[0]
    rest = text.partition("  servers:")[2]
    rest = rest[rest.index("  ident:"):]
    with open(house.config, "w", encoding="utf-8") as file:
        file.write(f"{begin}  connect_timeout: 1\n  server_order: {order}\n  servers:{others}\n{rest}")


def test_the_next_server_sends_what_the_first_cannot(house: House, closed: int, silent: int) -> None:
    with_servers(house, "ordered", [closed, silent, 0])
    job = house.job("1000")
    began = time.monotonic()
    assert house.gofaxsend(job) == DONE
    assert time.monotonic() - began < 20 * house.switch.patience
    log = house.session_log(house.qfile(job)["commid"])
    assert f"127.0.0.1:{closed} cannot be reached" in log and f"127.0.0.1:{silent} said nothing for 1 s" in log
    assert house.qfile(job)["totdials"] == "1"


LISTENER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connected, _ = server.accept()
        connected.sendall(b"Content-Type: auth/request\\n\\n")
        print("heard", connected.recv(1000), flush=True)
"""


@pytest.fixture
def stranger() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """nobody's program on a port that FreeSWITCH has left; it asks for the password and says what it has heard."""
    command = [sys.executable, "-I", "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, user="nobody", group="nogroup", cwd="/") as child:
        assert child.stdout is not None
        yield int(child.stdout.readline()), child
        child.kill()


def test_a_stranger_who_has_taken_freeswitchs_port_is_not_told_the_password(
    house: House, stranger: tuple[int, subprocess.Popen[str]]
) -> None:
    port, child = stranger
    with_servers(house, "ordered", [port])
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    assert f"127.0.0.1:{port} is held by nobody" in house.qfile(job)["status"]
    told = subprocess.run(
        [house.installed.gofaxctl, "-C", house.config, "overrides"], capture_output=True, text=True, check=False, timeout=60,
    )
    assert told.returncode and "is held by nobody" in told.stderr and "ss -ltnp" in told.stderr
    drained = subprocess.run(
        [sys.executable, "-m", "gofaxpy.drain"], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "GOFAX_CONFIG": house.config, "PYTHONPATH": os.path.join(CHECKOUT, "lib")},
    )
    assert drained.returncode == 1 and "is held by nobody" in drained.stderr
    with_servers(house, "ordered", [port, 0])
    assert house.gofaxsend(job) == DONE
    child.kill()
    assert child.stdout is not None and set(child.stdout.read().splitlines()) == {"heard b''"}


def test_only_without_any_server_the_job_is_put_off(house: House, closed: int, silent: int) -> None:
    with_servers(house, "ordered", [closed, silent])
    job = house.job("1000")
    assert house.gofaxsend(job) == RETRY
    qfile = house.qfile(job)
    assert str(closed) in qfile["status"] and str(silent) in qfile["status"] and qfile["totdials"] == "0"


def test_each_attempt_begins_with_the_next_server(house: House, closed: int) -> None:
    with_servers(house, "round_robin", [closed, 0])
    jobs = [house.job("1000") for _ in range(2)]
    assert [house.gofaxsend(job) for job in jobs] == [DONE, DONE]
    logs = [house.session_log(house.qfile(job)["commid"]) for job in jobs]
    assert ["cannot be reached" in log for log in logs] == [False, True]


@pytest.mark.parametrize(("order", "turn", "ports"), [
    ("ordered", 5, [1, 2, 3]), ("round_robin", 0, [1, 2, 3]), ("round_robin", 1, [2, 3, 1]), ("round_robin", 5, [3, 1, 2]),
])
def test_the_order_of_the_servers(order: str, turn: int, ports: list[int]) -> None:
    settings = FreeSwitch(servers=[Server(port=port) for port in (1, 2, 3)], server_order=order)
    assert [server.port for server in in_turn(settings, turn)] == ports
