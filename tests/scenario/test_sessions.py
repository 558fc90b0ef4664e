"""What becomes of a channel whose Session object outlives its handler."""

from __future__ import annotations

import os

from rig.house import House

KEEPER = """import builtins

def handler(session, args):
    builtins.kept = session

def fsapi(session, stream, env, args):
    del builtins.kept
    stream.write("+OK")
"""


def test_a_session_object_that_lives_on_keeps_its_channel(house: House) -> None:
    with open(os.path.join(house.installed.scripts, "session_keeper.py"), "w", encoding="utf-8") as script:
        script.write(KEEPER)
    with house.switch.connect() as events:
        uuid = "5dd6ce5a-4d0c-4b0e-9bb6-2f9b0a3c8a11"
        events.command(f"filter Unique-ID {uuid}")
        events.command("event plain CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY")
        house.switch.originate(f"{{origination_uuid={uuid}}}sofia/gateway/default/2004", "python(session_keeper)")
        assert events.event(20)[0]["Event-Name"] == "CHANNEL_HANGUP_COMPLETE"
        house.wait("only this call in the list", lambda: house.switch.calls() == [uuid])
        assert house.switch.api("python session_keeper") == "+OK"
        assert events.event(20)[0]["Event-Name"] == "CHANNEL_DESTROY"
    house.wait("the end of the channel", lambda: not house.switch.calls(), 3)
