"""The contract, API commands: mod_db's replies, empty and unknown ones."""

from __future__ import annotations

import time
import uuid

import pytest

from live.conftest import Row
from rig.house import House


def test_mod_db(house: House, row: Row) -> None:
    for command, reply in (
        ("db insert/probe/a/1", "+OK"), ("db insert/probe/b/'x, y'", "+OK"), ("db select/probe/a", "1"),
        ("db select/probe/nothing", "-ERR no reply"), ("db exists/probe/a", "true"), ("db exists/probe/c", "false"),
        ("db list/probe", "a,b"), ("db list/nothing", "-ERR no reply"), ("db list/", "probe"),
        ("db delete/probe/a", "+OK"), ("db exists/probe/a", "false"), ("db nonsense", "!err!"), ("db", "!err!"),
    ):
        row(command, house.switch.api(command).strip(), reply)


def test_other_replies(house: House, row: Row) -> None:
    row("an unknown command", house.switch.api("nosuchthing x").strip(), "-ERR nosuchthing command not found")
    row("uuid_exists of nobody", house.switch.api(f"uuid_exists {uuid.uuid4()}").strip(), "false")
    row("uuid_kill of nobody", house.switch.api(f"uuid_kill {uuid.uuid4()}").strip(), "-ERR No such channel!")
    row("a script that does not exist", house.switch.api("python nosuchscript x").strip(), "-ERR no reply")
    row("module_exists", house.switch.api("module_exists mod_python3").strip(), "true")


@pytest.mark.parametrize("enable", ["true", "false"])
def test_a_hang_up_at_the_result_costs_neither_side_its_success(house: House, document: str, row: Row, enable: str) -> None:
    """``execute_on_fax_result=hangup``, in T.38 and in audio."""
    with house.switch.connect() as events:
        events.command("event plain CUSTOM spandsp::rxfaxresult spandsp::txfaxresult")
        number = "1003" if enable == "true" else "1000"
        variables = f"{{fax_enable_t38={enable},fax_enable_t38_request={enable},execute_on_fax_result=hangup}}"
        path = f"{house.switch.directory}/probe.tif"
        with open(document, "rb") as source, open(path, "wb") as target:
            target.write(source.read())
        house.switch.originate(f"{variables}sofia/gateway/default/{number}", f"txfax({path})")
        headers, _ = events.event(120 * house.switch.patience)
        row("our success", headers["fax-success"], "1")
        house.switch.wait_calls_over()
    time.sleep(0.1)
