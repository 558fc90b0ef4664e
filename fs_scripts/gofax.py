"""The operator's command on FreeSWITCH's console: ``fs_cli -x 'python gofax status'``; see gofaxctl(8).

FreeSWITCH executes this file anew at every call (mod_python3), so it holds no state and no classes.  What Python lacks is
told here, where ``gofaxctl doctor`` can read it: elsewhere it stands in FreeSWITCH's log only.
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
    except BaseException as error:  # SystemExit would end FreeSWITCH, and so would a long message that leaves here
        text = f"{type(error).__name__}: {str(error)[:300]}"
        log("err", f"gofax: {text}")
        stream.write("-ERR " + ascii(text) + "\n")       # no answer at all looks as if there were no such script
