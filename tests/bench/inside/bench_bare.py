"""A handler that answers and receives, and does nothing else: what every call in Python costs at the least."""

import os


def handler(session, args):
    session.execute("answer", "")
    if session.ready():
        session.execute("rxfax", f"{os.getcwd()}/bare-{session.getVariable('uuid')}.tif")
