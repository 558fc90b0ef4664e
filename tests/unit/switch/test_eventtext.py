"""Events as text: what a caller may put into them is bounded."""

from __future__ import annotations

import tracemalloc

from gofaxpy.switch.eventtext import MAX_HEADERS, EventHeaders, event_record


def test_an_event_with_no_end_of_headers_is_read_up_to_a_number_of_them() -> None:
    """A frame may have 16 MiB, which is two million headers of a few octets and some 400 MB of dictionary."""
    text = b"Event-Name: CUSTOM\nUnique-ID: 7\n" + b"".join(b"X-%d: \n" % number for number in range(1_000_000))
    tracemalloc.start()
    headers = EventHeaders(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(headers) == MAX_HEADERS and headers["Unique-ID"] == "7"
    assert peak < 24 << 20      # the text once more, and the headers

    record = event_record(text.decode())
    assert record is not None and (record.name, record.uuid) == ("CUSTOM", "7")
