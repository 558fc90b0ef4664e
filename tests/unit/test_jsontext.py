"""JSON that somebody else may have written is read in bounded depth and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy import jsontext
from rig.install import CHECKOUT

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=60,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        octets = json.dumps(value).encode()
    assert jsontext.parse(text) == jsontext.parse(octets) == value


@pytest.mark.parametrize("text", ["[" * 33 + "]" * 33, '{"a":' * 40 + "1" + "}" * 40, "[" * 100000, '["\\"",' * 40, "[{" * 20])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nested more than 32 deep"):
        jsontext.parse(text)


@pytest.mark.parametrize("value", [[[]] * 5000, ["[" * 5000], ['"[\\' * 100], {"{" * 50: "}" * 50}, [[["[[" * 40]] * 40] * 40])
def test_brackets_that_nest_nothing_are_no_depth(value: object) -> None:
    assert jsontext.parse(json.dumps(value)) == value


@pytest.mark.parametrize("data", [
    b"", b"[", b"nothing", b"\xff", b'"\\', "[1]".encode("utf-16"), b"9" * 5000, b"\xef\xbb\xbf{}", b'{"a":1} x',
])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        jsontext.parse(data)


@pytest.mark.parametrize("text", [
    '"\\' * 500_000, '"' + '\\"' * 500_000 + "\\", "[" * 33 + '\\"' * 500_000, '["' * 500_000, "[]" * 500_000,
])
def test_a_text_of_any_kind_is_looked_through_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError):
        jsontext.parse(text)
    assert time.process_time() - began < 5


DEEP = """
import os, sys, tempfile, threading
sys.setrecursionlimit(1 << 30)          # as Python 3.12 and later: nothing of it ends C code
threading.stack_size(240 << 10)         # a thread of FreeSWITCH
from gofaxpy.journal import Journal, Step
from gofaxpy.metrics import state
from gofaxpy.switch.arguments import decode_args
import base64
def work():
    for text in (b"[" * 2000, b'{"a":' * 2000, b"[" * 30000):
        try:
            decode_args(base64.urlsafe_b64encode(text).decode())
        except ValueError:
            pass
        root = tempfile.mkdtemp(dir=sys.argv[1])
        entry = Journal(root).create("1-1", Step.OPENED)
        os.write(entry.fileno(), text + b"\\n")
        assert [mark.step for mark in entry.marks()] == [Step.OPENED]
        with open(os.path.join(root, state.NAME), "wb") as file:
            file.write(text)
        assert state.load(os.open(root, os.O_RDONLY)) is None
    print("well")
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_no_reader_overflows_a_stack_of_freeswitch(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DEEP, str(tmp_path)], env={**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "lib")},
        capture_output=True, text=True, check=False, timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, "well\n"), ended.stderr[-2000:]
