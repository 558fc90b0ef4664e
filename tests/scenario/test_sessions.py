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
        events.command("event plain CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY")
        reply = house.switch.originate("sofia/gateway/default/2004", "python(session_keeper)")
        uuid = reply.removeprefix("+OK ").strip()
        hangup, _ = events.event(20)
        assert (hangup["Event-Name"], hangup["Unique-ID"]) == ("CHANNEL_HANGUP_COMPLETE", uuid)
        assert house.switch.calls() == [uuid]
        assert house.switch.api("python session_keeper") == "+OK"
        destroyed, _ = events.event(20)
        assert (destroyed["Event-Name"], destroyed["Unique-ID"]) == ("CHANNEL_DESTROY", uuid)
    house.wait("the end of the channel", lambda: not house.switch.calls(), 3)
