"""gofaxctl: the operator's command, from the shell and, for what needs no waiting, from FreeSWITCH's own console.

One module for each subcommand; each ends with its :class:`gofaxpy.ctl.command.Command`, and :mod:`gofaxpy.ctl.main` lists
them.  A subcommand writes through its :class:`gofaxpy.ctl.output.Output` only: that cleans text from outside, knows
``--json`` and colours, and keeps everything inside where the command runs inside FreeSWITCH.
"""
