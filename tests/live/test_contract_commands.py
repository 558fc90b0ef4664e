"""The contract, API commands: mod_db's replies, empty and unknown ones."""

from __future__ import annotations

import shutil
import uuid

import pytest

from live.conftest import Row
from rig.house import House, HouseMaker
from rig.pages import read_pages


def test_mod_db(house: House, row: Row) -> None:
    for command, reply in (
        ("db insert/probe/a/1", "+OK"), ("db insert/probe/b/'x, y'", "+OK"), ("db select/probe/a", "1"),
        ("db select/probe/nothing", "-ERR no reply"), ("db exists/probe/a", "true"), ("db exists/probe/c", "false"),
        ("db list/probe", "a,b"), ("db list/nothing", "-ERR no reply"), ("db list/", "probe"),
        ("db delete/probe/a", "+OK"), ("db exists/probe/a", "false"), ("db nonsense", "!err!"), ("db", "!err!"),
    ):
        row(command, house.switch.api(command).strip(), reply)


def test_other_replies(house: House, row: Row) -> None:
    row("an unknown command", house.switch.api("nosuchthing x").strip(), "-ERR nosuchthing Command not found!")
    row("uuid_exists of nobody", house.switch.api(f"uuid_exists {uuid.uuid4()}").strip(), "false")
    row("uuid_kill of nobody", house.switch.api(f"uuid_kill {uuid.uuid4()}").strip(), "-ERR No such channel!")
    row("a script that does not exist", house.switch.api("python nosuchscript x").strip(), "-ERR no reply")
    row("module_exists", house.switch.api("module_exists mod_python3").strip(), "true")


@pytest.mark.parametrize("t38", ["true", "false"])
def test_a_hang_up_at_the_result_costs_neither_side_its_success(
    make_house: HouseMaker, document: str, row: Row, t38: str
) -> None:
    """``execute_on_fax_result=hangup``, in T.38 and in audio."""
    house = make_house(far_ends=[{"number": "1000", "does": "fax", "t38": "offer" if t38 == "true" else "none"}])
    path = f"{house.switch.directory}/probe.tif"
    shutil.copyfile(document, path)
    variables = f"{{fax_enable_t38={t38},fax_enable_t38_request={t38},execute_on_fax_result=hangup}}"
    with house.switch.connect() as events:
        events.command("event plain CUSTOM spandsp::txfaxresult")
        house.switch.originate(f"{variables}sofia/gateway/default/1000", f"txfax({path})")
        headers, _ = events.event(60 * house.switch.patience)
    row("our result", headers["fax-success"], "1")
    house.switch.wait_calls_over()
    row("pages at the far end", [len(read_pages(far)) for far in house.far_received()], [3])


def negotiations(house: House, document: str, cuts: str) -> dict[str, int]:
    """How many the receiver (rx) and the sender (tx) tell of in a call whose line is cut."""
    told = {"rx": 0, "tx": 0}
    with house.switch.connect() as events:
        events.command("event plain CHANNEL_DESTROY CUSTOM spandsp::rxfaxnegociateresult spandsp::txfaxnegociateresult")
        assert house.switch.place_call("4711", document, variables={"standin_cuts": cuts}).answered
        over = 0
        while over < 2:
            headers, _ = events.event(60 * house.switch.patience)
            over += headers["Event-Name"] == "CHANNEL_DESTROY"
            if "Event-Subclass" in headers:
                told[headers["Event-Subclass"].removeprefix("spandsp::")[:2]] += 1
    return told


def test_a_training_that_had_to_be_repeated(house: House, document: str, row: Row) -> None:
    """The line is cut for half a second in the training check: how many negotiations either side tells of."""
    told = {"rx": 0, "tx": 0}
    for cut in ("[[9, 0.5]]", "[[8.8, 0.5]]", "[[9.2, 0.5]]"):      # where other programs are busy, the check comes later
        told = negotiations(house, document, cut)
        if told["rx"] > 1:
            break
    row("the receiver tells of more than one", told["rx"] > 1, True)
    row("the sender tells of more than one", told["tx"] > 1, False)
