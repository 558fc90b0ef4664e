"""Every target with its saved inputs and with new ones, a bounded number; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutation import inputs
from fuzz.targets import CORPUS, TARGETS

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIB = os.path.join(os.path.dirname(TESTS), "lib")
EXAMPLES = 120


def test_every_target_has_saved_inputs_and_every_saved_input_a_target() -> None:
    assert sorted(os.listdir(CORPUS)) == sorted(TARGETS)
    assert all(any(target.seeds()) for target in TARGETS.values())


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_it_holds_for_new_inputs(name: str, data: st.DataObject) -> None:
    TARGETS[name].check(data.draw(inputs(TARGETS[name])))


@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_for_saved_inputs_with_every_trick(name: str) -> None:
    """Those that run inside FreeSWITCH with its recursion limit and stacks, where a crash is one of the switch."""
    embedded = ["--embedded"] * TARGETS[name].embedded
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz.run", name, "0", "--engine", "corpus", *embedded],
        env={**os.environ, "PYTHONPATH": f"{LIB}:{TESTS}"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="backslashreplace", check=False, timeout=100,
    )
    assert ended.returncode == 0 and "inputs " in ended.stdout, ended.stdout[-3000:]
