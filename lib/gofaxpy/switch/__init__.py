"""FreeSWITCH: the boundary inside its process, its event socket from outside, and the forms of its texts.

Only :mod:`gofaxpy.switch.boundary` imports ``freeswitch``; everything else runs anywhere.
"""
