"""Documents to send, and the pages of what arrived, as bitmaps.

A fax page is 1728 dots wide (215 mm at 8.04 dots/mm, ITU-T T.4 §2.1) and has 3.85 lines/mm
(``normal``, 98 dpi) or 7.7 lines/mm (``fine``, 196 dpi).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageSequence, TiffImagePlugin

WIDTH = 1728
NORMAL = 98
FINE = 196
TAG_LINE_MM = 12
"""Height of the area at the top of a received page that may hold tag lines.

SpanDSP's takes 16 lines at normal, 32 at fine resolution, some 4 mm.  HylaFAX's own (a sender may
add one as well) takes about as much.  The rest is margin; no test document has anything up there.
"""

_TEXT = "the quick brown fox jumps over the lazy dog while pages travel along the line as tones"
_WORDS = tuple(_TEXT.split())


@dataclass(frozen=True, slots=True)
class Page:
    """One bilevel page: ``rows`` of packed bits, most significant first, 1 = black."""

    width: int
    dpi: int
    """Vertical resolution in lines per inch; width is always at 204."""
    rows: tuple[bytes, ...]

    @property
    def tag_line_rows(self) -> int:
        """Rows at the top that comparison leaves out."""
        return round(TAG_LINE_MM / 25.4 * self.dpi)

    def is_blank(self, row: int) -> bool:
        """True if the row has no black dot."""
        return not any(self.rows[row])


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a received page relates to the one that was sent."""

    identical: bool
    shift: int
    """Rows by which the image was moved down to make room for the tag line."""
    first_row: int
    """First row of the received page from which on all rows are the sent ones."""
    detail: str


def read_pages(path: str) -> list[Page]:
    """All pages of a TIFF.  Raises OSError if it is none."""
    pages = []
    with Image.open(path) as image:
        for frame in ImageSequence.Iterator(image):
            dpi = frame.info.get("dpi", (204, NORMAL))
            bitmap = frame.convert("1")
            step = (bitmap.width + 7) // 8
            data = bytes(byte ^ 0xFF for byte in bitmap.tobytes())  # Pillow: 1 = white
            if bitmap.width % 8:
                raise ValueError(f"{path}: {bitmap.width} dots to a row, not a multiple of 8")
            rows = tuple(data[start : start + step] for start in range(0, len(data), step))
            pages.append(Page(bitmap.width, round(float(dpi[1])), rows))
    return pages


def compare(sent: Page, received: Page) -> Comparison:
    """Compare two pages bit by bit below the tag line.

    A tag line is written over the top of the image or put above it, so that the image moves down
    (ITU-T T.30 does not say; SpanDSP adds rows, HylaFAX overwrites).  White rows at the foot may
    have been cut off, which HylaFAX calls page chopping.  Everything else must be equal.
    """
    if sent.width != received.width:
        return Comparison(False, 0, 0, f"{received.width} dots to a row, {sent.width} were sent")
    shifts = range(min(received.tag_line_rows, len(received.rows)) + 1)
    first_rows = {shift: _first_equal_row(sent, received, shift) for shift in shifts}
    best = min(shifts, key=lambda shift: (first_rows[shift], shift))
    first = first_rows[best]
    if first <= received.tag_line_rows:
        return Comparison(True, best, first, f"identical from row {first} on, image moved down by {best} rows")
    return Comparison(False, best, first, f"row {first - 1} of {len(received.rows)} differs (image moved down by {best} rows)")


def compare_documents(sent: Sequence[Page], received: Sequence[Page]) -> list[Comparison]:
    """Compare page by page.  A missing or surplus page is a comparison that says so."""
    found = [compare(one, other) for one, other in zip(sent, received, strict=False)]
    for number in range(len(found) + 1, len(sent) + 1):
        found.append(Comparison(False, 0, 0, f"page {number} did not arrive"))
    for number in range(len(found) + 1, len(received) + 1):
        found.append(Comparison(False, 0, 0, f"page {number} was never sent"))
    return found


def make_tiff(path: str, pages: int = 3, *, dpi: int = FINE, title: str = "gofaxpy") -> None:
    """Write a multi-page bilevel G4 TIFF of A4 pages, each with text and graphics of its own."""
    height = round(297 / 25.4 * dpi)
    images = [ImageChops.invert(_draw_page(title, n, pages, height, dpi)) for n in range(1, pages + 1)]
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[278] = height  # RowsPerStrip: the whole page
    info[296] = 2  # ResolutionUnit: inch
    images[0].save(path, "TIFF", save_all=True, append_images=images[1:], compression="group4", dpi=(204, dpi), tiffinfo=info)
    _declare_white_zero(path)


