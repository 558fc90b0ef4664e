"""Takes incoming calls in the place of the project's script: the number that was called says what becomes of them."""

import json
import time

import freeswitch

NAMES = "caller_id_name", "caller_id_number", "sip_h_Diversion", "destination_number", "endpoint_disposition"


def handler(session, args):
    number = session.getVariable("destination_number")
    name, _, data = REFUSALS.get(number, "").partition(" ")
    found = {key: session.getVariable(key) for key in NAMES}
    if name == "hangup()":
        session.hangup(data)
    elif name == "ring":
        session.execute("ring_ready")
        began = time.monotonic()
        session.execute("sleep", "20000")
        found["returned at once"] = time.monotonic() - began < 15
        time.sleep(0.5)
        session.execute("answer")
        found["disposition"] = session.getVariable("sip_hangup_disposition")
    elif name == "fax":
        session.execute("answer")
        session.execute("rxfax", data.replace("HERE", freeswitch.getGlobalVariable("temp_dir") or "/tmp"))
        fax = "fax_success", "fax_result_code", "fax_result_text", "fax_remote_station_id", "fax_document_transferred_pages"
        found.update({key: session.getVariable(key) for key in fax})
    elif name:
        session.execute(name, data)
    found["ready"] = session.ready()
    freeswitch.setGlobalVariable("probe", json.dumps(found))


REFUSALS = {
    "4001": "respond 404", "4002": "respond 486 Busy Here", "4003": "hangup() USER_BUSY", "4004": "hangup CALL_REJECTED",
    "4005": "respond 503 Try Later", "4006": "", "4007": "ring", "4008": "fax /nowhere/x.tif", "4010": "fax HERE/probe.tif",
    }
