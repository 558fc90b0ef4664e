"""rxfax and txfax of the stand-in: real T.30 between its channels and far ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocks.esl.probe import Probe, Received, switch_in_process
from mocks.sip.call import T38Side, t38_status
from rig.pages import NORMAL, compare_documents, make_tiff, read_pages

FAX_EVENTS = " ".join(f"spandsp::{way}fax{what}result" for way in ("tx", "rx") for what in ("negociate", "page", ""))
DIALPLAN = """<context name="fax">
<extension name="quiet"><condition field="destination_number" expression="^quiet$">
  <action application="answer"/><action application="playback" data="silence_stream://-1"/></condition></extension>
<extension name="dialogue"><condition field="destination_number" expression="^(t38|insistent|.*)$">
  <action application="set" data="fax_enable_t38=true"/>
  <action application="set" data="fax_ident=%2B49%20RIG"/>
  <action application="answer"/>
  <action application="rxfax" data="{folder}/in.tif"/>
  <action application="set" data="after=${{fax_success}}"/></condition></extension>
</context>"""

WORLD = {
    "gateways": {"default": {}},
    "far_ends": [
        {"number": "10", "does": "fax", "ident": "+49 FAR", "t38": "none"},
        {"number": "11", "does": "fax", "t38": "offer"},
        {"number": "12", "does": "fax", "t38": "refuse"},
        {"number": "13", "does": "fax", "t38": "stall"},
        {"number": "14", "does": "fax", "ecm": False, "v17": False},
        {"number": "15", "does": "fax", "hangup_after_pages": 1},
        {"number": "20", "does": "voice"},
    ],
}


@dataclass(frozen=True, slots=True)
class World:
    """A client that listens to the events of faxes and the ends of calls, and a folder."""

    probe: Probe
    folder: Path
    document: str

    def fax(self, dial: str, variables: str = "", app: str = "") -> list[Received]:
        """Start a call and collect events until it is gone (the called one too, if it is ours)."""
        application = app or f"&txfax({self.document})"
        extra = f",{variables}" if variables else ""
        self.probe.command(f"bgapi originate {{ignore_early_media=true,fax_ident='%2B1%20337'{extra}}}{dial} '{application}'")
        legs = 2 if dial.startswith("sofia/far") else 1
        gone: list[str] = []

        def over(event: Received) -> bool:
            if event.label == "CHANNEL_DESTROY":
                gone.append(event.get("Unique-ID"))
            return len(gone) == legs

        return self.probe.events_until(over)


def last(events: list[Received], label: str, direction: str = "outbound") -> Received:
    return [event for event in events if event.label == label and event.get("Call-Direction") == direction][-1]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = os.fspath(tmp_path_factory.mktemp("document") / "three.tif")
    make_tiff(path, 3, dpi=NORMAL)
    return path


@pytest.fixture
def world(tmp_path: Path, document: str) -> Iterator[World]:
    plan = tmp_path / "plan.xml"
    plan.write_text(DIALPLAN.format(folder=tmp_path), "utf-8")
    tree = {**WORLD, "dialplan": os.fspath(plan)}
    with switch_in_process(tree, os.fspath(tmp_path / "run")) as (_, server), Probe(server.port) as probe:
        probe.command(f"event plain CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY CUSTOM {FAX_EVENTS}")
        yield World(probe, tmp_path, document)


def far_file(world: World) -> str:
    (path,) = (world.folder / "run" / "far").iterdir()
    return os.fspath(path)


def test_three_pages_arrive_at_a_far_end_bit_by_bit(world: World) -> None:
    events = world.fax("sofia/gateway/default/10")
    end = last(events, "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_success"), end.get("variable_fax_result_text")) == ("1", "OK")
    assert end.get("variable_fax_document_transferred_pages") == "3"
    assert end.get("variable_fax_local_station_id") == "+1 337"
    assert end.get("variable_fax_remote_station_id") == "+49 FAR"
    sent, got = read_pages(world.document), read_pages(far_file(world))
    assert [page.identical for page in compare_documents(sent, got)] == [True, True, True]


def test_a_looped_call_sends_and_receives_and_its_dialplan_goes_on_after_the_fax(world: World) -> None:
    events = world.fax("sofia/far/6300")
    inbound = last(events, "CHANNEL_HANGUP_COMPLETE", "inbound")
    assert inbound.get("variable_after") == "1"
    assert inbound.get("variable_fax_remote_station_id") == "+1 337"
    assert last(events, "CHANNEL_HANGUP_COMPLETE").get("variable_fax_remote_station_id") == "+49 RIG"
    sent, got = read_pages(world.document), read_pages(os.fspath(world.folder / "in.tif"))
    assert [page.identical for page in compare_documents(sent, got)] == [True, True, True]


@pytest.mark.parametrize(("first", "final", "pages"), [("1", "1", [1]), ("1", "", [1, 2]), ("0", "0", [0])])
def test_page_ranges_count_from_0_with_the_end_included(world: World, first: str, final: str, pages: list[int]) -> None:
    ranges = f"fax_start_page={first}" + (f",fax_end_page={final}" if final else "")
    world.fax("sofia/gateway/default/10", ranges)
    sent, got = read_pages(world.document), read_pages(far_file(world))
    assert [page.identical for page in compare_documents([sent[n] for n in pages], got)] == [True] * len(pages)


def test_a_missing_document_is_said_at_once_and_sets_no_fax_variable(world: World) -> None:
    events = world.fax("sofia/gateway/default/10", app="&txfax(/nowhere/x.tif)")
    end = last(events, "CHANNEL_HANGUP_COMPLETE")
    assert end.get("variable_current_application_response") == "Cannot send non-existant fax file"
    found = [name for name, _ in end.headers if name.startswith("variable_fax_")]
    assert found == ["variable_fax_ident"]


def test_sending_to_a_voice_times_out_with_code_2(world: World) -> None:
    end = last(world.fax("sofia/gateway/default/20"), "CHANNEL_HANGUP_COMPLETE")
    assert end.get("variable_fax_result_code") == "2"
    assert end.get("variable_fax_result_text") == "Timed out waiting for initial communication"


def test_receiving_from_silence_times_out_with_code_3(world: World) -> None:
    end = last(world.fax("sofia/far/6300", app="&playback(silence_stream://-1)"), "CHANNEL_HANGUP_COMPLETE", "inbound")
    assert end.get("variable_fax_result_code") == "3"
    assert end.get("variable_fax_result_text") == "Timed out waiting for the first message"


def test_ecm_and_v17_are_used_only_where_both_ends_have_them(world: World) -> None:
    end = last(world.fax("sofia/gateway/default/14"), "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_ecm_used"), end.get("variable_fax_ecm_requested")) == ("off", "1")
    assert end.get("variable_fax_transfer_rate") == "9600"
    end = last(world.fax("sofia/gateway/default/10", "fax_use_ecm=false,fax_disable_v17=true"), "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_ecm_used"), end.get("variable_fax_ecm_requested")) == ("off", "0")
    assert end.get("variable_fax_v17_disabled") == "1"


def test_a_far_end_that_hangs_up_after_page_1_leaves_code_49_and_one_page(world: World) -> None:
    events = world.fax("sofia/gateway/default/15")
    labels = [event.label for event in events]
    assert labels.index("CHANNEL_HANGUP") < labels.index("CUSTOM spandsp::txfaxresult")
    end = last(events, "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_success"), end.get("variable_fax_result_code")) == ("0", "49")
    assert end.get("variable_fax_document_transferred_pages") == "1"
    assert end.get("variable_sip_hangup_disposition") == "recv_bye"


def test_a_sender_who_hangs_up_after_page_1_leaves_that_page_with_us(world: World) -> None:
    events = world.fax("sofia/far/6300", "standin_hangup_after_pages=1")
    ours = [event for event in events if event.get("Call-Direction") == "inbound"]
    labels = [event.label for event in ours]
    assert labels.index("CHANNEL_HANGUP") < labels.index("CUSTOM spandsp::rxfaxresult")
    end = last(events, "CHANNEL_HANGUP_COMPLETE", "inbound")
    assert (end.get("variable_fax_result_code"), end.get("Hangup-Cause")) == ("49", "NORMAL_CLEARING")
    assert end.get("variable_fax_document_transferred_pages") == "1"
    assert len(read_pages(os.fspath(world.folder / "in.tif"))) == 1


def test_a_sender_is_done_although_the_receiver_does_not_hang_up(world: World) -> None:
    plan = world.folder / "plan.xml"
    plan.write_text(plan.read_text("utf-8").replace('data="after=${fax_success}"/>', 'data="a=b"/><action application="park"/>'))
    world.probe.api("reloadxml")
    end = last(world.fax("sofia/far/6300"), "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_success"), end.get("variable_sip_hangup_disposition")) == ("1", "send_bye")


T38_ROWS = [
    (T38Side(), T38Side(), "off"),
    (T38Side(), None, "off"),
    (T38Side(accepts=True), T38Side(accepts=True), "off"),
    (T38Side(accepts=True, requests=True), T38Side(accepts=True), "negotiated"),
    (T38Side(accepts=True), T38Side(accepts=True, requests=True), "negotiated"),
    (T38Side(accepts=True, requests=True), T38Side(), "refused"),
    (T38Side(accepts=True, requests=True), None, "refused"),
    (T38Side(), T38Side(accepts=True, requests=True), "off"),
]


@pytest.mark.parametrize(("mine", "other", "status"), T38_ROWS)
def test_t38_comes_about_when_one_side_asks_and_the_other_accepts(
    mine: T38Side, other: T38Side | None, status: str
) -> None:
    assert t38_status(mine, other) == status


@pytest.mark.parametrize(
    ("number", "variables", "status"),
    [
        ("11", "fax_enable_t38=true,fax_enable_t38_request=true", "negotiated"),
        ("11", "fax_enable_t38=true", "negotiated"),
        ("11", "fax_enable_t38=false", "off"),
        ("12", "fax_enable_t38=true,fax_enable_t38_request=true", "refused"),
        ("12", "fax_enable_t38=true", "off"),
    ],
)
def test_the_t38_status_of_a_fax_is_told_in_events_and_variables(
    world: World, number: str, variables: str, status: str
) -> None:
    events = world.fax(f"sofia/gateway/default/{number}", variables)
    assert last(events, "CUSTOM spandsp::txfaxnegociateresult").get("fax-t38-status") == status
    assert last(events, "CHANNEL_HANGUP_COMPLETE").get("variable_fax_t38_status") == status


STALL = "fax_enable_t38=true,fax_enable_t38_request=true"


def test_a_t38_fax_that_stalls_says_its_result_and_does_not_end(world: World) -> None:
    world.probe.command(
        f"bgapi originate {{origination_uuid=stalls,{STALL}}}sofia/gateway/default/13 '&txfax({world.document})'"
    )
    result = world.probe.events_until(lambda e: e.label == "CUSTOM spandsp::txfaxresult")[-1]
    assert result.get("fax-success") == "1"
    assert world.probe.api("uuid_getvar stalls current_application") == "txfax"
    assert world.probe.api("uuid_kill stalls") == "+OK\n"
    end = world.probe.events_until(lambda e: e.label == "CHANNEL_HANGUP_COMPLETE")[-1]
    assert end.get("variable_fax_success") == "1"


def test_execute_on_fax_result_hangs_up_a_fax_that_stalls(world: World) -> None:
    end = last(world.fax("sofia/gateway/default/13", f"{STALL},execute_on_fax_result=hangup"), "CHANNEL_HANGUP_COMPLETE")
    assert (end.get("variable_fax_success"), end.get("variable_sip_hangup_disposition")) == ("1", "send_bye")


@pytest.mark.parametrize("dial", ["sofia/gateway/default/10", "sofia/far/6300"])
def test_execute_on_fax_result_does_no_harm_where_nothing_stalls(world: World, dial: str) -> None:
    events = world.fax(dial, "execute_on_fax_result=hangup")
    ends = [event for event in events if event.label == "CHANNEL_HANGUP_COMPLETE"]
    assert {event.get("variable_fax_success") for event in ends} == {"1"}


def test_what_is_to_run_at_each_phase_runs_then(world: World) -> None:
    hooks = ("phase_b", "phase_d", "result", "success", "failure")
    actions = "".join(f'<action application="set" data="execute_on_fax_{hook}=set ran_{hook}=yes"/>' for hook in hooks)
    plan = world.folder / "plan.xml"
    marker = '<action application="set" data="fax_enable'
    plan.write_text(plan.read_text("utf-8").replace(marker, actions + marker), "utf-8")
    world.probe.api("reloadxml")
    end = last(world.fax("sofia/far/6300"), "CHANNEL_HANGUP_COMPLETE", "inbound")
    assert [hook for hook in hooks if end.get(f"variable_ran_{hook}")] == ["phase_b", "phase_d", "result", "success"]


def test_a_station_identifier_that_is_no_utf8_arrives_byte_by_byte(world: World) -> None:
    end = last(world.fax("sofia/far/6300", "fax_ident='M%FCller'"), "CHANNEL_HANGUP_COMPLETE", "inbound")
    assert end.get("variable_fax_remote_station_id") == "M\udcfcller"


def test_forty_faxes_at_once_all_arrive(world: World) -> None:
    for number in range(40):
        world.probe.command(
            f"bgapi originate {{origination_uuid=n{number},ignore_early_media=true}}sofia/gateway/default/10 "
            f"'&txfax({world.document})'"
        )
    ends: dict[str, str] = {}

    def over(event: Received) -> bool:
        if event.label == "CHANNEL_HANGUP_COMPLETE":
            ends[event.get("Unique-ID")] = event.get("variable_fax_success")
        return len(ends) == 40

    world.probe.events_until(over)
    assert ends == {f"n{number}": "1" for number in range(40)}
    assert len(list((world.folder / "run" / "far").iterdir())) == 40
