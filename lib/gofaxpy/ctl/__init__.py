"""gofaxctl: the operator's command, in a shell and, for subcommands that never wait, on FreeSWITCH's console.

Each subcommand has a module, which ends with its :class:`gofaxpy.ctl.command.Command`; :mod:`gofaxpy.ctl.main` lists them.
A subcommand writes through its :class:`gofaxpy.ctl.output.Output` only.  That cleans text from outside, applies ``--json``
and colours, and on FreeSWITCH's console collects the reply.
"""
