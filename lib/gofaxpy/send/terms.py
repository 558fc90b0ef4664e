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
from gofaxpy.config import Config
from gofaxpy.hylafax.confline import boolean, parse
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.switch.dialstring import DialstringError, gateway_name
from gofaxpy.values import frozen, replace

TO_THE_END = frozenset(("localidentifier", "tagline", "faxnumber", "gateway", "callprefix"))
KNOWN = TO_THE_END | {"rejectcall"}
REJECTED = "DynamicConfigOutgoing has rejected this fax"
_DIRECTIVE = re.compile(r"%+.?")


@frozen
class Terms:
    """What holds for one attempt.  ``ident`` is the TSI, ``header`` the text at the top of each page (``""`` for none),
    ``fax_number`` the caller's number, ``prefix`` is dialled before the destination's number."""

    ident: str
    header: str
    fax_number: str
    prefix: str
    gateways: Sequence[str]


@frozen
class Answer:
    """The terms, or why there are none: ``refusal`` fails the job, ``trouble`` puts it off.  ``notes`` are for the log."""

    terms: Terms
    refusal: str = ""
    trouble: str = ""
    notes: tuple[str, ...] = ()


def settle_terms(config: Config, qfile: QFile, device: str, root: str, aborted: Callable[[], bool]) -> Answer:
    """The terms for one attempt at the job ``qfile`` on modem ``device``; ``root`` is the spool.

    ``outbound.dynamic_config_on_error`` decides where the script fails, or names a gateway that cannot be one:
    ``retry`` and ``fail`` the job, or ``send`` it with what the script had said until then.
    """
    terms = of_job(config, qfile)
    settings = config.outbound
    if not settings.dynamic_config:
        return Answer(terms)
    arguments = [device, qfile.get("owner"), qfile.get(settings.dial), qfile.get("jobid")]
    result = hooks.run(settings.dynamic_config, arguments, root, settings.dynamic_config_timeout, aborted)
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
    header = plain_tag_line(qfile.get("tagline")) if wanted else ""
    return Terms(
        tsi or config.freeswitch.ident, header or config.freeswitch.header, number or outbound.fax_number,
        outbound.call_prefix, tuple(config.freeswitch.gateways),
    )


def amended(terms: Terms, options: dict[str, str]) -> Terms:
    """``terms`` with what the script says instead.  Raises DialstringError for a gateway that cannot be one."""
    names = [name.strip() for name in options.get("gateway", "").split(",")]
    gateways = tuple(gateway_name(name) for name in names if name) or terms.gateways
    return replace(
        terms,
        ident=options.get("localidentifier") or terms.ident,
        header=options.get("tagline") or terms.header,
        fax_number=options.get("faxnumber") or terms.fax_number,
        prefix=options.get("callprefix", terms.prefix),     # an empty one takes the configured prefix away
        gateways=gateways,
    )


def plain_tag_line(text: str) -> str:
    """A job's tag line as SpanDSP can show it: it sets date, time and page number itself, so HylaFAX's directives
    (``%p``, ``%%d`` …) and the bars between its columns are left out."""
    return " ".join(_DIRECTIVE.sub(" ", text).replace("|", " ").split())
