"""The targets: what reads hostile input, and what must hold whatever that is.

A target's function takes octets and returns if all is well.  Every exception that leaves it is a violation: only the
errors that the function under test documents are caught in there.  ``embedded`` ones run inside FreeSWITCH as well, where
Python has a recursion limit of 240 and threads have stacks of 240 KiB; they are tried under those limits, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fuzz import spooltargets as spool
from fuzz import switchtargets as switch
from fuzz import tifftargets

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


@dataclass(frozen=True, slots=True)
class Target:
    """One row: ``entry`` is what is called, ``holds`` what must be true of it."""

    name: str
    check: Callable[[bytes], None]
    entry: str
    holds: str
    embedded: bool = True

    def seeds(self) -> Iterator[tuple[str, bytes]]:
        """The saved inputs, by file name."""
        directory = os.path.join(CORPUS, self.name)
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), "rb") as file:
                yield name, file.read()


TARGETS = {target.name: target for target in (
    Target("qfile", spool.qfile, "QFile.parse, set, render", "unchanged out as in; a value makes no line", False),
    Target("pages", spool.job_pages, "pages.remaining_pages, advance", "no page that is not there, none twice", False),
    Target("confline", spool.config_lines, "confline.parse, number, boolean", "never raises; one line, one setting"),
    Target("terms", spool.job_terms, "terms.of_job, amended, dialable", "DialstringError or digits and gateway names", False),
    Target("xferfaxlog", spool.accounting, "xferfaxlog.format", "one record in, one line of 19 fields out"),
    Target("tiff", spool.tiff_directories, "tiff.directories, write_receive_tags", "TiffError, or no page is lost"),
    Target("tiff-readers", tifftargets.readers, "tiff.*, tiffstrips, document.compose", "refused, or what libtiff reads", False),
    Target("tiffrepair", spool.tiff_repair, "tiffrepair.cut_damage", "TiffError, or as many pages as it says"),
    Target("fifo", spool.fifo_messages, "fifo.messages", "messages without NUL"),
    Target("fifo-commands", switch.fifo_commands, "Getty.read", "goes on; says only what it means"),
    Target("faxq-events", spool.faxq_events, "events.*", "one message, fields where they belong, below 2047 octets"),
    Target("info", spool.destination_info, "info.MachineInfo", "the same when read and written again", False),
    Target("recvtags", spool.receive_tags, "recvtags.description", "one line each"),
    Target("session-log", spool.session_log, "SessionLog.line", "one line in, one line out"),
    Target("journal", spool.journal_lines, "Entry.marks, mark", "what is broken is passed over"),
    Target("seqf", spool.sequence_file, "sequence.next_number", "a number from 1 to 999999998"),
    Target("lock", spool.modem_lock, "UUCPLock.held_by", "never raises"),
    Target("spool-path", spool.spool_paths, "Spool.inside, qfile, …", "SpoolError, or inside the spool"),
    Target("config", switch.configuration, "configfile.load", "ConfigError, or a whole configuration"),
    Target("esl", switch.event_socket, "esl.Connection", "the same frames from any split", False),
    Target("esl-commands", switch.event_socket_commands, "esl.api, bgapi, …", "LocalProtocolError, or one command", False),
    Target("event-text", switch.event_text, "eventtext.event_record, FaxResult", "no control characters; facts survive JSON"),
    Target("call-order", switch.call_order, "dialstring.originate", "FreeSWITCH reads what was meant"),
    Target("number", switch.dialled_number, "dialstring.dialable", "DialstringError, or only what can be dialled"),
    Target("variable", switch.channel_variable, "Call.set, execute", "no command is run"),
    Target("network-text", switch.from_the_network, "clean.*, guard.report", "UTF-8 without control characters"),
    Target("sip-uri", switch.sip_address, "recipient.number_of", "never raises; no control characters"),
    Target("mod-db", switch.mod_db, "db.Db", "DbError, or the command that was meant"),
    Target("arguments", switch.script_arguments, "arguments.decode_args", "ValueError, or what was encoded"),
    Target("command-line", switch.command_line, "send.process.parse", "UsageError, or a modem and qfiles", False),
    Target("qualify", switch.qualify_tsi, "qualify.accepts", "never raises"),
)}
