"""The XML dialplan: which applications a call runs (mod_dialplan_xml.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mocks.config import from_tree
from mocks.sip.profile import CallerProfile
from mocks.switch import Switch

Hunt = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def hunt(tmp_path: Path) -> Iterator[Hunt]:
    switches: list[Switch] = []

    def find(extensions: str, number: str = "4711", wrap: str = '<context name="fax">{}</context>') -> list[tuple[str, str]]:
        path = tmp_path / "plan.xml"
        path.write_text(wrap.format(extensions), "utf-8")
        tree = {"run_dir": str(tmp_path / "run"), "dialplan": str(path), "globals": {"site": "fax1"}}
        switch = Switch(from_tree(tree, "/"))
        switches.append(switch)
        channel = switch.new_channel("inbound")
        assert channel is not None
        channel.profile = CallerProfile("inbound", channel.uuid, "sofia/fax/1", number, caller_id_number="030", context="fax")
        channel.set_variable("sip_h_Diversion", "<sip:99@x>")
        found = switch.dialplan.hunt(channel)
        find.match = channel.get_variable("DP_MATCH")  # type: ignore[attr-defined]
        find.inline = channel.get_variable("inline")  # type: ignore[attr-defined]
        return found

    yield find
    for switch in switches:
        switch.close()


def extension(conditions: str, attributes: str = "") -> str:
    return f'<extension name="x" {attributes}>{conditions}</extension>'


def condition(inside: str, field: str = "destination_number", expression: str = "^4711$", more: str = "") -> str:
    return f'<condition field="{field}" expression="{expression}" {more}>{inside}</condition>'


def action(data: str, kind: str = "action", more: str = "") -> str:
    return f'<{kind} application="log" data="{data}" {more}/>'


def test_the_first_extension_that_matches_is_taken(hunt: Hunt) -> None:
    plan = (
        extension(condition(action("no"), expression="^0"))
        + extension(condition(action("yes")))
        + extension(condition(action("late")))
    )
    assert hunt(plan) == [("log", "yes")]


def test_an_extension_that_continues_lets_later_ones_add_to_it(hunt: Hunt) -> None:
    plan = extension(condition(action("one")), 'continue="true"') + extension(condition(action("two")))
    assert hunt(plan) == [("log", "one"), ("log", "two")]


def test_all_conditions_have_to_match_but_actions_before_the_failure_stay(hunt: Hunt) -> None:
    both = condition(action("one")) + condition(action("two"), "caller_id_number", "^030$")
    assert hunt(extension(both)) == [("log", "one"), ("log", "two")]
    broken = condition(action("one")) + condition(action("two"), "caller_id_number", "^1") + condition(action("three"))
    assert hunt(extension(broken)) == [("log", "one")]


@pytest.mark.parametrize(
    ("rule", "found"), [("on-false", ["a"]), ("never", ["a", "b"]), ("on-true", ["a", "b"]), ("always", ["a"])]
)
def test_break_decides_whether_the_next_condition_is_looked_at_after_a_failure(hunt: Hunt, rule: str, found: list[str]) -> None:
    plan = condition(action("a")) + condition("", "caller_id_number", "^1", f'break="{rule}"') + condition(action("b"))
    assert [data for _, data in hunt(extension(plan))] == found


def test_anti_actions_run_where_the_condition_fails(hunt: Hunt) -> None:
    plan = condition(action("yes") + action("no", "anti-action"), "caller_id_number", "^1", 'break="never"')
    assert hunt(extension(plan)) == [("log", "no")]


def test_groups_of_the_expression_are_put_into_the_data_and_kept(hunt: Hunt) -> None:
    plan = extension(condition(action("$1-$2-${1}"), expression="^(47)(11)$"))
    assert hunt(plan) == [("log", "47-11-${1}")]
    assert hunt.match == "ARRAY::4711|:47|:11"  # type: ignore[attr-defined]


def test_fields_may_be_variables_and_expressions_case_blind(hunt: Hunt) -> None:
    plan = condition(action("d"), "${sip_h_diversion}", "/SIP:99/i") + condition(action("g"), "${site}", "^fax1$")
    assert [data for _, data in hunt(extension(plan))] == ["d", "g"]


def test_a_condition_without_field_always_matches_and_loops_repeat(hunt: Hunt) -> None:
    plan = extension("<condition>" + action("x", more='loop="2"') + "</condition>")
    assert hunt(plan) == [("log", "x"), ("log", "x")]


def test_conditions_inside_conditions_narrow_them(hunt: Hunt) -> None:
    inner = condition(action("in"), "caller_id_number", "^030$")
    assert [data for _, data in hunt(extension(condition(action("out") + inner)))] == ["out", "in"]


@pytest.mark.parametrize(("rule", "found"), [("all", []), ("any", ["y"]), ("xor", ["y"])])
def test_several_expressions_of_one_condition_are_joined_by_their_rule(hunt: Hunt, rule: str, found: list[str]) -> None:
    tests = '<regex field="destination_number" expression="^4711$"/><regex field="caller_id_number" expression="^1"/>'
    plan = extension(f'<condition regex="{rule}">{tests}{action("y")}</condition>')
    assert [data for _, data in hunt(plan)] == found


def test_an_inline_action_runs_during_the_hunt(hunt: Hunt) -> None:
    plan = extension(condition('<action application="set" data="inline=yes" inline="true"/>' + action("then")))
    assert hunt(plan) == [("log", "then")]
    assert hunt.inline == "yes"  # type: ignore[attr-defined]


def test_bare_extensions_stand_in_the_configured_context(hunt: Hunt) -> None:
    text = '<?xml version="1.0"?><!-- note --><include>{}</include>'
    assert hunt(extension(condition(action("x"))), wrap=text) == [("log", "x")]


def test_included_files_are_part_of_the_dialplan(hunt: Hunt, tmp_path: Path) -> None:
    (tmp_path / "more.xml").write_text(f"<include>{extension(condition(action('more')))}</include>")
    assert hunt('<X-PRE-PROCESS cmd="include" data="more.xml"/>') == [("log", "more")]


def test_nothing_matches_in_an_unknown_context(hunt: Hunt) -> None:
    assert hunt(extension(condition(action("x"))), wrap='<context name="other">{}</context>') == []


def test_a_broken_file_leaves_the_old_dialplan_in_force(tmp_path: Path) -> None:
    path = tmp_path / "plan.xml"
    path.write_text(f'<context name="fax">{extension(condition(action("old")))}</context>')
    switch = Switch(from_tree({"run_dir": str(tmp_path / "run"), "dialplan": str(path)}, "/"))
    path.write_text("<context>")
    assert "plan.xml" in switch.api("reloadxml", "")
    channel = switch.new_channel("inbound")
    assert channel is not None
    channel.profile = CallerProfile("inbound", channel.uuid, "n", "4711", context="fax")
    assert switch.dialplan.hunt(channel) == [("log", "old")]
    switch.close()
