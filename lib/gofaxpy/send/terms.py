"""On which terms a fax goes out: as whom, under which header, through which gateways.

Three have a say, and the first one that names something has it: DynamicConfigOutgoing (the operator's script, asked
about each attempt), the job itself as far as ``outbound.job_…`` allows it, and the configuration.

The script's arguments are those GOfax.IP documents: modem, owner, destination number and job number.  It prints
configuration lines as HylaFAX writes them (:mod:`gofaxpy.hylafax.confline`), with one difference: GOfax.IP shows
``LocalIdentifier: +1 234 567`` and ``TagLine: ACME Corp`` without quotes, where HylaFAX would stop at the first blank.
So for every option but RejectCall a value without quotes reaches to the end of its line; one in quotes is HylaFAX's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gofaxpy import hooks
from gofaxpy.config.keys import Config
from gofaxpy.hylafax.confline import boolean, parse
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.setting import Setting
from gofaxpy.switch.dialstring import DialstringError, call_prefix, gateway_name
from gofaxpy.values import frozen, replace

TO_THE_END = frozenset(("localidentifier", "tagline", "faxnumber", "gateway", "callprefix"))
KNOWN = TO_THE_END | {"rejectcall"}
ROUTING = frozenset(("gateway", "callprefix"))      # what may be wrong in itself
REJECTED = "DynamicConfigOutgoing has rejected this fax"
_SECOND_PASS = re.compile(r"%%(.?)")     # HylaFAX's own codes, after strftime has made one % of two
_FIRST_PASS = re.compile(r"\S*%[-_0^#]?[EO]?[A-Za-z]\S*|%")     # a word with a code of strftime in it, such as %d.%m.%Y
# What HylaFAX's codes stand for (hylafax-config(5), TagLineFormat): tags of the qfile.
_CODES = {
    "a": "subaddr", "c": "company", "C": "fromcompany", "d": "external", "g": "location", "G": "fromlocation", "i": "jobid",
    "I": "groupid", "j": "jobtag", "m": "mailaddr", "r": "receiver", "s": "sender", "S": "regarding", "T": "totpages",
    "v": "voice", "V": "fromvoice",
}
_LONGEST = 1000         # characters of a tag line; SpanDSP has room for 50
_PAGE_NUMBERS = ("%%p", "%%P", "%%t")


@frozen
class Terms:
    """What holds for one attempt."""

    ident: str                  # the TSI
    header: str                 # the text at the top of each page, "" for none
    fax_number: str             # the caller's number
    prefix: str                 # dialled before the destination's number
    gateways: Sequence[str]     # tried in this order


@frozen
class Answer:
    """The terms, or why there are none."""

    terms: Terms
    refusal: str = ""               # why the job fails
    trouble: str = ""               # why the job is put off
    notes: tuple[str, ...] = ()     # for the session log


def settle_terms(
    setting: Setting, qfile: QFile, called: str, device: str, aborted: Callable[[], bool]
) -> Answer:
    """The terms for one attempt at the job ``qfile`` to ``called`` (of :func:`~gofaxpy.switch.dialstring.destination`, so that
    a rule for a number holds for all its spellings) on modem ``device``.

    ``outbound.dynamic_config_on_error`` decides where the script fails, or names a gateway or a prefix that cannot be one:
    ``retry`` and ``fail`` the job, or ``send`` it with what the script had said until then.
    """
    terms = of_job(setting.config, qfile)
    settings = setting.config.outbound
    if not settings.dynamic_config:
        return Answer(terms)
    arguments = [device, qfile.get("owner"), called, qfile.get("jobid")]
    result = hooks.run(settings.dynamic_config, arguments, setting.spool.root, settings.dynamic_config_timeout, aborted)
    notes: list[str] = []
    options = parse(result.output, notes, TO_THE_END)
    notes = [f"DynamicConfigOutgoing: {note}" for note in notes]
    said = ", ".join(f"{name}={value!r}" for name, value in options.items() if name in KNOWN) or "nothing"
    notes.insert(0, f"DynamicConfigOutgoing: {settings.dynamic_config} says {said}")
    notes.extend(f"DynamicConfigOutgoing: {name} is not known here" for name in options if name not in KNOWN)
    problem = result.problem
    try:
        terms = amended(terms, options)
    except DialstringError as error:
        problem = problem or str(error)
        terms = amended(terms, {name: value for name, value in options.items() if name not in ROUTING})
    if boolean(options.get("rejectcall", "")):
        return Answer(terms, refusal=REJECTED, notes=tuple(notes))
    if problem:
        problem = f"DynamicConfigOutgoing: {problem}"
        notes.append(problem)
        if settings.dynamic_config_on_error == "retry":
            return Answer(terms, trouble=problem, notes=tuple(notes))
        if settings.dynamic_config_on_error == "fail":
            return Answer(terms, refusal=problem, notes=tuple(notes))
    return Answer(terms, notes=tuple(notes))


def of_job(config: Config, qfile: QFile) -> Terms:
    """What the configuration and the job say.  The job's wishes are HylaFAX's: ``tsi`` (sendfax -S), ``faxnumber``, and
    ``tagline``, which counts only where ``desiredtl`` is not 0."""
    outbound = config.outbound
    tsi = qfile.get("tsi") if outbound.job_tsi else ""
    number = qfile.get("faxnumber") if outbound.job_fax_number else ""
    wanted = outbound.job_tag_line and qfile.number("desiredtl") != 0
    ident, fax_number = tsi or config.freeswitch.ident, number or outbound.fax_number
    header = tag_line(qfile, ident, fax_number) if wanted else ""
    return Terms(
        ident, header or config.freeswitch.header, fax_number, outbound.call_prefix, tuple(config.freeswitch.gateways),
    )


def amended(terms: Terms, options: dict[str, str]) -> Terms:
    """``terms`` with what the script says instead.  Raises DialstringError for a gateway or a prefix that cannot be one."""
    names = [name.strip() for name in options.get("gateway", "").split(",")]
    gateways = tuple(gateway_name(name) for name in names if name) or terms.gateways
    return replace(
        terms,
        ident=options.get("localidentifier") or terms.ident,
        header=options.get("tagline") or terms.header,
        fax_number=options.get("faxnumber") or terms.fax_number,
        prefix=call_prefix(options.get("callprefix", terms.prefix)),    # an empty one takes the configured prefix away
        gateways=gateways,
    )


def tag_line(qfile: QFile, ident: str, fax_number: str) -> str:
    """A job's tag line, a format of HylaFAX's, as a text for SpanDSP's header line.

    SpanDSP itself puts date, time, our identifier and the page number beside it.  So the columns (``|``) that show a page
    number are left out, and so are words with a code of strftime (``%d``).  HylaFAX's codes (``%%d``) are replaced by what
    the job, ``ident`` (``%%l``) or ``fax_number`` (``%%n``) say.
    """
    known = {code: qfile.get(tag) for code, tag in _CODES.items()}
    known |= {"l": ident or fax_number, "n": fax_number, "%": "%"}
    columns = []
    for column in qfile.get("tagline")[:_LONGEST].split("|"):
        if not any(number in column for number in _PAGE_NUMBERS):
            # cut at HylaFAX's codes first, so that no value is taken for a code
            parts = _SECOND_PASS.split(column)
            texts = [_FIRST_PASS.sub("", part) for part in parts[::2]]
            values = [known.get(code, "") for code in parts[1::2]]
            columns.append("".join(text + value for text, value in zip(texts, [*values, ""], strict=True)))
    return " ".join(" ".join(columns).split())
