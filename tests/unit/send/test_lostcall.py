"""What is certain of a call whose FreeSWITCH cannot be asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gofaxpy.journal import Entry, Journal, Step
from gofaxpy.local import boot_id, is_here
from gofaxpy.send.lostcall import Fate, fate_of, handler_is_gone

UUID = "uuid"
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.1"
LONGEST = 7200.0


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path))


@pytest.fixture
def placed(journal: Journal) -> Iterator[Callable[[str], Entry]]:
    """An entry whose call was placed through a host."""
    with journal.create("1-000000001", Step.OPENED) as made:
        def on(host: str) -> Entry:
            made.mark(Step.LAUNCHED, uuid=UUID, host=host, port=8021)
            return made

        yield on


@pytest.fixture
def handler(journal: Journal, placed: Callable[[str], Entry]) -> Iterator[Entry]:
    """The same entry, as the handler of the call has it open and holds it."""
    del placed
    entry = journal.open("1-000000001")
    assert entry is not None
    with entry:
        assert entry.hold()
        yield entry


@pytest.mark.parametrize("host", [HERE, ELSEWHERE])
def test_a_call_that_nobody_has_answered_is_withdrawn(placed: Callable[[str], Entry], host: str) -> None:
    entry = placed(host)
    assert fate_of(entry, UUID, LONGEST) is Fate.WITHDRAWN
    entry.mark(Step.CONNECTED, uuid=UUID, held=True, boot=boot_id())
    assert entry.withdrawn(UUID), "a handler that comes to it later sees it"
    assert fate_of(entry, UUID, LONGEST) is Fate.WITHDRAWN


@pytest.mark.parametrize(("host", "boot", "gone"), [
    (HERE, "", True),                   # an entry of an earlier version
    (HERE, "another", True),            # of this machine before it was started anew
    (ELSEWHERE, "", False),
    (ELSEWHERE, "another", False),      # a lock over there may not be seen here
])
def test_only_a_lock_that_can_be_seen_from_here_tells_that_a_handler_is_gone(
    placed: Callable[[str], Entry], handler: Entry, host: str, boot: str, gone: bool
) -> None:
    entry = placed(host)
    handler.mark(Step.CONNECTED, uuid=UUID, held=True, **({"boot": boot} if boot else {}))
    assert fate_of(entry, UUID, LONGEST) is Fate.UNKNOWN, "it is at work"
    handler.close()
    assert fate_of(entry, UUID, LONGEST) is (Fate.OVER if gone else Fate.UNKNOWN)
    assert handler_is_gone(entry, UUID, LONGEST) is gone


def test_processes_of_one_kernel_see_each_other_whatever_the_address_is(placed: Callable[[str], Entry], handler: Entry) -> None:
    """A FreeSWITCH in another container has an address that is not this one's."""
    entry = placed(ELSEWHERE)
    handler.mark(Step.CONNECTED, uuid=UUID, held=True, boot=boot_id())
    assert fate_of(entry, UUID, LONGEST) is Fate.UNKNOWN
    handler.close()
    assert fate_of(entry, UUID, LONGEST) is Fate.OVER


def test_a_handler_that_could_not_hold_the_entry_may_be_at_work_for_as_long_as_its_file_system_says_nothing(
    placed: Callable[[str], Entry]
) -> None:
    entry = placed(HERE)
    entry.mark(Step.CONNECTED, uuid=UUID, held=False, boot=boot_id())
    assert fate_of(entry, UUID, LONGEST) is Fate.UNKNOWN
    assert fate_of(entry, UUID, 0.0) is Fate.UNKNOWN


def test_of_a_handler_elsewhere_time_tells(placed: Callable[[str], Entry]) -> None:
    entry = placed(ELSEWHERE)
    entry.mark(Step.CONNECTED, uuid=UUID, held=True, boot="another")
    assert not handler_is_gone(entry, UUID, LONGEST)
    until = time.monotonic() + 10
    while not handler_is_gone(entry, UUID, 0.001):      # the clock on the wall may be set back a little meanwhile
        assert time.monotonic() < until


def test_the_lock_of_another_call_says_nothing(placed: Callable[[str], Entry]) -> None:
    entry = placed(HERE)
    entry.mark(Step.CONNECTED, uuid="another", held=True, boot=boot_id())
    assert fate_of(entry, UUID, LONGEST) is Fate.WITHDRAWN


def test_a_lock_of_which_the_file_system_does_not_tell_is_not_taken_for_none(tmp_path: Path) -> None:
    """As on NFS without its lock daemon (ENOLCK); here by a descriptor that is closed (EBADF)."""
    with Journal(str(tmp_path)).create("1-000000002", Step.OPENED) as entry:
        entry.mark(Step.CONNECTED, uuid=UUID, held=True)
        assert entry.in_work(UUID) is False
        fd, entry._fd = entry._fd, 1 << 20
        try:
            assert entry._holding() is None     # what in_work answers then
        finally:
            entry._fd = fd


@pytest.mark.parametrize(("host", "here"), [
    ("127.0.0.1", True), ("127.1.2.3", True), ("localhost", True), ("192.0.2.1", False), ("nobody.invalid", False), ("", False),
    ("a..b", False), ("x" * 70, False),
])
def test_which_addresses_are_this_machine_s(host: str, here: bool) -> None:
    assert is_here(host) is here


def test_the_kernel_has_a_name() -> None:
    assert len(boot_id()) == 36 and boot_id() == boot_id()
