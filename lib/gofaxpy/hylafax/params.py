"""The parameters of a fax session, as HylaFAX keeps them (libhylafax/Class2Params.c++, class2.h; T.32's AT+FIS values).

They travel as one integer (in xferfaxlog, in the TIFF tag 34908 and in messages to faxq), as a page code of two hex
digits (in ``pagehandling``), and as the T.30 DCS frame in hexadecimal (in xferfaxlog and the TIFF tag 34911).
"""

from __future__ import annotations

from gofaxpy.values import frozen

# vr: resolutions, one bit each as in a modem's capabilities; 0 is normal.
VR_NORMAL, VR_FINE, VR_R8, VR_R16 = 0x00, 0x01, 0x02, 0x04
VR_200X100, VR_200X200, VR_200X400, VR_300X300 = 0x08, 0x10, 0x20, 0x40
# br: 0 to 13
RATES = (2400, 4800, 7200, 9600, 12000, 14400, 16800, 19200, 21600, 24000, 26400, 28800, 31200, 33600)
BR_9600, BR_14400 = 3, 5
WD_A4, WD_B4, WD_A3 = 0, 1, 2
LN_A4, LN_B4, LN_INF = 0, 1, 2
DF_1DMH, DF_2DMR, DF_2DMRUNCOMP, DF_2DMMR, DF_JBIG = 0, 1, 2, 3, 4
EC_DISABLE, EC_ENABLE64, EC_ENABLE256 = 0, 1, 2
ST_0MS = 0

# The empty DCS that native records for a call in which no DCS was sent.
NO_DCS = "00 00 00"

_VERSION = 1 << 21
_LN_LETTER = 3  # for HylaFAX's own use, read as A4
_RESOLUTIONS = {
    VR_NORMAL: "3.85 line/mm", VR_FINE: "7.7 line/mm", VR_R8: "15.4 line/mm", VR_R16: "R16 x 15.4 line/mm",
    VR_200X100: "200 x 100 dpi", VR_200X200: "200 x 200 dpi", VR_200X400: "200 x 400 dpi", VR_300X300: "300 x 300 dpi",
}
_FORMATS = ("1-D MH", "2-D MR", "2-D Uncompressed Mode", "2-D MMR", "JBIG")
_WIDTHS = (
    "A4 page width (215 mm)", "B4 page width (255 mm)", "A3 page width (303 mm)", "page width 151 mm", "page width 107 mm",
    "undefined page width (wd=5)", "undefined page width (wd=6)", "undefined page width (wd=7)",
)
_LENGTHS = ("A4 page length (297 mm)", "B4 page length (364 mm)", "unlimited page length", "invalid page length (ln=3)")
_SCAN_TIMES = (
    "0 ms/scanline", "5 ms/scanline", "10 ms, 5 ms/scanline", "10 ms/scanline",
    "20 ms, 10 ms/scanline", "20 ms/scanline", "40 ms, 20 ms/scanline", "40 ms/scanline",
)
_ECM = ("no ECM", "T.30 Annex A, 64-byte ECM", "T.30 Annex A, 256-byte ECM")

# DCS bits 11 to 14 (T.30 table 2) by br: V.27ter up to 4800, V.29 up to 9600, V.17 above; none for V.34.
_DCS_RATES = {5: 0b0001, 4: 0b0101, 3: 0b1000, 2: 0b1100, 1: 0b0100}
_DCS_BR = (0, 5, 5, 0, 1, 4, 4, 0, 3, 3, 3, 0, 2, 2, 2, 0)
# DCS bits 21 to 23 by st and back
_DCS_SCAN_TIMES = (0b111, 0b100, 0b011, 0b010, 0b110, 0b000, 0b101, 0b001)
_DCS_ST = (5, 7, 3, 2, 1, 6, 4, 0)
_DCS_LN = (LN_A4, LN_INF, LN_B4, LN_A4)
_DCS_WD = (WD_A4, WD_A3, WD_B4, WD_A4)

