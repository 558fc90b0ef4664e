"""mod_spandsp's result of a fax: the ``fax_*`` variables of a channel and the ``fax-*`` headers of its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from gofaxpy.switch.clean import incoming
from gofaxpy.values import defaults_of, frozen, replace


class ResultCode(IntEnum):
    """SpanDSP's completion codes (``T30_ERR_…`` in t30.h), numbered as in the SpanDSP that FreeSWITCH 1.10 uses."""

    UNKNOWN = -1                 # not SpanDSP's: no code was given, or one that is not in this list
    OK = 0
    # the link
    CEDTONE = 1
    T0_EXPIRED = 2
    T1_EXPIRED = 3
    T3_EXPIRED = 4
    HDLC_CARRIER = 5
    CANNOT_TRAIN = 6
    OPER_INT_FAIL = 7
    INCOMPATIBLE = 8
    RX_INCAPABLE = 9
    TX_INCAPABLE = 10
    NORESSUPPORT = 11
    NOSIZESUPPORT = 12
    UNEXPECTED = 13
    # phase E, transmitter
    TX_BADDCS = 14
    TX_BADPG = 15
    TX_ECMPHD = 16
    TX_GOTDCN = 17
    TX_INVALRSP = 18
    TX_NODIS = 19
    TX_PHBDEAD = 20
    TX_PHDDEAD = 21
    TX_T5EXP = 22
    # phase E, receiver
    RX_ECMPHD = 23
    RX_GOTDCS = 24
    RX_INVALCMD = 25
    RX_NOCARRIER = 26
    RX_NOEOL = 27
    RX_NOFAX = 28
    RX_T2EXPDCN = 29
    RX_T2EXPD = 30
    RX_T2EXPFAX = 31
    RX_T2EXPMPS = 32
    RX_T2EXPRR = 33
    RX_T2EXP = 34
    RX_DCNWHY = 35
    RX_DCNDATA = 36
    RX_DCNFAX = 37
    RX_DCNPHD = 38
    RX_DCNRRD = 39
    RX_DCNNORTN = 40
    # the TIFF file
    FILEERROR = 41
    NOPAGE = 42
    BADTIFF = 43
    BADPAGE = 44
    BADTAG = 45
    BADTIFFHDR = 46
    NOMEM = 47
    # in general
    RETRYDCN = 48
    CALLDROPPED = 49
    # negotiation
    NOPOLL = 50
    IDENT_UNACCEPTABLE = 51
    SUB_UNACCEPTABLE = 52
    SEP_UNACCEPTABLE = 53
    PSA_UNACCEPTABLE = 54
    SID_UNACCEPTABLE = 55
    PWD_UNACCEPTABLE = 56
    TSA_UNACCEPTABLE = 57
    IRA_UNACCEPTABLE = 58
    CIA_UNACCEPTABLE = 59
    ISP_UNACCEPTABLE = 60
    CSA_UNACCEPTABLE = 61

    @classmethod
    def parse(cls, text: str) -> ResultCode:
        """A code by its number; UNKNOWN for any other text."""
        number = _number(text, default=-1)
        return cls(number) if number in _CODES else cls.UNKNOWN


_CODES = frozenset(code.value for code in ResultCode)

# mod_spandsp sets these during the negotiation or after it; if none is set, no fax has begun.
_SIGNS = (
    "fax_success", "fax_result_code", "fax_transfer_rate", "fax_remote_station_id", "fax_document_transferred_pages",
)


