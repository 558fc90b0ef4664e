"""HylaFAX's spool: its file formats, locks, sequence numbers and FIFOs.  Nothing in here knows of FreeSWITCH.

The measure is HylaFAX 6.0.7 as Debian ships it; where a rule is not in a man page, the docstring names the source file.
"""
