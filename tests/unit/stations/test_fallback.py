"""The list of stations that do better without T.38."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gofaxpy.stations.fallback import disabled, points_to_t38, remember
from gofaxpy.switch.faxresult import FaxResult, ResultCode


def database() -> tuple[Callable[[str, str], str], dict[str, str]]:
    stored: dict[str, str] = {}

    def api(command: str, args: str) -> str:
        assert command == "db"
        verb, realm, *rest = args.split("/")
        if verb == "insert":
            stored[f"{realm}/{rest[0]}"] = rest[1]
            return "+OK"
        return "true" if f"{realm}/{rest[0]}" in stored else "false"

    return api, stored


def test_a_station_that_was_remembered_gets_no_t38() -> None:
    api, stored = database()
    assert not disabled(api, "030123")
    assert remember(api, "030123", lambda: 1700000000.7)
    assert stored == {"fallback/030123": "1700000000"}
    assert disabled(api, "030123") and not disabled(api, "030124")


@pytest.mark.parametrize("number", ["", "a/b", "x" * 500, "1'2", "\ud800"])
def test_a_number_that_cannot_be_a_key_is_never_on_the_list(number: str) -> None:
    api, stored = database()
    assert not remember(api, number, lambda: 1.0) and not disabled(api, number) and not stored


def test_without_mod_db_t38_stays() -> None:
    def api(command: str, args: str) -> str:
        return "INVALID COMMAND!"

    assert not disabled(api, "030123") and not remember(api, "030123", lambda: 1.0)


@pytest.mark.parametrize(("fax", "expected"), [
    (None, False),
    (FaxResult(True, ResultCode.OK, negotiations=2, bad_rows=9), False),
    (FaxResult(False, ResultCode.CALLDROPPED, negotiations=1), False),
    (FaxResult(False, ResultCode.CALLDROPPED, negotiations=2), True),
    (FaxResult(False, ResultCode.CALLDROPPED, negotiations=1, bad_rows=1), True),
])
def test_failing_after_two_negotiations_or_with_bad_rows_points_to_t38(fax: FaxResult | None, expected: bool) -> None:
    assert points_to_t38(fax) is expected
