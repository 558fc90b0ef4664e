"""gofaxsend: what faxq runs to send jobs.  The way of a job: command → job → document → follow → report."""

from gofaxpy.send.command import main

__all__ = ["main"]
