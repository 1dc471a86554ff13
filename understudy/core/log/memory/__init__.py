"""An in-process log with virtual time and seeded faults."""

from understudy.core.log.memory.clock import Clock, SystemClock, VirtualClock
from understudy.core.log.memory.faults import Fate, Faults
from understudy.core.log.memory.log import MemoryLog

__all__ = ["Clock", "Fate", "Faults", "MemoryLog", "SystemClock", "VirtualClock"]
