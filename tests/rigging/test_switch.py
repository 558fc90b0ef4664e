"""How the rig addresses a switch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml

from rig import Installed, PlacedCall, RigError, RunDir, StandIn, gofaxyaml
from rig.driven import burden
from rig.ports import Port
from rig.switch import dial_variables

READY = "import sys, time, yaml; port = yaml.safe_load(open(sys.argv[2]))['event_socket']['port']\n"


@pytest.fixture
def program(run_dir: RunDir) -> Iterator[tuple[RunDir, str]]:
    """A run with a place for a program in the stand-in's stead."""
    mocks = run_dir.sub("app/tests/mocks")
    open(os.path.join(mocks, "__init__.py"), "w", encoding="ascii").close()
    yield run_dir, os.path.join(mocks, "standin.py")


def stand_in(program: tuple[RunDir, str], text: str) -> StandIn:
    run_dir, path = program
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return StandIn(run_dir, Installed(os.path.join(run_dir.path, "app")), gofaxyaml=os.path.join(run_dir.path, "gofax.yaml"))


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", "{x='plain'}"),
        ("a,b", "{x='a\\,b'}"),
        ("O'Brien", "{x='O\\'Brien'}"),
        ("back\\slash", "{x='back\\\\slash'}"),
        ("+49 30 é", "{x='+49 30 é'}"),
    ],
)
def test_dialstring_variables_are_quoted_so_that_they_arrive_whole(value: str, quoted: str) -> None:
    assert dial_variables({"x": value}) == quoted


def test_no_variables_are_no_braces() -> None:
    assert dial_variables({}) == ""


def test_a_placed_call_knows_whether_it_was_answered_and_why_not() -> None:
    assert PlacedCall("u", "+OK u").answered
    refused = PlacedCall("u", "-ERR USER_BUSY")
    assert (refused.answered, refused.cause) == (False, "USER_BUSY")


def test_a_port_is_not_given_twice() -> None:
    ports = [Port() for _ in range(50)]
    assert len({port.number for port in ports}) == 50
    for port in ports:
        port.release()


def test_limits_grow_with_what_else_the_machine_does() -> None:
    cores = os.cpu_count() or 1
    busy = [subprocess.Popen([sys.executable, "-IS", "-c", "while True: pass"]) for _ in range(20 * cores)]
    try:
        deadline = time.monotonic() + 60
        while burden() < 10:        # of those that have begun
            assert time.monotonic() < deadline, f"{burden()} with {len(busy)} programs more"
            time.sleep(0.01)
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()


def test_start_waits_for_the_ready_line(program: tuple[RunDir, str]) -> None:
    with stand_in(program, READY + "time.sleep(0.3); print('ready', port, flush=True); time.sleep(60)") as switch:
        switch.start()
        assert switch.running
        switch.kill()
        assert switch.status == -9


def test_a_switch_that_ends_at_once_is_said_with_its_last_words(program: tuple[RunDir, str]) -> None:
    switch = stand_in(program, "import sys; print('no such far end'); sys.exit(3)")
    with switch, pytest.raises(RigError, match="ended with status 3: no such far end"):
        switch.start()


def test_a_switch_that_never_gets_ready_is_ended(program: tuple[RunDir, str]) -> None:
    with stand_in(program, "import time; time.sleep(60)") as switch:
        with pytest.raises(RigError, match=r"not ready after 0.5 s"):
            switch.start(timeout=0.5)
        assert not switch.running


def test_a_switch_can_be_started_again_on_the_same_port(program: tuple[RunDir, str]) -> None:
    text = READY + (
        "import socket; s = socket.create_server(('127.0.0.1', port)); print('ready', port, flush=True); time.sleep(60)"
    )
    with stand_in(program, text) as switch:
        for _ in range(2):
            switch.start()
            switch.kill()


def test_a_gofaxyaml_has_the_places_of_the_run_and_the_overrides(run_dir: RunDir) -> None:
    spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
    path = gofaxyaml(
        os.path.join(run_dir.path, "gofax.yaml"),
        spool=spool,
        lock_dir=lock_dir,
        esl_port=1234,
        modems=3,
        overrides={"inbound": {"faxrcvd": "bin/other"}, "outbound": {"cid_name": "number"}},
    )
    with open(path, encoding="utf-8") as file:
        tree = yaml.safe_load(file)
    assert tree["freeswitch"]["servers"] == [{"host": "127.0.0.1", "port": 1234, "password": "ClueCon"}]
    assert tree["hylafax"] == {"spooldir": spool, "lock_dir": lock_dir, "modems": 3}
    assert tree["inbound"]["faxrcvd"] == "bin/other"
    assert tree["outbound"] == {"cid_name": "number"}


def test_a_generated_gofaxyaml_is_accepted_by_the_project(run_dir: RunDir) -> None:
    from gofaxpy.config.file import load

    spool, lock_dir = os.path.join(run_dir.path, "spool"), os.path.join(run_dir.path, "lock")
    path = gofaxyaml(os.path.join(run_dir.path, "gofax.yaml"), spool=spool, lock_dir=lock_dir, esl_port=1234)
    config = load(path)
    assert config.hylafax.spooldir == spool
    assert config.freeswitch.servers[0].port == 1234
