from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import json, os, resource, sys
from pathlib import Path
from understudy.app.roles.restraint import bound_memory, yield_to_others
before = os.nice(0)
bound_memory(256 << 20, Path(sys.argv[1]))
yield_to_others()
try:
    bytearray(300 << 20)
    filled = "no error"
except MemoryError:
    filled = "MemoryError"
bytearray(10 << 20)
print(json.dumps({"nicer": os.nice(0) - before, "filled": filled, "soft": resource.getrlimit(resource.RLIMIT_DATA)[0]}))
"""


def test_a_process_that_is_held_back_is_nicer_and_cannot_fill_the_memory(tmp_path: Path) -> None:
    score = tmp_path / "oom_score_adj"

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(score)], capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(done.stdout) == {"nicer": 10, "filled": "MemoryError", "soft": 256 << 20}
    assert score.read_text() == "500\n"


def test_a_system_without_such_a_score_is_no_error(tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "oom_score_adj"

    subprocess.run([sys.executable, "-c", PROGRAM, str(nowhere)], capture_output=True, check=True, timeout=60)

    assert not nowhere.exists()
