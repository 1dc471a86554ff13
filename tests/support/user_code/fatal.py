"""A user's own model that ends its process over certain records, and does not come back from others."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

if TYPE_CHECKING:
    from numpy.typing import NDArray

FATAL: Final = 666.0
ENDLESS: Final = 667.0


class Fatal(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is not typed
    """Is a + b more than 5? A record whose a is 666 kills the process, as a library's bug does; 667 takes for ever."""

    def fit(self, inputs: Any, labels: Any) -> Self:
        """Nothing is learned."""
        self.classes_ = np.unique(labels)
        self.n_features_in_ = np.asarray(inputs).shape[1]
        return self

    def predict_proba(self, inputs: Any) -> NDArray[np.float64]:
        """The probabilities of both classes, 0 or 1."""
        numbers = np.asarray(inputs, dtype=float)
        if (numbers[:, 0] == FATAL).any():
            os.kill(os.getpid(), signal.SIGKILL)
        while (numbers[:, 0] == ENDLESS).any():
            threading.Event().wait()
        more = numbers.sum(axis=1) > 5
        return np.column_stack([~more, more]).astype(np.float64)

    def predict(self, inputs: Any) -> Any:
        """The class that is more probable."""
        return self.classes_[self.predict_proba(inputs).argmax(axis=1)]
