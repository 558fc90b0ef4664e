"""An outgoing fax: ``python outbound_fax::launch ARGS`` places the call, ``handler`` sends the fax when it is answered.

FreeSWITCH executes this file anew at every call (mod_python3), so it holds no state and no classes.
"""

from gofaxpy.outbound.call import place_call, send_fax
from gofaxpy.switch.boundary import Api, Call, Reply
from gofaxpy.switch.guard import guarded


@guarded("outbound_fax::launch")
def launch(session, stream, env, args):
    Reply(stream).write(place_call(Api(), args))


@guarded("outbound_fax")
def handler(session, args):
    with Call(session) as call:
        send_fax(Api(), call, args)
