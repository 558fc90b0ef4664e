"""HylaFAX's spool: its file formats, locks, sequence numbers and FIFOs.  No module in here knows of FreeSWITCH.

*Native* in these modules is HylaFAX 6.0.7 as Debian ships it, with faxgetty and faxsend on a real modem.  The files and
messages written here are as native writes them.  Where a rule is not in a man page, the docstring names the source file.
"""
