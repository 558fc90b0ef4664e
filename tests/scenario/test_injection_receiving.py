"""What a caller says stays text: every trick in every place, through whole calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from rig import Installed
from rig.tricks import TRICKS, Scene, in_a_line, make_scene, quoted, trick


@pytest.fixture(scope="module")
def scene(installed: Installed) -> Iterator[Scene]:
    with make_scene(installed) as made:
        yield made


@pytest.mark.parametrize("name", TRICKS)
def test_what_a_caller_says_and_what_dynamic_config_answers(scene: Scene, name: str) -> None:
    """Number, name, recipient, Diversion and TSI; HylaFAX's own faxrcvd runs on what we have written."""
    house = scene.house
    said = in_a_line(trick(name, "f"))
    with open(house.path("etc", "say"), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f'LocalIdentifier: {said}\nLocalIdentifier: "{quoted(said)}"\nRecvFileMode: {said}\nMaxRecvPages: {said}\n')
    before = len(house.received())
    number, shown, dept, user = (in_a_line(trick(name, place))[:600] for place in "abcd")
    if name in ("brace", "enterprise") or (scene.switch.live and name in ("quotes", "percent")):
        # the dialstring of the calling side cannot carry these, and a real SIP stack neither quotes nor what it decodes to a
        # newline; the TSI can
        number = shown = dept = user = "text"
    in_uri = _in_uri if scene.switch.live else str      # mod_sofia calls nobody whose address cannot be one (RFC 3261)
    answer = scene.call(
        origination_caller_id_number=in_uri(number), origination_caller_id_name=shown,
        sip_h_Diversion=f'"{dept}" <sip:{user}@x>', sip_invite_to_uri=f"<sip:{in_uri(user)}@x>",
        fax_ident="".join(f"%{octet:02X}" for octet in trick(name, "e").encode("utf-8", "surrogateescape")[:20]),
    )
    assert answer.startswith("+OK"), answer
    scene.switch.wait_calls_over()
    house.wait("the end of the journal entries", lambda: not house.journal())
    [fax] = house.received()[before:]
    assert os.stat(fax).st_mode & 0o777 == 0o644
    scene.check()


def _in_uri(text: str) -> str:
    """As it stands in the user part of a SIP address."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="")
