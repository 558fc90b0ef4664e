"""Session parameters: integers, page codes, DCS and the names for them, as HylaFAX has them."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax import params
from gofaxpy.hylafax.params import RATES, FaxParams

NATIVE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "native")
NORMAL_MMR = FaxParams(vr=0, br=5, wd=0, ln=2, df=3, ec=2, bf=0, st=0)


@pytest.mark.parametrize(("value", "expected"), [
    (2220072, NORMAL_MMR),
    (2220073, FaxParams(vr=params.VR_FINE, br=5, wd=0, ln=2, df=3, ec=2)),
    (0x21E029, FaxParams(vr=params.VR_FINE, br=5, wd=0, ln=2, df=3, ec=2)),
    (0x3C0018, FaxParams(vr=0, br=3, wd=0, ln=0, df=0, ec=0, st=7)),
])
def test_integers_that_native_wrote(value: int, expected: FaxParams) -> None:
    assert FaxParams.decode(value) == expected
    assert expected.encode() == value


def test_the_older_layout_is_read_without_the_version_bit() -> None:
    assert FaxParams.decode(65576 & 0xFFFF) == FaxParams(vr=0, br=4, wd=2, ln=0, df=0, ec=0)


_metric = st.builds(
    FaxParams, vr=st.sampled_from([0, 1, 2, 4]), br=st.integers(0, 13), wd=st.integers(0, 2), ln=st.integers(0, 2),
    df=st.sampled_from([0, 1, 3]), ec=st.sampled_from([0, 2]), bf=st.integers(0, 1), st=st.integers(0, 7),
)


@given(_metric)
def test_metric_parameters_survive_the_integer(given_params: FaxParams) -> None:
    assert FaxParams.decode(given_params.encode()) == given_params


@given(st.integers(0, (1 << 21) - 1))
def test_an_integer_with_the_version_bit_is_read_and_written_the_same(value: int) -> None:
    value = value & ~(3 << 7) | 1 << 21  # two bits say nothing
    if value & 7 > params.VR_R16:  # several resolutions at once
        value &= ~7
    if value >> 12 & 3 == 3:  # HylaFAX's own "letter", which it reads as A4
        value &= ~(3 << 12)
    assert FaxParams.decode(value).encode() == value


@pytest.mark.parametrize(("vr", "bits"), [
    (params.VR_200X100, 0), (params.VR_200X200, 1), (params.VR_200X400, 2), (params.VR_300X300, 4),
])
def test_inch_resolutions_share_the_bits_of_metric_ones(vr: int, bits: int) -> None:
    assert FaxParams(vr=vr).encode() & 7 == bits


def test_jbig_leaves_the_integer_as_mh_and_the_dcs_as_jbig() -> None:
    jbig = FaxParams(df=params.DF_JBIG, ec=2)
    assert FaxParams.decode(jbig.encode()).df == params.DF_1DMH
    assert jbig.dcs() == "00 44 1F 21 01 01 01 01 01 04"
    assert FaxParams.from_dcs(jbig.dcs()) == jbig
    assert jbig.dataformat == "JBIG"


# -- DCS


def test_the_dcs_of_natives_usual_session() -> None:
    assert NORMAL_MMR.dcs() == "00 44 1F 22"
    assert FaxParams.from_dcs("00 44 1F 22") == NORMAL_MMR


def test_a_dcs_of_v17_at_9600_without_ecm_is_read() -> None:
    assert FaxParams.from_dcs("00 67 14") == FaxParams(vr=params.VR_FINE, br=3, wd=0, ln=2, df=params.DF_2DMR, ec=0, st=3)


def test_north_american_paper_is_read_as_a4_of_any_length() -> None:
    assert FaxParams.from_dcs("00 44 01 01 01 01 01 01 01 10") == FaxParams(st=5)


def test_jbig_without_ecm_is_taken_to_mean_ecm() -> None:
    assert FaxParams.from_dcs("00 44 1F 01 01 01 01 01 01 04") == FaxParams(df=params.DF_JBIG, ec=2)


def test_no_dcs_at_all_reads_as_the_least_there_is() -> None:
    assert FaxParams.from_dcs(params.NO_DCS) == FaxParams(vr=0, br=0, wd=0, ln=0, df=0, ec=0, st=5)


_dcs_params = st.builds(
    FaxParams, vr=st.sampled_from([0, 1, 2, 4, 8, 16, 32, 64]), br=st.integers(0, 5), wd=st.integers(0, 2), ln=st.integers(0, 2),
    df=st.sampled_from([0, 1, 3, 4]), ec=st.sampled_from([1, 2]), st=st.integers(0, 7),
)


@given(_dcs_params)
def test_parameters_survive_the_dcs(given_params: FaxParams) -> None:
    assert FaxParams.from_dcs(given_params.dcs()) == given_params


@given(_dcs_params)
def test_a_dcs_ends_where_its_extend_bits_say(given_params: FaxParams) -> None:
    octets = bytes.fromhex(given_params.dcs())
    assert len(octets) >= 3
    assert all(octet & 1 for octet in octets[2:-1])
    assert not octets[-1] & 1


def test_mmr_without_ecm_is_not_to_be_had() -> None:
    assert FaxParams(df=params.DF_2DMMR, ec=0).dcs() == "00 44 1E"
    assert FaxParams.from_dcs("00 44 1F 02").df == params.DF_1DMH


@pytest.mark.parametrize("text", ["xyz", "00 4", "00;44"])
def test_what_is_no_dcs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        FaxParams.from_dcs(text)


def test_a_dcs_of_any_length_is_read() -> None:
    assert FaxParams.from_dcs("").br == 0
    assert FaxParams.from_dcs("FF " * 40).wd == params.WD_A4


# -- page codes and SpanDSP's words


@pytest.mark.parametrize(("code", "expected"), [
    ("e0", NORMAL_MMR), ("e1", FaxParams(vr=1, df=3, ec=2)), ("c0", FaxParams(vr=0, ln=0, df=3, ec=2)),
    ("22", FaxParams(vr=0, wd=1, df=0, ec=2)),
])
def test_page_codes(code: str, expected: FaxParams) -> None:
    assert FaxParams.from_page_code(code) == expected
    assert expected.page_code == code


def test_what_is_no_page_code_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        FaxParams.from_page_code("zz")


@pytest.mark.parametrize(("resolution", "vr"), [
    ("8040x3850", params.VR_NORMAL), ("8031x3850", params.VR_NORMAL), ("8031x7716", params.VR_FINE),
    ("8037x7700", params.VR_FINE), ("8040x15400", params.VR_R8), ("16074x15400", params.VR_R16), ("7874x3937", params.VR_200X100),
    ("7874x7874", params.VR_200X200), ("7874x15748", params.VR_200X400), ("11811x11811", params.VR_300X300),
    ("15748x15748", params.VR_R16), ("", 0), ("x", 0), ("-1x9", 0), ("9" * 5000 + "x1", 0), ("²x1", 0),
])
def test_resolutions_as_the_switch_names_them(resolution: str, vr: int) -> None:
    assert FaxParams.from_transfer(14400, True, resolution, "T.6", 1728).vr == vr


def test_a_transfer_as_the_switch_tells_it() -> None:
    assert FaxParams.from_transfer(14400, True, "8031x3850", "T.6", 1728) == NORMAL_MMR
    assert FaxParams.from_transfer(9600, False, "8031x7700", "T.4 2-D", 2048) == FaxParams(vr=1, br=3, wd=1, df=1, ec=0)
    assert FaxParams.from_transfer(0, False, "", "", 0) == FaxParams(vr=0, br=0, df=0, ec=0)
    assert FaxParams.from_transfer(14000, True, "", "T.85(L0)", 2432) == FaxParams(br=4, wd=2, df=4, ec=2)


@pytest.mark.parametrize(("number", "rate"), list(enumerate(RATES)))
def test_every_rate_is_recognized(number: int, rate: int) -> None:
    found = FaxParams.from_transfer(rate, True, "8040x3850", "T.6", 1728)
    assert (found.br, found.rate, found.signalrate) == (number, rate, f"{rate} bit/s")


# -- names


def test_the_names_of_a_session_are_natives() -> None:
    with open(os.path.join(NATIVE, "send-ok", "session-log-c000000005"), encoding="utf-8") as file:
        log = file.read()
    for text in (NORMAL_MMR.signalrate, NORMAL_MMR.dataformat, NORMAL_MMR.resolution, NORMAL_MMR.width, NORMAL_MMR.length,
                 NORMAL_MMR.scanline_time):
        assert f"]: USE {text}\n" in log
    assert f"]: REMOTE supports {NORMAL_MMR.ecm}\n" in log


def test_a_received_page_is_described_as_native_does() -> None:
    found = set()
    for path in glob.glob(os.path.join(NATIVE, "recv-*", "session-log-*")):
        found |= set(re.findall(r"page \d+ in 0:00:\d\d, (.*)", Path(path).read_text(encoding="utf-8")))
    assert found == {NORMAL_MMR.describe()}


def test_numbers_out_of_range_have_names_too() -> None:
    odd = FaxParams(vr=3, br=14, wd=7, ln=3, df=9, ec=7, st=9)
    assert (odd.signalrate, odd.resolution, odd.dataformat, odd.ecm) == ("0 bit/s", "", "1-D MH", "undefined ECM")
    assert (odd.width, odd.length) == ("undefined page width (wd=7)", "invalid page length (ln=3)")