# Pixels per metre as mod_spandsp's fax_image_resolution gives them (SpanDSP's T4_X_RESOLUTION_…, T4_Y_RESOLUTION_…)
_PER_METRE = (
    ((8040, 3850), VR_NORMAL), ((8040, 7700), VR_FINE), ((8040, 15400), VR_R8), ((16080, 15400), VR_R16),
    ((7874, 3937), VR_200X100), ((7874, 7874), VR_200X200), ((7874, 15748), VR_200X400), ((11811, 11811), VR_300X300),
    ((15748, 15748), VR_R16),  # 400 x 400 dpi; HylaFAX has no bit of its own for it
)
_WIDTH_PIXELS = {
    1728: WD_A4, 2048: WD_B4, 2432: WD_A3, 2592: WD_A4, 3072: WD_B4, 3648: WD_A3, 3456: WD_A4, 4096: WD_B4, 4864: WD_A3,
}
_ENCODINGS = (("T.4 1-D", DF_1DMH), ("T.4 2-D", DF_2DMR), ("T.6", DF_2DMMR), ("T.85", DF_JBIG))


@frozen
class FaxParams:
    """Resolution, rate, width, length, data format, ECM, binary file transfer, scan line time.

    **JBIG** (``df`` 4, T.85): ``df`` has two bits in :meth:`encode`, so JBIG is encoded as 0, which reads as 1-D MH.
    Native 6.0.7 does the same.  xferfaxstats, recvstats, faxinfo and hfaxd take the format from the DCS instead, where
    bit 78 means JBIG.  Therefore always record :meth:`dcs` beside :meth:`encode`.
    """

    vr: int = VR_NORMAL
    br: int = BR_14400
    wd: int = WD_A4
    ln: int = LN_INF
    df: int = DF_1DMH
    ec: int = EC_DISABLE
    bf: int = 0
    st: int = ST_0MS

    def encode(self) -> int:
        """The integer, with version bit 21: without it readers assume an older layout.

        Inch resolutions are shifted into the same three bits as the metric ones (readers use the page's own resolution too).
        Of ECM the integer keeps only whether it is used.
        """
        return (
            (self.vr >> 4 if self.vr > VR_R16 else self.vr) & 7
            | (self.br & 15) << 3
            | (self.wd & 7) << 9
            | (self.ln & 3) << 12
            | (self.df & 3) << 14
            | (1 if self.ec else 0) << 16
            | (self.bf & 1) << 17
            | (self.st & 7) << 18
            | _VERSION
        )

    @classmethod
    def decode(cls, value: int) -> FaxParams:
        """Reads the integer of :meth:`encode`, or the older layout where the version bit is missing.  ECM becomes 256-octet
        ECM, the usual kind."""
        if value >> 21 == 1:
            return cls(
                vr=value & 7, br=value >> 3 & 15, wd=value >> 9 & 7, ln=_length(value >> 12 & 3), df=value >> 14 & 3,
                ec=EC_ENABLE256 if value >> 16 & 1 else EC_DISABLE, bf=value >> 17 & 1, st=value >> 18 & 7,
            )
        return cls(
            vr=value & 1, br=value >> 1 & 7, wd=value >> 4 & 7, ln=_length(value >> 7 & 3), df=value >> 9 & 3,
            ec=EC_ENABLE256 if value >> 11 & 1 else EC_DISABLE, bf=value >> 12 & 1, st=value >> 13 & 7,
        )

    @classmethod
    def from_page_code(cls, code: str, br: int = BR_14400, ec: int = EC_ENABLE256) -> FaxParams:
        """The two hex digits of a page in ``pagehandling`` and in an imaged document's name (``e0``).

        They hold resolution, width, length and format.  Raises :class:`ValueError` if they are not hexadecimal.
        """
        value = int(code, 16)
        return cls(
            vr=value & 1, br=br, wd=value >> 1 & 7, ln=_length(value >> 4 & 3), df=value >> 6 & 3, ec=ec,
        )

    @property
    def page_code(self) -> str:
        """The two hex digits that :meth:`from_page_code` reads."""
        return f"{self.vr & 3 | (self.wd & 7) << 1 | (self.ln & 3) << 4 | (self.df & 3) << 6:02x}"

    @classmethod
    def from_transfer(
        cls, rate_bps: int, ecm: bool, resolution_px_per_m: str, encoding_name: str, width_px: int,
    ) -> FaxParams:
        """From SpanDSP's figures of a transfer.

        ``rate_bps`` in bit/s, ``resolution_px_per_m`` as ``8040x3850`` (the nearest that T.30 knows is taken, normal if
        it cannot be read), ``encoding_name`` as ``T.4 1-D``, ``T.4 2-D``, ``T.6``, ``T.85`` or ``T.85(L0)`` (1-D
        otherwise), ``width_px`` the width of the page (A4 for 0 and any that T.30 does not know).  Length is unlimited and scan
        line time 0, as SpanDSP negotiates them.
        """
        slower = [number for number, rate in enumerate(RATES) if rate <= rate_bps]
        return cls(
            vr=_resolution(resolution_px_per_m),
            br=slower[-1] if slower else 0,
            wd=_WIDTH_PIXELS.get(width_px, WD_A4),
            df=next((df for name, df in _ENCODINGS if encoding_name.startswith(name)), DF_1DMH),
            ec=EC_ENABLE256 if ecm else EC_DISABLE,
        )


    @property
    def rate(self) -> int:
        """The rate in bit/s; 0 for a ``br`` that stands for none."""
        return RATES[self.br & 15] if self.br & 15 < len(RATES) else 0

    @property
    def signalrate(self) -> str:
        """``14400 bit/s``, as in the qfile's signalrate."""
        return f"{self.rate} bit/s"

    @property
    def dataformat(self) -> str:
        """``2-D MMR``, as in the qfile's dataformat."""
        return _FORMATS[self.df] if 0 <= self.df < len(_FORMATS) else _FORMATS[0]

    @property
    def resolution(self) -> str:
        """``3.85 line/mm``; empty for a combination of bits that is no resolution."""
        return _RESOLUTIONS.get(self.vr & 0x7F, "")

    @property
    def width(self) -> str:
        """``A4 page width (215 mm)``"""
        return _WIDTHS[self.wd & 7]

    @property
    def length(self) -> str:
        """``unlimited page length``"""
        return _LENGTHS[self.ln & 3]

    @property
    def scanline_time(self) -> str:
        """``0 ms/scanline``"""
        return _SCAN_TIMES[self.st & 7]

    @property
    def ecm(self) -> str:
        """``T.30 Annex A, 256-byte ECM``"""
        return _ECM[self.ec] if 0 <= self.ec < len(_ECM) else "undefined ECM"

    def describe(self) -> str:
        """``INF, 3.85 line/mm, 2-D MMR, 14400 bit/s``, as in the session log's line of a received page (faxd/FaxRecv.c++)."""
        length = {LN_A4: "A4", LN_B4: "B4"}.get(self.ln, "INF")
        return f"{length}, {self.resolution}, {self.dataformat}, {self.signalrate}"

    def dcs(self) -> str:
        """A DCS frame with these parameters (T.30 table 2), as hexadecimal octets; the first bit of an octet is its highest.

        SpanDSP does not give the DCS of a call, so records get this one.  Of the modulations that share a rate the older one is
        set (9600 bit/s is V.29), as native does.  A DCS cannot express V.34's rates.
        """
        bits = _Bits()
        bits.add(10)  # receiver of T.4: notes 19 and 20 require it in every DCS
        bits.field(11, 4, _DCS_RATES.get(self.br, 0))
        bits.add(15, self.vr in (VR_FINE, VR_200X200))
        bits.add(16, self.df == DF_2DMR)
        bits.add(17, self.wd == WD_B4)
        bits.add(18, self.wd == WD_A3)
        bits.add(19, self.ln == LN_B4)
        bits.add(20, self.ln == LN_INF)
        bits.field(21, 3, _DCS_SCAN_TIMES[self.st & 7])
        bits.add(27, self.ec != EC_DISABLE)
        bits.add(28, self.ec == EC_ENABLE64)
        bits.add(31, self.df == DF_2DMMR and self.ec != EC_DISABLE)
        bits.add(41, self.vr in (VR_R8, VR_200X400))
        bits.add(42, self.vr == VR_300X300)
        bits.add(43, self.vr == VR_R16)
        bits.add(44, self.vr in (VR_200X100, VR_200X200, VR_200X400, VR_300X300))
        bits.add(78, self.df == DF_JBIG and self.ec != EC_DISABLE)
        return bits.hexadecimal()

    @classmethod
    def from_dcs(cls, text: str) -> FaxParams:
        """Reads a DCS such as ``00 44 1F 22`` as HylaFAX reads it (Class2Params::setFromDCS).

        V.34's rates are not in a DCS.  Raises :class:`ValueError` if ``text`` is not hexadecimal.
        """
        bits = _Bits(bytes.fromhex(text))
        inches = bits.has(44)
        if bits.has(42) and not (inches and bits.has(43)):
            vr = VR_300X300
        elif bits.has(43):
            vr = VR_R16
        elif bits.has(41):
            vr = VR_200X400 if inches else VR_R8
        elif bits.has(15):
            vr = VR_200X200 if inches else VR_FINE
        else:
            vr = VR_200X100 if inches else VR_NORMAL
        wd, ln = _DCS_WD[bits.value(17, 2)], _DCS_LN[bits.value(19, 2)]
        if bits.has(76) or bits.has(77):  # North American letter and legal
            wd, ln = WD_A4, LN_INF
        ecm = bits.has(27)
        df = DF_1DMH
        if bits.has(78) or bits.has(79):
            df = DF_JBIG  # some machines set MMR as well
        elif bits.has(31) and ecm:
            df = DF_2DMMR
        elif bits.has(16):
            df = DF_2DMR
        ec = EC_DISABLE
        if ecm:
            ec = EC_ENABLE64 if bits.has(28) else EC_ENABLE256
        elif df == DF_JBIG:
            ec = EC_ENABLE256  # T.30 has no JBIG without ECM, even if the sender has not set it
        return cls(vr=vr, br=_DCS_BR[bits.value(11, 4)], wd=wd, ln=ln, df=df, ec=ec, st=_DCS_ST[bits.value(21, 3)])


