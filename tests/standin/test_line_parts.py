"""The small parts of the line: what a TIFF says of its pages, time zones, SpanDSP's numbers in newer terms."""

from __future__ import annotations

import struct
from ctypes import addressof, sizeof
from pathlib import Path

import pytest
from PIL import Image

from mocks.line import spandsp
from mocks.line.results import page_fields
from mocks.line.spandsp import SAMPLES, Samples, Statistics, add_scaled, completion_text
from mocks.line.spoil import Disturber, Spoil
from mocks.line.tiffpages import TiffPage, tiff_pages
from mocks.line.timezones import posix_timezone


def test_statistics_have_the_size_of_t30_stats_t() -> None:
    assert sizeof(Statistics) == 60
    assert Statistics.bad_rows.offset == 44


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "OK"),
        (2, "Timed out waiting for initial communication"),
        (3, "Timed out waiting for the first message"),
        (41, "TIFF/F file cannot be opened"),
        (48, "Disconnected after permitted retries"),
        (49, "The call dropped prematurely"),
        (61, "Called subscriber internet address not accepted"),
        (62, "???"),
    ],
)
def test_completion_codes_have_the_texts_of_mod_spandsp(code: int, text: str) -> None:
    assert completion_text(code) == text


def test_numbers_of_the_old_library_are_told_in_the_new_ones_terms() -> None:
    raw = Statistics(x_resolution=8031, y_resolution=3850, width=1728, length=1146, encoding=2, pages_tx=2, bad_rows=3)
    document = [TiffPage(1, 2, 3, 4), TiffPage(1728, 1146, 8031, 3858)]
    fields = page_fields(raw, document, first_page=0)
    assert (fields["image_resolution"], fields["file_image_resolution"]) == ("8040x3850", "8031x3858")
    assert (fields["encoding"], fields["encoding_name"], fields["bad_rows"]) == (4, "T.4 2-D", 3)
    assert page_fields(raw, [], first_page=0)["file_image_resolution"] == "8040x3850"
    assert page_fields(Statistics(), document, first_page=0)["file_image_resolution"] == "0x0"


def test_sizes_and_resolutions_of_a_tiff_are_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    pages = [Image.new("1", (1728, 30), 1), Image.new("1", (2432, 20), 1)]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:], dpi=(204, 98))
    assert tiff_pages(str(path)) == [TiffPage(1728, 30, 8031, 3858), TiffPage(2432, 20, 8031, 3858)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_resolutions_in_centimetres_and_either_byte_order_are_read(tmp_path: Path, order: str) -> None:
    short = 1 if order == "<" else 1 << 16  # a number of two bytes stands at the beginning of its field
    entries = [(256, 4, 1728), (257, 3, 10 * short), (282, 5, 8), (283, 5, 16), (296, 3, 3 * short)]
    directory = struct.pack(order + "H", len(entries)) + b"".join(struct.pack(order + "HHII", t, k, 1, v) for t, k, v in entries)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    path = tmp_path / "metric.tif"
    path.write_bytes(magic + struct.pack(order + "I4I", 24, 8031, 100, 3850, 100) + directory + struct.pack(order + "I", 0))
    assert tiff_pages(str(path)) == [TiffPage(1728, 10, 8031, 3850)]


@pytest.mark.parametrize("content", [b"", b"II", b"II*\0", b"II*\0\x08\0\0\0", b"%PDF-1.4", b"II*\0\x08\0\0\0\xff\xff"])
def test_what_is_no_tiff_has_no_pages(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.tif").write_bytes(content)
    assert tiff_pages(str(tmp_path / "no.tif")) == []


def test_a_missing_file_has_no_pages(tmp_path: Path) -> None:
    assert tiff_pages(str(tmp_path / "missing.tif")) == []


def test_directories_that_run_in_a_circle_end_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "circle.tif"
    path.write_bytes(b"II*\0" + struct.pack("<IHI", 8, 0, 8))
    assert 0 < len(tiff_pages(str(path))) <= 10_000


def test_names_of_time_zones_become_posix_rules() -> None:
    assert posix_timezone("Europe/Berlin") == "CET-1CEST,M3.5.0,M10.5.0/3"
    assert posix_timezone("EST5EDT,M3.2.0,M11.1.0") == "EST5EDT,M3.2.0,M11.1.0"


@pytest.mark.parametrize("name", ["", "No/Such/Place", "../../etc/passwd", "/etc/passwd", "Europe"])
def test_other_names_of_time_zones_pass_unchanged(name: str) -> None:
    assert posix_timezone(name) == name


def test_noise_is_added_scaled() -> None:
    noise, sound = Samples(*range(0, SAMPLES * 100, 100)), Samples(*[1000] * SAMPLES)
    add_scaled(addressof(noise), addressof(sound), 0.5)
    assert list(sound) == [1000 + value // 2 for value in range(0, SAMPLES * 100, 100)]


def test_a_cut_is_exact_to_the_sample() -> None:
    disturber = Disturber(Spoil(cuts=((0.0195, 0.001),)))  # samples 156 to 163: the last 4 of step 0, the first 4 of step 1
    zeros = []
    for step in range(3):
        sound = Samples(*[5] * SAMPLES)
        disturber.disturb(step, addressof(sound))
        zeros.append([number for number in range(SAMPLES) if not sound[number]])
    assert zeros == [[156, 157, 158, 159], [0, 1, 2, 3], []]


def test_a_pause_stays_silent_on_a_noisy_line() -> None:
    disturber = Disturber(Spoil(noise=0.1))
    pause, tone = Samples(), Samples(*[5] * SAMPLES)
    disturber.disturb(0, addressof(pause), addressof(tone))
    assert not any(pause) and len(set(tone)) > SAMPLES // 2
    assert sizeof(pause) == spandsp.STEP_BYTES
