"""Several FreeSWITCH servers: one that is down, hangs or does not know us costs time and no fax."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from gofaxpy.config import FreeSwitch, Server
from gofaxpy.send.line import in_turn
from rig.house import House
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
    own = text.split("port: ", 1)[1].split("\n", 1)[0]
    others = "".join(f"\n  - {{host: 127.0.0.1, port: {port or own}}}" for port in ports)
    begin, _, rest = text.partition("  servers:")
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
