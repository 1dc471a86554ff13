from __future__ import annotations

import pytest

from understudy.core.exits import told_exit


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0, "exited with status 0"),
        (3, "exited with status 3"),
        (-9, "was killed by SIGKILL"),
        (-200, "was killed by signal 200"),
    ],
)
def test_every_end_has_words(code: int, told: str) -> None:
    assert told_exit(code) == told
