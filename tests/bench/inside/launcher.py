"""Starts programs as faxq starts its SendFaxCmd, one after the other, and says what each of them took.

A program of its own, small and with one thread, because what starts a process shows in what is measured of it.  Standard
input: one JSON object, ``{"user": NAME, "cwd": DIR, "env": {…}, "port": N, "runs": [{"argv": […], "hear": true}, …]}``.
Standard output: a JSON list, one object per run:

``wall``       seconds from exec to the end
``first``      seconds from exec to the first byte on the event socket (port N), with ``hear``
``order``      seconds from exec to the order to place a call, with ``hear``; the order is then refused
``cpu``        CPU seconds of the whole process; ``cpu_first`` and ``cpu_order`` those up to these moments
``resident``   kB: the most it ever had resident, if that is more than this launcher has
``written``    bytes that it (and what it has waited for) had written when it ordered the call
``copied``     bytes in TIFF files below the directory that were not there before, at the same moment
``status``     exit status
"""

import json
import os
import pwd
import socket
import sys
import time

BANNER = b"Content-Type: auth/request\n\n"
TAKEN = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
ORDER = b"api python outbound_fax::launch "
REFUSAL = b"-ERR nobody is called here\n"
PATIENCE = 20.0


def main():
    plan = json.load(sys.stdin)
    listener = None
    if any(run.get("hear") for run in plan["runs"]):
        listener = socket.create_server(("127.0.0.1", plan["port"]), backlog=5)
        listener.settimeout(PATIENCE)
    print(json.dumps([one(plan, run, listener) for run in plan["runs"]]))


def one(plan, run, listener):
    before = tiff_bytes(plan["cwd"]) if run.get("hear") else 0
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(plan, run, told)
        finally:
            os._exit(127)
    os.close(told)
    began = int(os.read(ready, 32)) / 1e9
    os.close(ready)
    found = hear(pid, began, plan["cwd"], before, listener) if run.get("hear") else {}
    _, status, usage = os.wait4(pid, 0)
    found["wall"] = time.monotonic() - began
    found["cpu"] = usage.ru_utime + usage.ru_stime
    found["resident"] = usage.ru_maxrss
    found["status"] = os.waitstatus_to_exitcode(status)
    return found


def become(plan, run, told):
    """As faxq does (faxd/faxQueueApp.c++): real id root, effective uucp, no descriptors, in the spool."""
    entry = pwd.getpwnam(plan["user"])
    os.chdir(plan["cwd"])
    if os.geteuid() == 0:
        os.setgroups([entry.pw_gid])
        os.setresgid(0, entry.pw_gid, entry.pw_gid)
        os.setresuid(0, entry.pw_uid, entry.pw_uid)
    os.umask(0o022)
    os.closerange(0, told)
    os.closerange(told + 1, 64)
    os.set_inheritable(told, False)
    os.write(told, b"%d" % time.monotonic_ns())
    os.execve(run["argv"][0], run["argv"], plan["env"])


def hear(pid, began, directory, before, listener):
    """The conversation as far as the order to call, which is refused: that ends the attempt in the usual way."""
    found = {}
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(PATIENCE)
        connection.sendall(BANNER)
        data = connection.recv(1)
        found["first"] = time.monotonic() - began
        found["cpu_first"] = cpu_of(pid)
        while more := connection.recv(4096):
            data += more
            while b"\n\n" in data:
                command, _, data = data.partition(b"\n\n")
                if command.startswith(ORDER):
                    found["order"] = time.monotonic() - began
                    found["cpu_order"] = cpu_of(pid)
                    with open(f"/proc/{pid}/io", encoding="ascii") as file:
                        found["written"] = int(dict(line.rstrip().split(": ") for line in file)["wchar"])
                    found["copied"] = tiff_bytes(directory) - before
                connection.sendall(reply_to(command))
    return found


def reply_to(command):
    if not command.startswith(b"api "):
        return TAKEN
    text = REFUSAL if command.startswith(ORDER) else b"false"
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(text), text)


def cpu_of(pid):
    return time.clock_gettime((~pid << 3) | 2)


def tiff_bytes(directory):
    total = 0
    for root, _, names in os.walk(directory):
        for path in (os.path.join(root, name) for name in names):
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) in (b"II*\0", b"MM\0*"):
                        total += os.path.getsize(path)
    return total


main()
