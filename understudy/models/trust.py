"""Which types an artifact may have. skops names what it does not trust by itself; here it is decided."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from understudy.models.errors import RefusedArtifact

if TYPE_CHECKING:
    from collections.abc import Collection

KNOWN_SAFE: Final = frozenset(
    {
        # Plain data, losses, distances and helpers of scikit-learn that run no code from the file.
        "functools.partial",  # its function is a node of its own and is checked by itself
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
    }
)

TREES: Final = frozenset(
    {
        # Their arrays hold indices that scikit-learn follows unchecked, so that a crafted file can crash the
        # process when it scores. They are safe in a model that was fitted here, not in a file from elsewhere.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)


def accept(types: Collection[str], trusted: Collection[str], *, fitted_here: bool) -> tuple[str, ...]:
    """Return the types to list in the manifest, sorted. Raises RefusedArtifact, naming those that need trust.

    types: what skops does not trust by itself. trusted: what the user trusts by name. fitted_here: the model is an
    object of this process, not a file.
    """
    unnamed = sorted(name for name in types if name.startswith("__") or "<" in name)  # scripts and lambdas
    if unnamed:
        raise RefusedArtifact(
            f"the model uses {', '.join(unnamed)}, which a worker cannot import: move it into a module of a package "
            "that is installed where the workers run, and fit the model again",
        )
    known = KNOWN_SAFE | TREES if fitted_here else KNOWN_SAFE
    refuse_forbidden(types)
    unknown = sorted(set(types) - known - set(trusted))
    if unknown:
        raise RefusedArtifact(
            f"the model has types that are not known to be safe: {', '.join(unknown)}. "
            f"If you know them and trust where the model comes from, register it with trusted={unknown!r}",
        )
    return tuple(sorted(types))


def refuse_forbidden(types: Collection[str]) -> None:
    """Refuse what no model needs and an attack does: anything of Python's own library, whoever trusts it."""
    forbidden = sorted(name for name in types if name not in KNOWN_SAFE and _of_python(name))
    if forbidden:
        raise RefusedArtifact(
            f"the model would use {', '.join(forbidden)}, which no model needs: do not use this file",
        )


def _of_python(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names or "." not in name
