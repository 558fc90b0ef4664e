"""The end of an outgoing fax inside the switch: which stations are remembered as failing with T.38."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.calls.registry import CALLS, NEGOTIATE
from gofaxpy.journal import Journal, Step
from gofaxpy.outbound.call import send_fax
from gofaxpy.stations.fallback import points_to_t38
from gofaxpy.switch.boundary import Api, Call
from gofaxpy.switch.faxresult import FaxResult

UUID = "01234567-89ab-4def-8123-456789abcdef"


class Session:
    """A channel whose txfax negotiates ``negotiations`` times and then has ``variables``."""

    def __init__(self, negotiations: int, variables: dict[str, str]) -> None:
        self.negotiations = negotiations
        self.variables = {"uuid": UUID}
        self.result = variables
        self.hung_up = False

    def getVariable(self, name: str) -> str | None:
        return self.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:
        self.variables[name] = value

    def execute(self, app: str, data: str) -> None:
        assert app == "txfax"
        for _ in range(self.negotiations):
            CALLS.take(UUID, NEGOTIATE[1], {})
        self.variables.update(self.result)

    def ready(self) -> bool:
        return not self.hung_up

    def hangup(self, cause: str) -> None:
        self.hung_up = True


class SwitchApi:
    """Keeps the commands it is given."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def execute(self, command: str, data: str) -> str:
        self.commands.append(f"{command} {data}")
        return "+OK"


def remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, negotiations: int, variables: dict[str, str], fallback: bool = True
) -> list[str]:
    """The mod_db commands at the end of a call with this result."""
    config = tmp_path / "gofax.yaml"
    config.write_text(f"freeswitch: {{softmodem_fallback: {str(fallback).lower()}}}\nhylafax: {{spooldir: {tmp_path}}}\n")
    monkeypatch.setenv("GOFAX_CONFIG", str(config))
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: None))
    facts = {"document": "/x.tif", "number": "99010", "destination": "010"}
    with Journal(str(tmp_path)).create("1-2", Step.OPENED, **facts) as entry:
        entry.note(Step.LAUNCHED, uuid=UUID)
        session, api = Session(negotiations, variables), SwitchApi()
        send_fax(Api(api), Call(session), "1-2")
        assert session.hung_up
        over = entry.find(Step.FAX_OVER)
        assert over is not None and over.facts["fax"]["negotiations"] == negotiations
    return api.commands


FAILED = {"fax_success": "0", "fax_result_code": "14", "fax_transfer_rate": "14400"}
GONE = {"fax_success": "1", "fax_result_code": "0", "fax_transfer_rate": "14400"}


@pytest.mark.parametrize(
    ("negotiations", "variables"), [(2, FAILED), (3, FAILED), (1, FAILED | {"fax_bad_rows": "1"})]
)
def test_a_station_is_remembered_by_the_number_dialled_and_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, negotiations: int, variables: dict[str, str]
) -> None:
    before = int(time.time())
    [command] = remembered(tmp_path, monkeypatch, negotiations, variables)
    name, _, at = command.rpartition("/")
    assert name == "db insert/fallback/99010" and before <= int(at) <= time.time()


@pytest.mark.parametrize(
    ("negotiations", "variables", "fallback"), [(1, FAILED, True), (2, GONE, True), (2, FAILED, False)]
)
def test_a_station_is_not_remembered_without_both_signs_or_where_it_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, negotiations: int, variables: dict[str, str], fallback: bool
) -> None:
    assert remembered(tmp_path, monkeypatch, negotiations, variables, fallback) == []


@pytest.mark.parametrize(("fax", "failed"), [
    (FaxResult(negotiations=2), True), (FaxResult(bad_rows=1, negotiations=1), True), (FaxResult(negotiations=1), False),
    (FaxResult(success=True, negotiations=2, bad_rows=9), False),
])
def test_the_rule_is_gofaxips(fax: FaxResult, failed: bool) -> None:
    assert points_to_t38(fax) is failed
