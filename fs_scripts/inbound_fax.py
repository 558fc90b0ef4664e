"""Dialplan application: ``<action application="python" data="inbound_fax"/>`` receives an incoming fax.

FreeSWITCH executes this file anew at every call (mod_python3), so it holds no state and no classes.
"""

from gofaxpy.inbound.answer import answer_fax
from gofaxpy.switch.boundary import Api, Call
from gofaxpy.switch.guard import guarded


@guarded("inbound_fax")
def handler(session, args):
    with Call(session) as call:
        answer_fax(call, Api())
