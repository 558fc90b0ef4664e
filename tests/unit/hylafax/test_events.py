"""Messages to faxq: native's own, and no value that can say more than one thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax import events
from gofaxpy.hylafax.events import RecvInfo, SendInfo
from gofaxpy.hylafax.fifo import MAX_MESSAGE
from gofaxpy.hylafax.params import FaxParams

FINE = FaxParams(vr=1, br=5, ln=2, df=3, ec=2)
RECEIVED = RecvInfo(
    30.9, 1, FINE, "recvq/fax000000008.tif", "000000010", "+49 1", "<UNSPECIFIED>", "", "", ("0301", "ACME"),
)


@pytest.mark.parametrize(("message", "text"), [
    (events.modem_number("freeswitch0", "+49.30.12345"), "+freeswitch0:N+49.30.12345"),
    (events.modem_ready("freeswitch0"), "+freeswitch0:Rpcbffff01"),
    (events.modem_ready("freeswitch0", "pcbffff7f:10"), "+freeswitch0:Rpcbffff7f:10"),
    (events.modem_busy("freeswitch0"), "+freeswitch0:B"),
    (events.modem_down("freeswitch0"), "+freeswitch0:D"),
    (events.modem_commid("freeswitch0", "000000010"), "+freeswitch0:I000000010"),
    (events.modem_commid("freeswitch0"), "+freeswitch0:I"),
    (events.caller_id("ttyF0", ["030555124", "ACME", "4711"]), '+ttyF0:C"030555124","ACME","4711"'),
    (events.recv_begin("freeswitch0"), "@freeswitch0:B"),
    (events.recv_end("freeswitch0"), "@freeswitch0:E"),
    (events.recv_page("freeswitch0", RECEIVED),
     '@freeswitch0:P1e,1,21e029,recvq/fax000000008.tif,000000010,"+49 1","<UNSPECIFIED>","","","0301","ACME"'),
    (events.recv_start("m", RecvInfo()), '@m:S0,0,0,,,"","","","",""'),
    (events.recv_document("m", RecvInfo(reason="why", callid=("1",))), '@m:D0,0,0,,,"","","","why","1"'),
    (events.job_call_placed("56"), "*56:c"),
    (events.job_connected("56"), "*56:C"),
    (events.job_page_sent("56", SendInfo(30, 1, FINE, "000000011", "docq/doc1.tif;c0")),
     '*56:d1e,1,21e029,000000011,"docq/doc1.tif;c0"'),
    (events.job_document_sent("56", SendInfo(18, 3, FINE, "000000011", "docq/doc1.tif;c0")),
     '*56:D12,3,21e029,000000011,"docq/doc1.tif;c0"'),
    (events.SCHEDULER_POKE, "Z"),
])
def test_messages_are_natives(message: str, text: str) -> None:
    assert message == text


_hostile = st.text(alphabet=st.sampled_from('",\0\n\r\x1b:aü\udcff\u2028'), max_size=300)


def commas_outside_of_quotes(text: str) -> int:
    return sum(part.count(",") for part in text.split('"')[::2])


@given(_hostile, _hostile, _hostile, st.lists(_hostile, min_size=1, max_size=3))
def test_values_cannot_forge_other_values(file: str, sender: str, reason: str, callid: list[str]) -> None:
    message = events.recv_page(file, RecvInfo(1, 1, FINE, file, file, sender, "", "", reason, tuple(callid)))
    info = message.partition(":P")[2]
    assert info.count('"') == 2 * (4 + len(callid))
    assert commas_outside_of_quotes(info) == 8 + len(callid)
    assert message.isprintable() or all(character.isprintable() or "\udc80" <= character <= "\udcff" for character in message)
    assert events.caller_id(file, callid).count('"') == 2 * len(callid)


_long = st.text(max_size=100).map(lambda text: text * 100)


@given(st.lists(_long, max_size=50), _long)
def test_every_message_fits_into_the_fifo(callid: list[str], text: str) -> None:
    info = RecvInfo(1e9, 9999, FINE, text, text, text, text, text, text, tuple(callid))
    for message in (events.recv_page(text, info), events.caller_id(text, callid), events.modem_number(text, text)):
        assert len(message.encode("utf-8", "surrogatepass")) < MAX_MESSAGE - 1


def test_a_modems_name_ends_where_faxq_ends_it() -> None:
    assert events.modem_busy("a:Rx") == "+a_Rx:B"