@frozen
class FaxResult:
    """SpanDSP's account of one fax.  A value that could not be read is 0, False or ``""``.

    ``rate`` in bit/s; ``resolution`` as ``8040x3850`` (pixels per metre, across and down) and ``pixel_size`` as
    ``1728x1146``, both of the line; ``image_size`` in bytes of the last page; ``encoding`` SpanDSP's number and
    ``encoding_name`` its name for the compression on the line (``T.4 2-D``, ``T.6``, ``T.85(L0)``); ``t38_status`` off,
    requested, negotiated or refused; ``negotiations`` counts the negotiate events (more than one: the modems trained again).
    Station identifiers are as the far end sent them, cleaned (:func:`gofaxpy.switch.clean.incoming`).
    """

    success: bool = False
    code: ResultCode = ResultCode.UNKNOWN
    text: str = ""
    ecm: bool = False
    rate: int = 0
    t38_status: str = ""
    local_station: str = ""
    remote_station: str = ""
    pages_transferred: int = 0
    pages_total: int = 0
    resolution: str = ""
    pixel_size: str = ""
    image_size: int = 0
    bad_rows: int = 0
    longest_bad_row_run: int = 0
    encoding: int = 0
    encoding_name: str = ""
    remote_country: str = ""
    remote_vendor: str = ""
    remote_model: str = ""
    v17_disabled: bool = False
    negotiations: int = 0

    @property
    def pixel_width(self) -> int:
        """Pixels per row on the line; 0 if unknown."""
        return _number(self.pixel_size.partition("x")[0])

    @classmethod
    def from_variables(cls, get: Callable[[str], str]) -> FaxResult | None:
        """From channel variables (``get`` returns ``""`` for one that is unset).  None if no fax has begun: rxfax and txfax
        return at once if they cannot use their file, and set only ``current_application_response``."""
        if not any(get(name) for name in _SIGNS):
            return None
        return cls._read(get)

    @classmethod
    def from_event(cls, headers: Mapping[str, str]) -> FaxResult | None:
        """From an event ``spandsp::…``.  A value that its own headers lack is taken from the channel variables in the event.
        None if neither is there."""

        def get(name: str) -> str:
            return headers.get(name.replace("_", "-")) or headers.get("variable_" + name, "")

        return cls.from_variables(get)

    @classmethod
    def _read(cls, get: Callable[[str], str]) -> FaxResult:
        success = get("fax_success") == "1"
        code = ResultCode.parse(get("fax_result_code"))
        text = incoming(get("fax_result_text"), 200)
        if code is ResultCode.UNKNOWN and get("fax_result_code"):
            text = f"{text or 'SpanDSP result'} ({incoming(get('fax_result_code'), 20)})"
        return cls(
            success=success,
            code=ResultCode.OK if success else code,
            text=text,
            ecm=get("fax_ecm_used") == "on",
            rate=_number(get("fax_transfer_rate")),
            t38_status=incoming(get("fax_t38_status"), 20),
            local_station=incoming(get("fax_local_station_id"), 64).strip(),
            remote_station=incoming(get("fax_remote_station_id"), 64).strip(),
            pages_transferred=_number(get("fax_document_transferred_pages")),
            pages_total=_number(get("fax_document_total_pages")),
            resolution=_size(get("fax_image_resolution")),
            pixel_size=_size(get("fax_image_pixel_size")),
            image_size=_number(get("fax_image_size")),
            bad_rows=_number(get("fax_bad_rows")),
            longest_bad_row_run=_number(get("fax_longest_bad_row_run")),
            encoding=_number(get("fax_encoding")),
            encoding_name=incoming(get("fax_encoding_name"), 40),
            remote_country=incoming(get("fax_remote_country"), 64),
            remote_vendor=incoming(get("fax_remote_vendor"), 64),
            remote_model=incoming(get("fax_remote_model"), 64),
            v17_disabled=get("fax_v17_disabled") == "1",
        )

    @classmethod
    def nothing_left(cls) -> FaxResult:
        """The result for a job whose every page was confirmed before: nothing is sent, and that is a success."""
        return cls(success=True, code=ResultCode.OK, text="Nothing left to send")

    def with_negotiations(self, count: int) -> FaxResult:
        """The same result with the number of negotiate events."""
        return replace(self, negotiations=count)

    def facts(self) -> dict[str, str | int | bool]:
        """As names and values that JSON can hold; :meth:`from_facts` reads them back."""
        return {name: _plain(getattr(self, name)) for name in defaults_of(FaxResult)}

    @classmethod
    def from_facts(cls, facts: object) -> FaxResult | None:
        """From :meth:`facts`.  A value of the wrong type counts as missing; None if ``facts`` is empty or no mapping."""
        if not isinstance(facts, Mapping) or not facts:
            return None
        values: dict[str, object] = {}
        for name, default in defaults_of(cls).items():
            value = facts.get(name)
            if name == "code":
                values["code"] = ResultCode.parse(str(value))
            elif type(value) is type(default):
                values[name] = value
        return replace(cls(), **values)


def _plain(value: object) -> str | int | bool:
    if isinstance(value, str | bool):
        return value
    assert isinstance(value, int)
    return int(value)


def _number(text: str, default: int = 0) -> int:
    """A decimal number of at most nine digits, perhaps negative; ``default`` for anything else."""
    digits = text.strip()
    if digits.removeprefix("-").isdigit() and digits.isascii() and len(digits) <= 9:
        return max(int(digits), default)
    return default


def _size(text: str) -> str:
    """``WIDTHxHEIGHT`` in decimal, or ``""``."""
    width, cross, height = text.strip().partition("x")
    return f"{_number(width)}x{_number(height)}" if cross and _number(width) and _number(height) else ""
