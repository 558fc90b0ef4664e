"""What a script sees of the switch that runs it.  Executed anew at every call; uses nothing of the project."""

import json
import resource
import subprocess
import sys
import threading
import time

import freeswitch

SEEN = []


def fsapi(session, stream, env, args):
    """The argument as it arrived."""
    stream.write(json.dumps(args))


def ping(session, stream, env, args):
    """Answers as soon as the interpreter is free."""
    stream.write("pong")


def surroundings(session, stream, env, args):
    """Limits of threads and children, and whether this module is a new one."""
    SEEN.append(1)
    child = subprocess.run(["/bin/sh", "-c", "ulimit -S -s"], capture_output=True, text=True, check=True)
    stream.write(json.dumps({
        "recursion limit": sys.getrecursionlimit(),
        "soft stack limit of a child, KiB": child.stdout.strip(),
        "soft stack limit, KiB": resource.getrlimit(resource.RLIMIT_STACK)[0] // 1024,
        "session outside of a call": session,
        "calls this module has seen": len(SEEN),
        "thread of its own": threading.current_thread() is not threading.main_thread(),
    }))


def run(session, stream, env, args):
    """Does what is named, which may hold the interpreter's lock meanwhile."""
    name, _, data = args.partition(" ")
    began = time.monotonic()
    result = ACTIONS[name](data)
    stream.write(json.dumps({"seconds": round(time.monotonic() - began, 2), "result": repr(result)}))


def handler(session, args):
    """In a call: leaves in the global variable ``probe`` what was found."""
    name, _, data = args.partition(" ")
    found = CALLS[name](session, data) if name in CALLS else {"args": args}
    freeswitch.setGlobalVariable("probe", json.dumps(found))


def _expansions(session, data):
    """Does setVariable take what could be expanded, and what becomes of it?"""
    session.setVariable("probe_a", "${global_getvar(probe_secret)}")
    session.execute("set", "probe_b=${probe_a}")
    stored = session.getVariable("probe_a").replace("${", "$ {")  # a global variable could not tell it as it is
    return {"stored": stored, "expanded again": session.getVariable("probe_b")}


def _variables(session, data):
    return {"unset": session.getVariable("probe_nothing"), "uuid": len(session.getVariable("uuid"))}


def _read(session, data):
    return {name: session.getVariable(name) for name in data.split()}


def _send(session, data):
    session.execute("txfax", data)
    names = "fax_success", "fax_result_code", "fax_result_text", "current_application_response"
    return {name: session.getVariable(name) for name in names}


def _cause(session, data):
    """Can the cause of a hang-up be read in the handler?"""
    session.execute("sleep", "60000")
    time.sleep(0.5)
    return {
        "ready": session.ready(), "hangup_cause": session.getVariable("hangup_cause"),
        "hangupCause()": session.hangupCause(), "sip_hangup_disposition": session.getVariable("sip_hangup_disposition"),
    }


def _after_hangup(session, data):
    session.hangup()
    exists = freeswitch.API().execute("uuid_exists", session.getVariable("uuid"))
    return {"ready": session.ready(), "exists": exists, "goes on": True}


CALLS = {
    "expansions": _expansions, "variables": _variables, "read": _read, "send": _send, "cause": _cause,
    "after_hangup": _after_hangup,
}
ACTIONS = {
    "time.sleep": lambda data: time.sleep(2),
    "originate": lambda data: freeswitch.API().execute("originate", data),
    "bgapi": lambda data: freeswitch.API().executeString("bgapi originate " + data)[:3],
    "Session": lambda data: freeswitch.Session(data) and None,
    "pop": lambda data: freeswitch.EventConsumer("CUSTOM", "probe::never").pop(1, 2000),
    "msleep": lambda data: freeswitch.msleep(2000),
    "db": lambda data: freeswitch.API().execute("db", "select/probe/x"),
    "subprocess": lambda data: subprocess.run(["/bin/sleep", "2"], check=False).returncode,
}
