"""FreeSWITCH as gofaxpy sees it: the boundary inside the switch, its event socket from outside, and its texts.

Only :mod:`gofaxpy.switch.boundary` imports ``freeswitch``; everything else runs anywhere.
"""
