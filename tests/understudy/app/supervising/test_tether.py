from __future__ import annotations

import os
import threading

from understudy.app.supervising.tether import end_with


def test_the_end_of_the_pipe_stops_and_in_time_kills() -> None:
    reading, writing = os.pipe()
    stop, killed = threading.Event(), threading.Event()
    end_with(reading, stop, killed.set, grace_s=0.05)
    os.write(writing, b"whatever")
    assert not stop.wait(0.1)

    os.close(writing)

    assert stop.wait(10)
    assert killed.wait(10)
    os.close(reading)
