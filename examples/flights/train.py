"""Trains and registers models that say whether a flight that leaves the gate will arrive 15 minutes late or more.

    python examples/flights/train.py v1 v4 [--registry models]

v1 is in production. v2 is better. v3_hours is broken: it takes its minutes for hours. v4 is v1 rewritten.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from examples.flights.events import SCHEMA_FILE, training
from understudy.models import register

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    import pandas as pd

    from understudy.models import Manifest, Registry

    Where = str | os.PathLike[str] | Registry

NAME: Final = "flights"
TEXTS: Final = ["carrier", "origin", "dest"]
NUMBERS: Final = [
    "dep_delay",
    "sched_hour",
    "sched_block_min",
    "distance",
    "temp",
    "wind_speed",
    "precip",
    "visib",
]
NUMBERS_V2: Final = [
    "dep_delay",
    "sched_hour",
    "sched_min",
    "sched_block_min",
    "distance",
    "dow",
    "origin_recent_dep_delay",
    "recent_gain",
    "dest_recent_gain",
    "origin_recent_gain",
    "origin_sched_hour_n",
    "wind_speed",
    "precip",
    "visib",
]


def v1(registry: Where) -> Manifest:
    """A logistic regression, trained on January."""
    flights = _january_to(month=1)
    return _register(_fitted(_linear(), NUMBERS + TEXTS, flights), "v1", registry, flights)


def v2(registry: Where) -> Manifest:
    """Gradient boosting with how the last flights fared, trained on January to March: better than v1."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    prepared = ColumnTransformer([("numbers", "passthrough", NUMBERS_V2), ("texts", codes, TEXTS)])
    first_text = len(NUMBERS_V2)
    trees = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=200,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=[first_text, first_text + 1, first_text + 2],
        random_state=0,
    )
    model = Pipeline([("prepared", prepared), ("late", trees)])
    flights = _january_to(month=3)
    return _register(_fitted(model, NUMBERS_V2 + TEXTS, flights), "v2", registry, flights)


def v3_hours(registry: Where) -> Manifest:
    """v1, served with a mistake: delays reach it in minutes, and it reads them as hours (divides by 60).

    The mistake is built into the scaler: (x / 60 - mean) / scale is (x - 60 mean) / (60 scale). So the artifact is
    as plain as v1's, and nothing but its answers gives it away.
    """
    flights = _january_to(month=1)
    model = _fitted(_linear(), NUMBERS + TEXTS, flights)
    scaler = model.named_steps["prepared"].named_transformers_["numbers"].named_steps["standardscaler"]
    delay = NUMBERS.index("dep_delay")
    scaler.mean_[delay] *= 60
    scaler.scale_[delay] *= 60
    scaler.var_[delay] *= 60**2
    return _register(model, "v3_hours", registry, flights)


def v4(registry: Where) -> Manifest:
    """v1 rewritten, with another solver and another order of the columns: answers should stay the same."""
    flights = _january_to(month=1)
    model = _linear("newton-cholesky", texts_first=True)
    return _register(_fitted(model, TEXTS + NUMBERS, flights), "v4", registry, flights)


MODELS: Final[Mapping[str, Callable[[Where], Manifest]]] = {"v1": v1, "v2": v2, "v3_hours": v3_hours, "v4": v4}


def _linear(solver: str = "lbfgs", *, texts_first: bool = False) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", min_frequency=20)
    steps = [("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)]
    prepared = ColumnTransformer(steps[::-1] if texts_first else steps)
    return Pipeline([("prepared", prepared), ("late", LogisticRegression(solver=solver, max_iter=2000))])


def _january_to(month: int) -> pd.DataFrame:
    flights = training()
    return flights[(flights.month <= month) & flights.late.notna()]


def _fitted(model: Pipeline, columns: list[str], flights: pd.DataFrame) -> Any:
    return model.fit(flights[columns], flights.late == 1)


def _register(model: Any, version: str, registry: Where, flights: pd.DataFrame) -> Manifest:
    example = flights[list(model.feature_names_in_)]
    auc = roc_auc_score(flights.late, model.predict_proba(example)[:, 1])
    metrics = {"training_flights": len(flights), "training_auc": round(float(auc), 4)}
    return register(model, f"{NAME}:{version}", registry=registry, example=example, schema=SCHEMA_FILE, metrics=metrics)


def main() -> None:
    """Train and register the versions that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("versions", nargs="+", choices=MODELS, metavar=f"version ({', '.join(MODELS)})")
    parser.add_argument("--registry", default="models", help="folder of the registry (default: models)")
    given = parser.parse_args()
    for version in given.versions:
        manifest = MODELS[version](given.registry)
        print(f"{manifest.ref}: {manifest.size_bytes:,} bytes, {dict(manifest.metrics)}")


if __name__ == "__main__":
    main()
