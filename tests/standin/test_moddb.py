"""mod_db: the replies of the API command `db`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mocks.api.moddb import ModDb


@pytest.fixture
def db(tmp_path: Path) -> Iterator[ModDb]:
    found = ModDb(str(tmp_path / "db.sqlite"))
    yield found
    found.close()


def test_what_was_inserted_is_selected_listed_and_deleted(db: ModDb) -> None:
    assert db.command("insert/fallback/0123/1700000000") == "+OK"
    assert db.command("insert/fallback/4567/x") == "+OK"
    assert db.command("insert/override-0123/fax_enable_t38/false") == "+OK"
    assert db.command("select/fallback/0123") == "1700000000"
    assert db.command("exists/fallback/0123") == "true"
    assert db.command("list/fallback") == "0123,4567"
    assert db.command("list/") == "fallback,override-0123"
    assert db.command("count/fallback") == "2"
    assert db.command("delete/fallback/0123") == "+OK"
    assert db.command("list/fallback") == "4567"


def test_what_is_absent_is_empty(db: ModDb) -> None:
    assert db.command("select/no/such") == ""
    assert db.command("exists/no/such") == "false"
    assert db.command("list/no") == ""
    assert db.command("delete/no/such") == "+OK"


@pytest.mark.parametrize("command", ["", "nonsense", "insert/a/b", "select/a", "list/a/b", "count/a/b"])
def test_anything_else_is_an_error(db: ModDb, command: str) -> None:
    assert db.command(command) == "!err!"


def test_a_second_insert_replaces_and_slashes_belong_to_the_value(db: ModDb) -> None:
    db.command("insert/r/k/old")
    db.command("insert/r/k/a/b=c")
    assert db.command("select/r/k") == "a/b=c"


def test_apostrophes_cannot_break_out_and_other_bytes_survive(db: ModDb) -> None:
    db.command("insert/r/k\\'; drop table db_data; --/v\udcff")
    assert db.command("select/r/k\\'; drop table db_data; --") == "v\udcff"


def test_a_value_is_read_back_up_to_255_bytes(db: ModDb) -> None:
    db.command("insert/r/k/" + "x" * 300)
    assert db.command("select/r/k") == "x" * 255


def test_values_outlive_the_switch(tmp_path: Path) -> None:
    first = ModDb(str(tmp_path / "db.sqlite"))
    first.command("insert/r/k/v")
    first.close()
    second = ModDb(str(tmp_path / "db.sqlite"))
    assert second.command("select/r/k") == "v"
    second.close()
