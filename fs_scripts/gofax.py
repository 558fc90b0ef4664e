"""The operator's command on FreeSWITCH's console: ``fs_cli -x 'python gofax status'``; see gofaxctl(8).

FreeSWITCH executes this file anew at every call (mod_python3), so it holds no state and no classes.  If a Python package is
missing, the reply says so, for ``gofaxctl doctor``; with the other scripts only FreeSWITCH's log does.
"""


def fsapi(session, stream, env, args):
    try:
        from gofaxpy.ctl.console import answer
        from gofaxpy.switch.boundary import Api, Reply, log

        api = Api()
    except (ImportError, AttributeError) as error:  # a package is missing, or freeswitch.py is of another version
        stream.write("-ERR " + ascii(str(error)[:300]) + "\n")
        return
    try:
        Reply(stream).write(answer(api, args))
    except BaseException as error:  # SystemExit would end FreeSWITCH, and so would an exception with a long message
        text = f"{type(error).__name__}: {str(error)[:300]}"
        log("err", f"gofax: {text}")
        stream.write("-ERR " + ascii(text) + "\n")       # FreeSWITCH gives an empty reply if there is no such script
