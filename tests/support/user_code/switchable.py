"""A user's own model, as it is installed where the workers run: what goes wrong with it is written in a file."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from understudy.core.log.kafka import producer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from understudy.core.log.contract import Phase

CHUNK_BYTES: Final = 64 << 20
SLEEP_S: Final = 0.3


class Switchable(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is not typed
    """Is a + b more than 5? While the file `switch` is there, the word in it says what happens instead.

    raise, sleep (before the answer), hang, memory (without end), kill (while it scores), die (in the middle of the
    transaction that follows, once).
    """

    def __init__(self, switch: str = "") -> None:
        self.switch = switch

    def fit(self, inputs: Any, labels: Any) -> Self:
        """Nothing is learned."""
        self.classes_ = np.unique(labels)
        self.n_features_in_ = np.asarray(inputs).shape[1]
        return self

    def predict_proba(self, inputs: Any) -> NDArray[np.float64]:
        """The probabilities of both classes, 0 or 1."""
        self._misbehave()
        more = np.asarray(inputs, dtype=float).sum(axis=1) > 5
        return np.column_stack([~more, more]).astype(np.float64)

    def predict(self, inputs: Any) -> Any:
        """The class that is more probable."""
        return self.classes_[self.predict_proba(inputs).argmax(axis=1)]

    def _misbehave(self) -> None:
        switch = Path(self.switch)
        match switch.read_text() if switch.exists() else "":
            case "raise":
                raise ValueError("told to")
            case "sleep":
                threading.Event().wait(SLEEP_S)
            case "hang":
                threading.Event().wait()
            case "memory":
                held = []
                while True:
                    held.append(np.ones(CHUNK_BYTES // 8))
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "die":
                switch.unlink()
                _die_amid_the_next_transaction()


def _die_amid_the_next_transaction() -> None:
    """When all of it was sent, and its end was not."""
    commit: Callable[..., None] = producer.Producer.commit

    def die(phase: Phase) -> None:
        if phase == "produced":
            os.kill(os.getpid(), signal.SIGKILL)

    def fatal(self: producer.Producer, outputs: Any, moved: Any = None, _: Any = None) -> None:
        commit(self, outputs, moved, die)

    producer.Producer.commit = fatal  # type: ignore[method-assign,assignment] # the process has no further use for it
