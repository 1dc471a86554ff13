from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource
from understudy.app.roles.tuning import tune_process
{tune}
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    blocks = [bytearray(1_000_000) for _ in range(16)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
COLLECTIONS = """
import gc
from understudy.app.roles.tuning import tune_process
{tune}
before = sum(generation["collections"] for generation in gc.get_stats())
kept = [[] for _ in range(40_000)]
print(sum(generation["collections"] for generation in gc.get_stats()) - before)
"""


def said(program: str, tune: str) -> int:
    done = subprocess.run([sys.executable, "-c", program.format(tune=tune)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc learns what to keep")
def test_memory_that_was_freed_is_used_again() -> None:
    assert said(PAGE_FAULTS, "") > 100_000
    assert said(PAGE_FAULTS, "tune_process()") < 8_000


def test_garbage_is_looked_for_rarely() -> None:
    assert said(COLLECTIONS, "") > 10
    assert said(COLLECTIONS, "tune_process()") == 0
