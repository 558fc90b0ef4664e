"""The operator's command on FreeSWITCH's console: ``fs_cli -x 'python gofax status'``; see gofaxctl(8).

FreeSWITCH executes this file anew at every call (mod_python3), so it holds no state and no classes.
"""

from gofaxpy.ctl.console import answer
from gofaxpy.switch.boundary import Api, Reply
from gofaxpy.switch.guard import guarded


@guarded("gofax")
def fsapi(session, stream, env, args):
    Reply(stream).write(answer(Api(), args))