def _length(ln: int) -> int:
    return LN_A4 if ln == _LN_LETTER else ln


def _resolution(text: str) -> int:
    """The resolution nearest to ``XxY`` pixels per metre."""
    across, _, down = text.partition("x")
    if not (across.isdecimal() and down.isdecimal() and len(text) <= 20):
        return VR_NORMAL
    x, y = int(across), int(down)
    return min(_PER_METRE, key=lambda known: abs(known[0][0] - x) + abs(known[0][1] - y))[1]


class _Bits:
    """The bits of a T.30 DIS, DTC or DCS, numbered from 1 as in its table 2: the first bit of an octet is its highest."""

    def __init__(self, octets: bytes = b"") -> None:
        self._octets = bytearray(octets.ljust(16, b"\0"))

    def has(self, number: int) -> bool:
        return bool(self._octets[(number - 1) // 8] & 0x80 >> (number - 1) % 8)

    def value(self, first: int, count: int) -> int:
        """``count`` bits from ``first`` on, the first one highest."""
        return sum(self.has(first + at) << count - 1 - at for at in range(count))

    def add(self, number: int, wanted: bool = True) -> None:
        if wanted:
            self._octets[(number - 1) // 8] |= 0x80 >> (number - 1) % 8

    def field(self, first: int, count: int, value: int) -> None:
        for at in range(count):
            self.add(first + at, bool(value >> count - 1 - at & 1))

    def hexadecimal(self) -> str:
        """The octets up to the last one that is not zero, at least three.  From the third on, each octet but the last gets its
        extend bit."""
        length = max((at + 1 for at, octet in enumerate(self._octets) if octet), default=0)
        length = max(length, 3)
        for at in range(2, length - 1):
            self._octets[at] |= 1
        return self._octets[:length].hex(" ").upper()
