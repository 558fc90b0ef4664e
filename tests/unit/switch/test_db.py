"""mod_db through its command syntax, against a model of mod_db that cuts and unquotes as FreeSWITCH does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.switch.db import Db, DbError


def unquoted(field: str) -> str:
    """One field after the cut: blanks at the ends go, pairs of apostrophes go, backslashes are undone."""
    text = field.lstrip(" ")
    out = ""
    end = 0
    inside = False
    at = 0
    while at < len(text):
        char, following = text[at], text[at + 1:at + 2]
        known = {"'": "'", '"': '"', "/": "/", "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "s": " "}
        if char == "\\" and following in known and following:
            out += known[following]
            end = len(out)
            at += 1
        elif char == "'" and (inside or "'" in text[at + 1:]):
            inside = not inside
            end = len(out) if inside else end
        else:
            out += char
            end = len(out) if char != " " or inside else end
        at += 1
    return out[:end]


def cut(args: str) -> list[str]:
    """At most four fields between slashes; backslashes and pairs of apostrophes protect them."""
    fields = [""]
    inside = False
    at = 0
    while at < len(args):
        char = args[at]
        if len(fields) == 4:
            fields[-1] += args[at:]
            break
        if char == "\\":
            fields[-1] += args[at:at + 2]
            at += 1
        elif char == "'" and (inside or "'" in args[at + 1:]):
            inside = not inside
            fields[-1] += char
        elif char == "/" and not inside:
            fields.append("")
        else:
            fields[-1] += char
        at += 1
    if fields[-1] == "":
        fields.pop()
    return [unquoted(field) for field in fields]


class ModDb:
    """mod_db's behaviour; ``empty`` is what an empty reply looks like to the caller."""

    def __init__(self, empty: str = "") -> None:
        self.data: dict[tuple[str, str], str] = {}
        self.empty = empty

    def api(self, command: str, args: str) -> str:
        assert command == "db"
        return self._reply(cut(args.strip(" \t\r\n\v\f"))) or self.empty

    def _reply(self, fields: list[str]) -> str:
        match fields:
            case ["insert", realm, key, value]:
                self.data[realm, key] = value
                return "+OK"
            case ["select", realm, key]:
                return self.data.get((realm, key), "").encode()[:255].decode("utf-8", "ignore")
            case ["exists", realm, key]:
                return "true" if self.data.get((realm, key)) else "false"
            case ["delete", realm, key]:
                self.data.pop((realm, key), None)
                return "+OK"
            case ["list"]:
                return ",".join(sorted({realm for realm, _ in self.data}))
            case ["list", realm]:
                return ",".join(key for found, key in self.data if found == realm)
        return "!err!"


@pytest.fixture(params=["", "-ERR no reply\n"], ids=["in process", "event socket"])
def mod_db(request: pytest.FixtureRequest) -> ModDb:
    return ModDb(request.param)


def test_values_are_stored_found_listed_and_removed(mod_db: ModDb) -> None:
    db = Db(mod_db.api)
    assert db.select("fallback", "4711") == ""
    assert db.exists("fallback", "4711") is False
    assert db.keys("fallback") == [] and db.realms() == []
    db.insert("fallback", "4711", "1")
    db.insert("fallback", "4712", "2")
    assert db.select("fallback", "4711") == "1"
    assert db.exists("fallback", "4711") is True
    assert db.keys("fallback") == ["4711", "4712"]
    assert db.realms() == ["fallback"]
    db.delete("fallback", "4711")
    assert db.keys("fallback") == ["4712"]


VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60).filter(lambda text: text.strip(" "))


@given(VALUES)
def test_every_value_comes_back_as_it_was(value: str) -> None:
    db = Db(ModDb().api)
    db.insert("override-4711", "fax_header", value)
    assert db.select("override-4711", "fax_header") == value


@given(st.text("ab,/'\\\" =s", max_size=12).filter(lambda text: text.strip(" ")))
def test_quotes_slashes_and_backslashes_come_back_as_they_were(value: str) -> None:
    db = Db(ModDb().api)
    db.insert("r", "k", value)
    assert db.select("r", "k") == value
    assert db.realms() == ["r"] and db.keys("r") == ["k"]


@pytest.mark.parametrize("name", ["a/b", "a,b", "a'b", 'a"b', "a\\b", " a", "a ", "", " ", "a\nb", "a\0", "\udcff", "x" * 121])
def test_a_name_that_the_syntax_cannot_express_is_refused(name: str, mod_db: ModDb) -> None:
    db = Db(mod_db.api)
    with pytest.raises(DbError, match="realm"):
        db.insert(name, "k", "v")
    with pytest.raises(DbError, match="key"):
        db.select("r", name)
    assert mod_db.data == {}


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "\0", "x" * 256, "é" * 128, "\ud800"])
def test_a_value_that_would_not_come_back_is_refused(value: str) -> None:
    with pytest.raises(DbError, match="value"):
        Db(ModDb().api).insert("r", "k", value)


@pytest.mark.parametrize("reply", ["INVALID COMMAND!\n", "-ERR db Command not found!\n"])
def test_a_switch_without_mod_db_is_named_as_the_reason(reply: str) -> None:
    with pytest.raises(DbError, match="no mod_db loaded"):
        Db(lambda command, args: reply).select("r", "k")


def test_an_answer_that_is_no_success_is_an_error() -> None:
    with pytest.raises(DbError, match="does not understand"):
        Db(lambda command, args: "!err!").insert("r", "k", "v")
    with pytest.raises(DbError, match="answers"):
        Db(lambda command, args: "").delete("r", "k")


def test_a_list_that_may_have_been_cut_is_not_taken_for_whole() -> None:
    with pytest.raises(DbError, match="cannot list all"):
        Db(lambda command, args: ",".join(["x" * 99] * 40)).keys("r")