def make_postscript(path: str, pages: int = 3, *, title: str = "gofaxpy") -> None:
    """Write an A4 PostScript document, each page with text and graphics of its own."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"%!PS-Adobe-3.0\n%%Title: {title}\n%%Pages: {pages}\n%%EndComments\n")
        for number in range(1, pages + 1):
            file.write(f"%%Page: {number} {number}\n")
            file.write(_postscript_page(title, number, pages))
        file.write("%%EOF\n")


def preview(tiff: str, png: str, *, width: int = 480) -> None:
    """Write all pages of ``tiff`` side by side, with square dots and smoothed, as a PNG."""
    frames = []
    with Image.open(tiff) as image:
        for frame in ImageSequence.Iterator(image):
            dpi = frame.info.get("dpi", (204, NORMAL))
            height = round(frame.height * float(dpi[0]) / float(dpi[1]) * width / frame.width)
            frames.append(frame.convert("L").resize((width, height), Image.Resampling.BOX))
    gap = 16
    sheet = Image.new("L", (gap + len(frames) * (width + gap), 2 * gap + max(frame.height for frame in frames)), 160)
    for index, page in enumerate(frames):
        sheet.paste(page, (gap + index * (width + gap), gap))
    sheet.save(png, optimize=True)


def _first_equal_row(sent: Page, received: Page, shift: int) -> int:
    """First received row from which on all rows are the sent ones, moved down by ``shift``."""
    height = len(received.rows)
    overlap = height - shift
    if overlap > len(sent.rows) or not all(sent.is_blank(row) for row in range(overlap, len(sent.rows))):
        return height
    row = height
    while row > shift and received.rows[row - 1] == sent.rows[row - 1 - shift]:
        row -= 1
    return row


def _declare_white_zero(path: str) -> None:
    """Set PhotometricInterpretation (262) to min-is-white, as all fax machines do (Pillow writes bilevel
    images the other way round), in a little-endian TIFF."""
    with open(path, "r+b") as file:
        file.seek(4)
        (directory,) = struct.unpack("<I", file.read(4))
        while directory:
            file.seek(directory)
            (count,) = struct.unpack("<H", file.read(2))
            for entry in range(directory + 2, directory + 2 + 12 * count, 12):
                file.seek(entry)
                if struct.unpack("<H", file.read(2)) == (262,):
                    file.seek(entry + 8)
                    file.write(struct.pack("<H", 0))
            file.seek(directory + 2 + 12 * count)
            (directory,) = struct.unpack("<I", file.read(4))


def _draw_page(title: str, number: int, pages: int, height: int, dpi: int) -> Image.Image:
    """Draw with square dots, then squeeze to the page's resolution."""
    square = round(297 / 25.4 * 204)
    page = Image.new("L", (WIDTH, square), 255)
    pen = ImageDraw.Draw(page)
    pen.text((150, 220), f"{title}: page {number} of {pages}", fill=0, font=ImageFont.load_default(72))
    body = ImageFont.load_default(34)
    for line in range(12):
        pen.text((150, 360 + line * 50), _words(line * 7 + number * 5, number + 2), fill=0, font=body)
    for box in range(8):
        left, top = 150 + box * 170, 1100
        pen.rectangle((left, top, left + 140, top + 140), outline=0, width=1 + box)
        if (number >> (box % 3)) & 1:
            pen.line((left, top, left + 140, top + 140), fill=0, width=2)
            pen.ellipse((left + 30, top + 30, left + 110, top + 110), fill=0)
    for line in range(0, 600, 8 * number):
        pen.line((150, 1400 + line, 1550, 1400 + (line * (number + 1)) % 600), fill=0, width=1)
    pen.rectangle((0, square - 60, WIDTH - 1, square - 50), fill=0)
    return page.resize((WIDTH, height), Image.Resampling.NEAREST).convert("1", dither=Image.Dither.NONE)


def _postscript_page(title: str, number: int, pages: int) -> str:
    text = "".join(f"72 {650 - 18 * line} moveto ({_words(line * 7 + number * 5, 1)}) show\n" for line in range(10))
    rays = "".join(
        f"300 260 moveto 150 {angle} cos mul 300 add 150 {angle} sin mul 260 add lineto stroke\n"
        for angle in range(0, 360, 30 // number)
    )
    return (
        f"/Helvetica-Bold findfont 28 scalefont setfont 72 700 moveto ({title}: page {number} of {pages}) show\n"
        f"/Times-Roman findfont 13 scalefont setfont\n{text}"
        f"0.7 setlinewidth\n{rays}"
        f"newpath 300 260 {60 + 25 * number} 0 360 arc 4 setlinewidth stroke\n"
        f"72 60 450 6 rectfill\nshowpage\n"
    )


def _words(first: int, step: int) -> str:
    return " ".join(_WORDS[(first + word * step) % len(_WORDS)] for word in range(10))
