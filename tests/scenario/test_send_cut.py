"""The connection to the event socket is cut at every border of the conversation: no fax is lost, none is sent twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.proxy import CUT, Part, Proxy, Step

RETRY, DONE = 0, 2
FAR_ENDS = [{"number": "3...", "does": "fax", "ident": "+49 30 FAR"}]


class Knife:
    """Cuts before one border, and if ``stays`` before every later one too."""

    def __init__(self) -> None:
        self.at, self.stays = -1, False

    def __call__(self, part: Part) -> Iterable[Step]:
        cut = part.number == self.at or (self.stays and part.number > self.at >= 0)
        return [CUT if cut else part.data]


Cut = tuple[House, Proxy, Knife]


@pytest.fixture
def cut_house(make_house: HouseMaker) -> Iterator[Cut]:
    """A house whose gofaxsend, but not whose switch, goes through a proxy."""
    house = make_house(far_ends=FAR_ENDS)
    knife = Knife()
    with Proxy(house.switch.esl_port, knife) as proxy:
        house.config = house.config_through(proxy.port)
        yield house, proxy, knife


def delivered(house: House, number: str) -> list[int]:
    """The pages of each fax that a number has received."""
    names = [name for name in house.far_received() if os.path.basename(name).startswith(number)]
    return [len(read_pages(name)) for name in names]


def borders(house: House, proxy: Proxy) -> int:
    """How many there are in the conversation of a fax that goes well."""
    assert house.gofaxsend(house.job("3999")) == DONE
    count = len(proxy.parts)
    assert count > 15, "greeting, password, filters, subscription, launch, and the events of three pages"
    return count


def cut_at(cut_house: Cut, at: int, stays: bool) -> int:
    """One fax whose connection is cut before a border, and a second attempt if the first one wants it.  Returns what the first
    one said."""
    house, proxy, knife = cut_house
    proxy.parts.clear()
    knife.at, knife.stays = at, stays
    number = f"3{at:03d}"
    job = house.job(number)
    first = house.gofaxsend(job, timeout=120)
    knife.at = -1
    if first == RETRY:
        assert house.qfile(job)["returned"] == "0" and house.qfile(job)["status"], f"border {at}"
        house.switch.wait_calls_over()
        assert house.gofaxsend(job) == DONE, f"border {at}"
    else:
        assert first == DONE, f"border {at}"
    assert delivered(house, number) == [3], f"border {at}"
    assert house.qfile(job)["npages"] == "3" and house.qfile(job)["totdials"] in ("0", "1", "2")
    assert house.journal() == []
    return first


def test_a_connection_cut_at_any_border_loses_nothing_and_sends_nothing_twice(cut_house: Cut) -> None:
    house, proxy, _ = cut_house
    count = borders(house, proxy)
    [order] = [part.number for part in proxy.parts if part.data.startswith(b"api python")]
    # a fax on a real switch takes half a minute: there every eighth border, and those where it matters
    tried = sorted({0, 1, 2, order, count - 1, *range(4, count, 8)}) if house.switch.live else range(count)
    first = {at: cut_at(cut_house, at, stays=False) for at in tried}
    costly = [at for at, returned in first.items() if returned == RETRY]
    # before the password is accepted nothing is known to be a FreeSWITCH; an order that got lost is withdrawn
    assert set(costly) <= {0, 1, 2, order}, f"cut before these borders the attempt was lost: {costly}"


@pytest.mark.parametrize("what", [b"filter", b"api python", b"api/response", b"negociateresult", b"pageresult", b"txfaxresult"])
def test_an_event_socket_that_stays_away_costs_an_attempt_and_no_fax(cut_house: Cut, what: bytes) -> None:
    house, proxy, _ = cut_house
    borders(house, proxy)
    at = next(part.number for part in proxy.parts if what in part.data)
    cut_at(cut_house, at, stays=True)
