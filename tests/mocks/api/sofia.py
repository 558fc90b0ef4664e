"""The API command `sofia`: status of gateways and profiles (FreeSWITCH `mod_sofia.c`, `cmd_status`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mocks.sip.variables import FAR_PORT, HOST, PROFILE_PORT

if TYPE_CHECKING:
    from mocks.channel.channel import Channel
    from mocks.switch import Switch

_LINE = "=" * 97


def sofia(switch: Switch, args: str, channel: Channel | None) -> str:
    """`sofia status [gateway NAME|profile NAME]`; other subcommands are accepted and do nothing."""
    words = args.split()
    match words:
        case ["status", "gateway", name]:
            return _gateway(switch, name)
        case ["status", "gateway"]:
            return _gateways(switch)
        case ["status", *_]:
            return _summary(switch)
        case ["help", *_] | []:
            return "USAGE:\nsofia [global|profile|gateway|status|...]\n"
        case ["profile", _, "rescan" | "restart" | "killgw", *_]:
            return "+OK\n"
    return "Unknown Command!\n"


def _gateway(switch: Switch, name: str) -> str:
    gateway = switch.gateways.get(name)
    if gateway is None:
        return "Invalid Gateway!\n"
    made, failed = switch.gateway_calls(name)
    uptime = int(time.time() - switch.started) if gateway.up else 0
    far = f"{HOST}:{FAR_PORT}"
    return (
        f"{_LINE}\n"
        f"Name    \t{name}\nProfile \tfax\nScheme  \tDigest\nRealm   \t{far}\nUsername\tfax\nPassword\tyes\n"
        f"From    \t<sip:fax@{far}>\n"
        f"Contact \t<sip:gw+{name}@{HOST}:{PROFILE_PORT};transport=udp;gw={name}>\n"
        f"Exten   \tauto_to_user\nTo      \tsip:fax@{far}\nProxy   \tsip:{far}\nContext \tincoming\n"
        "Expires \t3600\nFreq    \t3600\nPing    \t0\nPingFreq\t0\nPingTime\t0.00\nPingState\t0/0/0\n"
        f"State   \tNOREG\nStatus  \t{'UP' if gateway.up else 'DOWN'}\nUptime  \t{uptime}s\nCallsIN \t0\n"
        f"CallsOUT\t{made}\nFailedCallsIN\t0\nFailedCallsOUT\t{failed}\n{_LINE}\n"
    )


def _gateways(switch: Switch) -> str:
    rows = "".join(
        f"{f'fax::{name}':>25}\t{f'sip:fax@{HOST}:{FAR_PORT}':>32}\tNOREG\t  0.00\t0/0\t"
        f"{switch.gateway_calls(name)[1]}/{switch.gateway_calls(name)[0]}\n"
        for name in switch.gateways
    )
    head = f"{'Profile::Gateway-Name':>25}\t{'    Data    ':>32}\tState\tPing Time\tIB Calls(F/T)\tOB Calls(F/T)\n"
    count = len(switch.gateways)
    calls = [switch.gateway_calls(name) for name in switch.gateways]
    out = f"{sum(failed for _, failed in calls)}/{sum(made for made, _ in calls)}"
    ending = f"{count} gateway{'' if count == 1 else 's'}: Inbound(Failed/Total): 0/0,Outbound(Failed/Total):{out}\n"
    return f"{head}{_LINE}\n{rows}{_LINE}\n{ending}"


def _summary(switch: Switch) -> str:
    head = f"{'Name':>25}\t{'   Type':>15}\t{'                                      Data':>52}\tState\n"
    rows = "".join(
        f"{profile:>25}\t{'profile':>15}\t{f'sip:mod_sofia@{HOST}:{port}':>52}\tRUNNING ({len(switch.channels())})\n"
        for profile, port in (("fax", PROFILE_PORT), ("far", FAR_PORT))
    )
    rows += "".join(
        f"{f'fax::{name}':>25}\t{'gateway':>15}\t{f'sip:fax@{HOST}:{FAR_PORT}':>52}\tNOREG\n"
        for name in switch.gateways
    )
    return f"{head}{_LINE}\n{rows}{_LINE}\n2 profiles 0 aliases\n"
