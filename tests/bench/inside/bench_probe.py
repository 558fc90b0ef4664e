"""Looks at the interpreter that all calls share.  ``python bench_probe pid|start|stop``; what it has seen is in bench_gil."""

import os

import bench_gil


def fsapi(session, stream, env, args):
    if args == "start":
        stream.write(f"{bench_gil.start()}\n")
    elif args == "stop":
        stream.write(f"{bench_gil.stop()}\n")
    else:
        stream.write(f"{os.getpid()}\n")
