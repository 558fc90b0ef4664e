"""What stands at the top of the pages we send, and that nothing is lost for it where nothing is to stand there."""

from __future__ import annotations

import pytest

from rig.house import House, HouseMaker
from rig.pages import Page, read_pages

DONE = 2
HEADER_ROWS = 32        # SpanDSP's line at fine resolution
TEXT_BEGINS = 20 * 2    # octets: behind date and time, which may differ between two faxes


def sent_and_received(house: House, **fields: str) -> tuple[list[Page], list[Page]]:
    job = house.job("1000", **fields)
    before = set(house.far_received())
    assert house.gofaxsend(job) == DONE
    [far] = set(house.far_received()) - before
    return read_pages(house.sent[job][0]), read_pages(far)


def ink(page: Page) -> list[bytes]:
    return list(page.rows[:HEADER_ROWS])


def test_without_a_header_the_page_arrives_row_by_row_as_it_is(make_house: HouseMaker) -> None:
    house = make_house({"freeswitch": {"header": ""}})
    sent, received = sent_and_received(house)
    for one, other in zip(sent, received, strict=True):
        assert len(one.rows) - len(other.rows) in (0, 1) and one.rows[: len(other.rows)] == other.rows


@pytest.mark.parametrize("way", ["configuration", "script", "job"])
def test_a_header_is_seen_on_every_page(make_house: HouseMaker, way: str) -> None:
    outbound = {"dynamic_config": "etc/script"} if way == "script" else {}
    house = make_house({"freeswitch": {"header": "HHHH" if way == "configuration" else ""}, "outbound": outbound})
    house.script("script", 'echo "TagLine: HHHH"')
    fields = {"tagline": "HHHH|%%p", "desiredtl": "1"} if way == "job" else {}
    sent, received = sent_and_received(house, **fields)
    for number, (one, other) in enumerate(zip(sent, received, strict=True), 1):
        assert not any(any(row) for row in ink(one)), "the document has nothing there"
        assert any(any(row) for row in ink(other)), f"no header on page {number}"
    strokes = [row for row in ink(received[0]) if any(row)]
    assert len(strokes) >= 12
    assert strokes != [row for row in ink(received[1]) if any(row)], "the page number differs"


def test_the_text_is_what_the_header_says(make_house: HouseMaker) -> None:
    """SpanDSP's line has date, time, text, our identifier, page: only the text's columns differ between two texts."""
    house = make_house({"freeswitch": {"header": ""}})
    [first, second] = [
        sent_and_received(house, tagline=text, desiredtl="1")[1][0] for text in ("HHHH IIII", "HHHH LLLL")
    ]
    columns = {
        column
        for one, other in zip(ink(first), ink(second), strict=True)
        for column, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b and column >= TEXT_BEGINS
    }
    assert columns, "the two texts look the same"
    assert max(columns) - min(columns) < 4 * 2, "four letters of two octets each, no more"
